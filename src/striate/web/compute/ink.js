/** Ink and paper: the background, the noise, the dust and the width of strokes. The twin of striate/data/ink.py. */

import { bounded, median, percentiles, placed, plane, thickened } from "./planes.js";

/** @import { Plane } from "./types.js" */
/** The background: its levels, whether they are one level, the noise around them, whether the ink is darker. @typedef {{ levels: Plane, even: boolean, noise: number, dark: boolean }} Paper */

const EVEN = 10;
const FAINTEST = 12;
const ABOVE_NOISE = 5;
const DUST = 0.04;

/**
 * The background of a grey drawing.
 * @param {Plane} grey
 * @returns {Paper}
 */
export function findPaper(grey) {
  const edge = grey.values.filter(border(grey));
  const [low, middle, high] = percentiles(edge, 10, 50, 90);
  /** @type {(far: number) => number} */
  const share = (far) => edge.filter((value) => Math.abs(value - middle) > far).length / edge.length;
  const cutClose = () => 1 - share(EVEN / 2) >= 0.6 && share(6 * EVEN) >= 0.9 * share(EVEN / 2);
  const even = high - low <= EVEN || cutClose();
  const levels = even ? plane(grey.height, grey.width, new Float32Array(grey.values.length).fill(middle)) : surface(grey);
  const rest = new Float32Array(grey.values.length);
  for (let at = 0; at < rest.length; at += 1) rest[at] = grey.values[at] - levels.values[at];
  const near = Math.max(3 * spread(rest), EVEN);
  const noise = spread(rest.filter((value) => Math.abs(value) <= near));
  let [dark, light] = [0, 0];
  for (const value of rest) {
    if (Math.abs(value) <= 4 * noise + FAINTEST / 2) continue;
    if (value < 0) dark += value * value;
    else light += value * value;
  }
  return { levels, even, noise, dark: dark > light };
}

/**
 * The ink alone, light on dark, without noise and dust; null where nothing stands out.
 * @param {Plane} grey
 * @param {Paper} paper
 */
export function liftInk(grey, paper) {
  const above = grey.values.map((value, at) => Math.max(0, paper.dark ? paper.levels.values[at] - value : value - paper.levels.values[at]));
  const threshold = otsu(above);
  const strong = above.filter((value) => value > threshold);
  if (!strong.length) return null;
  const [full] = percentiles(strong, 90);
  if (full <= Math.max(FAINTEST, ABOVE_NOISE * paper.noise)) return null;
  const floor = Math.min(3.5 * paper.noise, full / 2);
  const ink = plane(grey.height, grey.width, above.map((value) => bounded((value - floor) * (255 / (full - floor)), 0, 255)));
  return withoutDust(ink);
}

/** Otsu's threshold (1979): the level that separates the values into the two most distinct groups. @param {Float32Array} values */
function otsu(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[bounded(Math.trunc(value), 0, 255)] += 1;
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
  const blocks = Int32Array.from({ length: ink.width }, (_, column) => Math.floor(column / step));
  for (let row = 0, at = 0; row < ink.height; row += 1) {
    const first = Math.floor(row / step) * width;
    for (let column = 0; column < ink.width; column += 1, at += 1) {
      const block = first + blocks[column];
      if (ink.values[at] > most[block]) most[block] = ink.values[at];
      sums[block] += ink.values[at];
    }
  }
  const { numbers, weights } = pieces(most, sums, height, width);
  const least = DUST * Math.max(0, ...weights);
  const kept = thickened(plane(height, width, Float32Array.from(numbers, (number) => (number && weights[number - 1] >= least ? 1 : 0))), 1);
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

/**
 * A function that says whether the pixel at a place is in the frame around an image: 6 % of its shorter side, at least
 * one pixel.
 * @type {(image: Plane) => (value: number, at: number) => boolean}
 */
function border({ height, width }) {
  const wide = Math.max(1, Math.round(Math.min(height, width) * 0.06));
  return (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return row < wide || row >= height - wide || column < wide || column >= width - wide;
  };
}

/** A quadratic surface through the background: fitted to the border, then again to every level near the fit. @param {Plane} grey */
function surface({ height, width, values }) {
  /** @type {(place: number, size: number) => number} */
  const along = (place, size) => (size > 1 ? -1 + (2 * place) / (size - 1) : -1);
  /** @type {(row: number, column: number) => number[]} */
  const terms = (row, column) => {
    const [down, across] = [along(row, height), along(column, width)];
    return [1, down, across, down * across, down * down, across * across];
  };
  const step = Math.max(1, Math.floor(Math.max(height, width) / 96));
  const sample = plane(Math.ceil(height / step), Math.ceil(width / step));
  /** @type {number[][]} */
  const points = [];
  for (let row = 0; row < height; row += step) {
    for (let column = 0; column < width; column += step) {
      sample.values[points.length] = values[row * width + column];
      points.push(terms(row, column));
    }
  }
  const frame = border(sample);
  let chosen = points.map((_, at) => frame(0, at));
  /** @type {number[]} */
  let solution = [];
  for (const used of [3, 3, 3, 6, 6, 6, 6, 6]) {
    solution = leastSquares(points, sample.values, chosen, used);
    const rest = points.map((point, at) => sample.values[at] - value(point, solution));
    const near = Math.max(EVEN, 2.5 * spread(rest.filter((_, at) => chosen[at])));
    chosen = rest.map((each, at) => Math.abs(each) <= near && (used > 3 || frame(0, at)));
  }
  const out = plane(height, width);
  out.values.forEach((_, at) => { out.values[at] = value(terms(Math.floor(at / width), at % width), solution); });
  return out;
}

/** @type {(point: number[], solution: number[]) => number} */
const value = (point, solution) => solution.reduce((sum, factor, at) => sum + factor * point[at], 0);

/**
 * The factors of the first `used` terms that come nearest to the chosen values, by the normal equations.
 * @type {(points: number[][], values: Float32Array, chosen: boolean[], used: number) => number[]}
 */
function leastSquares(points, values, chosen, used) {
  const rows = Array.from({ length: used }, () => new Float64Array(used + 1));
  points.forEach((point, at) => {
    if (!chosen[at]) return;
    for (let i = 0; i < used; i += 1) {
      for (let j = 0; j < used; j += 1) rows[i][j] += point[i] * point[j];
      rows[i][used] += point[i] * values[at];
    }
  });
  for (let i = 0; i < used; i += 1) {
    const best = rows.slice(i).reduce((most, row, at) => (Math.abs(row[i]) > Math.abs(rows[most][i]) ? i + at : most), i);
    [rows[i], rows[best]] = [rows[best], rows[i]];
    for (let other = 0; other < used; other += 1) {
      if (other === i || !rows[i][i]) continue;
      const factor = rows[other][i] / rows[i][i];
      for (let j = i; j <= used; j += 1) rows[other][j] -= factor * rows[i][j];
    }
  }
  return rows.map((row, i) => (row[i] ? row[used] / row[i] : 0));
}

/** A standard deviation that outliers do not change: from the median of the distances to the median. @param {ArrayLike<number>} values */
function spread(values) {
  if (!values.length) return 0;
  const middle = median(values);
  return 1.4826 * median(Float32Array.from(values, (value) => Math.abs(value - middle)));
}
