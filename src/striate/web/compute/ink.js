/** Ink and paper: the background, the noise, the dust and the width of strokes. The twin of striate/data/ink.py. */

import { bounded, only, percentiles, placed, plane, thickened } from "./planes.js";
import { EVEN, border, spread, surface } from "./surface.js";

/** @import { Plane } from "./types.js" */
/**
 * The background: its levels, whether they are one level, the noise around them, whether the ink is darker.
 * @typedef {{ levels: Plane, even: boolean, noise: number, dark: boolean }} Paper
 */

const FAINTEST = 12;
const ABOVE_NOISE = 5;
const DUST = 0.04;

/**
 * The background of a grey drawing.
 * @param {Plane} grey
 * @returns {Paper}
 */
export function findPaper(grey) {
  const frame = border(grey);
  const edge = only(grey.values, (_, at) => frame[at]);
  const [low, middle, high] = percentiles(edge, 10, 50, 90);
  /** @type {(far: number) => number} */
  const share = (far) => only(edge, (value) => Math.abs(value - middle) > far).length / edge.length;
  const cutClose = () => 1 - share(EVEN / 2) >= 0.6 && share(6 * EVEN) >= 0.9 * share(EVEN / 2);
  const even = high - low <= EVEN || cutClose();
  const levels = even ? plane(grey.height, grey.width, new Float32Array(grey.values.length).fill(middle)) : surface(grey);
  const rest = new Float32Array(grey.values.length);
  for (let at = 0; at < rest.length; at += 1) rest[at] = grey.values[at] - levels.values[at];
  const near = Math.max(3 * spread(rest), EVEN);
  const noise = spread(only(rest, (value) => Math.abs(value) <= near));
  const faintest = 4 * noise + FAINTEST / 2;
  let dark = 0;
  let light = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const value = rest[at];
    if (value > faintest) light += value * value;
    else if (value < -faintest) dark += value * value;
  }
  return { levels, even, noise, dark: dark > light };
}

/**
 * The ink alone, light on dark, without noise and dust; null where nothing stands out.
 * @param {Plane} grey
 * @param {Paper} paper
 */
export function liftInk(grey, paper) {
  const [sign, levels] = [paper.dark ? -1 : 1, paper.levels.values];
  const above = new Float32Array(levels.length);
  for (let at = 0; at < above.length; at += 1) above[at] = Math.max(0, sign * (grey.values[at] - levels[at]));
  const threshold = otsu(above);
  const strong = only(above, (value) => value > threshold);
  if (!strong.length) return null;
  const [full] = percentiles(strong, 90);
  if (full <= Math.max(FAINTEST, ABOVE_NOISE * paper.noise)) return null;
  const floor = Math.min(3.5 * paper.noise, full / 2);
  const [gain, ink] = [255 / (full - floor), plane(grey.height, grey.width)];
  for (let at = 0; at < above.length; at += 1) ink.values[at] = bounded((above[at] - floor) * gain, 0, 255);
  return withoutDust(ink);
}

/**
 * Otsu's threshold (1979): the level that separates the values into the two most distinct groups.
 * @param {Float32Array} values
 */
function otsu(values) {
  const counts = new Float64Array(256);
  for (let at = 0; at < values.length; at += 1) counts[bounded(Math.trunc(values[at]), 0, 255)] += 1;
  const all = values.length;
  const total = counts.reduce((sum, count, level) => sum + count * level, 0);
  let [below, sum, best, most] = [0, 0, 0, 0];
  counts.forEach((count, level) => {
    below += count;
    sum += count * level;
    const above = all - below;
    if (!below || !above) return;
    const between = below * above * (sum / below - (total - sum) / above) ** 2;
    if (between > most) [best, most] = [level, between];
  });
  return best;
}

/** The ink without the pieces that hold less than the share DUST of the largest piece's ink. @param {Plane} ink */
function withoutDust(ink) {
  const step = Math.max(1, Math.floor(Math.max(ink.height, ink.width) / 128));
  const [height, width] = [ink.height, ink.width].map((side) => Math.ceil(side / step));
  const most = new Float32Array(height * width);
  const sums = new Float64Array(height * width);
  const blocks = new Int32Array(ink.width);
  for (let column = 0; column < ink.width; column += 1) blocks[column] = Math.floor(column / step);
  for (let row = 0, at = 0; row < ink.height; row += 1) {
    const first = Math.floor(row / step) * width;
    for (let column = 0; column < ink.width; column += 1, at += 1) {
      const value = ink.values[at];
      if (!value) continue;
      const block = first + blocks[column];
      if (value > most[block]) most[block] = value;
      sums[block] += value;
    }
  }
  const { numbers, weights } = pieces(most, sums, height, width);
  const least = DUST * Math.max(0, ...weights);
  const large = plane(height, width);
  for (let at = 0; at < numbers.length; at += 1) if (numbers[at] && weights[numbers[at] - 1] >= least) large.values[at] = 1;
  const kept = thickened(large, 1);
  const out = plane(ink.height, ink.width);
  for (let row = 0, at = 0; row < ink.height; row += 1) {
    const first = Math.floor(row / step) * width;
    for (let column = 0; column < ink.width; column += 1, at += 1) {
      if (kept.values[first + blocks[column]]) out.values[at] = ink.values[at];
    }
  }
  return out;
}

/**
 * Connected pieces, also across corners: for each place the number of its piece, 0 for none, and each piece's sum.
 * @type {(most: Float32Array, sums: Float64Array, height: number, width: number) => { numbers: Int32Array, weights: number[] }}
 */
function pieces(most, sums, height, width) {
  const numbers = new Int32Array(height * width);
  /** @type {number[]} */
  const weights = [];
  for (let start = 0; start < numbers.length; start += 1) {
    if (numbers[start] || most[start] <= 127) continue;
    weights.push(0);
    const open = [start];
    numbers[start] = weights.length;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      weights[weights.length - 1] += sums[at];
      const [row, column] = [Math.floor(at / width), at % width];
      for (let down = Math.max(0, row - 1); down <= Math.min(height - 1, row + 1); down += 1) {
        for (let across = Math.max(0, column - 1); across <= Math.min(width - 1, column + 1); across += 1) {
          const near = down * width + across;
          if (numbers[near] || most[near] <= 127) continue;
          numbers[near] = weights.length;
          open.push(near);
        }
      }
    }
  }
  return { numbers, weights };
}

/** The mean width of the strokes, in pixels: twice their area over their outline. @param {Plane} ink */
export function strokeWidth(ink) {
  const { height, width, values } = placed(ink, ink.height + 2, ink.width + 2, 1, 1);
  let [area, edges] = [0, 0];
  for (let at = 0; at < values.length; at += 1) {
    const inside = values[at] > 127;
    if (inside) area += 1;
    if (at >= width && inside !== values[at - width] > 127) edges += 1;
    if (at % width && inside !== values[at - 1] > 127) edges += 1;
  }
  return height ? (2 * area) / Math.max(1, (edges * Math.PI) / 4) : 0;
}
