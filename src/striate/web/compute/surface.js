/** The background of an unevenly lit picture: a quadratic surface, fitted without the ink. */

import { median, plane, rint } from "./planes.js";

/** @import { Plane } from "./types.js" */

/** The greatest difference between levels of one even background. */
export const EVEN = 10;

/**
 * 1 for each pixel in the frame around an image, 0 for the others: 6 % of its shorter side, at least one pixel.
 * @type {(image: Plane) => Uint8Array}
 */
export function border({ height, width }) {
  const wide = Math.max(1, rint(Math.min(height, width) * 0.06));
  const frame = new Uint8Array(height * width).fill(1);
  for (let row = wide; row < height - wide; row += 1) frame.fill(0, row * width + wide, Math.max(row * width + wide, (row + 1) * width - wide));
  return frame;
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
  let chosen = points.map((_, at) => frame[at] === 1);
  /** @type {number[]} */
  let solution = [];
  for (const used of [3, 3, 3, 6, 6, 6, 6, 6]) {
    solution = leastSquares(points, sample.values, chosen, used);
    const rest = points.map((point, at) => sample.values[at] - value(point, solution));
    const near = Math.max(EVEN, 2.5 * spread(rest.filter((_, at) => chosen[at])));
    chosen = rest.map((each, at) => Math.abs(each) <= near && (used > 3 || frame[at] === 1));
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
  const far = new Float32Array(values.length);
  for (let at = 0; at < far.length; at += 1) far[at] = Math.abs(values[at] - middle);
  return 1.4826 * median(far);
}
