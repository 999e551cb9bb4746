/** Layers that only move values: where each value of the output comes from. */

/** @import { Shuffle, Upsample } from "./types.js" */

/**
 * The input map that becomes output map `map` of a shuffle of `groups` groups among `maps` maps.
 * @type {(map: number, groups: number, maps: number) => number}
 */
export const shuffledFrom = (map, groups, maps) => (map % groups) * (maps / groups) + Math.floor(map / groups);

/**
 * For each place of the output of an upsampling or a shuffle, in order, the place of the input that it copies.
 * @param {Upsample | Shuffle} step
 */
export function* origins(step) {
  const { inputs: [[, high, wide]], output } = step;
  const [down, across] = step.kind === "upsample" ? step.factor : [1, 1];
  for (let map = 0; map < output[0]; map += 1) {
    const from = step.kind === "shuffle" ? shuffledFrom(map, step.groups, output[0]) : map;
    for (let row = 0; row < output[1]; row += 1) {
      for (let column = 0; column < output[2]; column += 1) {
        yield (from * high + Math.floor(row / down)) * wide + Math.floor(column / across);
      }
    }
  }
}
