/** The background of an unevenly lit picture: a quadratic surface, fitted without the ink. */

import { median, plane } from "./planes.js";

/** @import { Plane } from "./types.js" */

/** The greatest difference between levels of one even background. */
export const EVEN = 10;

/**
 * A function that says whether the pixel at a place is in the frame around an image: 6 % of its shorter side, at least
 * one pixel.
 * @type {(image: Plane) => (value: number, at: number) => boolean}
 */
export function border({ height, width }) {
  const wide = Math.max(1, Math.round(Math.min(height, width) * 0.06));
  return (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return row < wide || row >= height - wide || column < wide || column >= width - wide;
  };
}

/**
 * A quadratic surface through the background: fitted to the border, then again to every level near the fit.
 * @param {Plane} grey
 */
export function surface({ height, width, values }) {
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

/**
 * A standard deviation that outliers do not change: from the median of the distances to the median.
 * @param {ArrayLike<number>} values
 */
export function spread(values) {
  if (!values.length) return 0;
  const middle = median(values);
  return 1.4826 * median(Float32Array.from(values, (value) => Math.abs(value - middle)));
}
