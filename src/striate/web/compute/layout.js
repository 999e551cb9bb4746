/** Layers that lay values out anew: where each value of the output comes from. */

/** The input map that is map `map` of the output of a shuffle of `groups` among `maps`. */
export const shuffledFrom = (map, groups, maps) => (map % groups) * (maps / groups) + Math.floor(map / groups);

/** For each place of a step's output, in order, the place of its input that it repeats: an upsampling, a shuffle. */
export function* origins({ kind, factor, groups, inputs, output }) {
  const [, high, wide] = inputs[0];
  const [down, across] = kind === "upsample" ? factor : [1, 1];
  for (let map = 0; map < output[0]; map += 1) {
    const from = kind === "shuffle" ? shuffledFrom(map, groups, output[0]) : map;
    for (let row = 0; row < output[1]; row += 1) {
      for (let column = 0; column < output[2]; column += 1) {
        yield (from * high + Math.floor(row / down)) * wide + Math.floor(column / across);
      }
    }
  }
}
