/** Pooling and subsampling: windows that move over each map by itself. */

/** @import { Axis, Pool, Subsample, Tensors, Values } from "./types.js" */

/**
 * Called for a window with the place of its output, its map, where that map begins, the rows and the columns that the
 * window reads (from, to), and the row and the column of its output.
 * @typedef {(to: number, map: number, first: number, top: number, bottom: number, left: number, right: number, row: number, column: number) => void} EachWindow
 */

/**
 * Call `each` for every window, in the order of the outputs.
 * @param {Pool | Subsample} step
 * @param {EachWindow} each
 */
export function windows({ axes, output }, each) {
  const [high, wide] = axes;
  for (let map = 0, to = 0; map < output[0]; map += 1) {
    const first = map * high.size * wide.size;
    for (let row = 0; row < high.output; row += 1) {
      const top = row * high.stride - high.before;
      const rows = [Math.max(0, top), Math.min(high.size, top + high.kernel)];
      for (let column = 0; column < wide.output; column += 1, to += 1) {
        const left = column * wide.stride - wide.before;
        each(to, map, first, rows[0], rows[1], Math.max(0, left), Math.min(wide.size, left + wide.kernel), row, column);
      }
    }
  }
}

/**
 * The output of a pooling.
 * @type {(out: Values, step: Pool, read: Values) => Values}
 */
export const pool = (out, step, read) => (step.function === "max" ? largest(out, step, read) : means(out, step, read));

/**
 * The sum of each window, times the map's coefficient, plus its bias.
 * @type {(out: Values, step: Subsample, read: Values, tensors: Tensors) => Values}
 */
export const subsample = (out, step, read, { weight, bias }) => sums(out, step, read, (sum, map) => sum * weight[map] + bias[map]);

/** @type {(out: Values, step: Pool, read: Values) => Values} */
function largest(out, step, read) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right) => {
    let most = -Infinity;
    for (let row = top; row < bottom; row += 1) {
      for (let at = first + row * across + left; at < first + row * across + right; at += 1) if (read[at] > most) most = read[at];
    }
    out[to] = most;
  });
  return out;
}

/** @type {(out: Values, step: Pool, read: Values) => Values} */
function means(out, step, read) {
  const size = sizeOf(step);
  return sums(out, step, read, (sum, map, row, column) => sum / size(row, column));
}

/**
 * A function that gives the number of values by which an average pooling divides a window's sum.
 * @type {(step: Pool) => (row: number, column: number) => number}
 */
export function sizeOf(step) {
  const [rows, columns] = step.axes.map((axis) => counts(axis, step.count_padding));
  return (row, column) => rows[row] * columns[column];
}

/** The sum of each window, passed through `then`. @type {(out: Values, step: Pool | Subsample, read: Values, then: (sum: number, map: number, row: number, column: number) => number) => Values} */
function sums(out, step, read, then) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right, row, column) => {
    let sum = 0;
    for (let line = top; line < bottom; line += 1) {
      for (let at = first + line * across + left; at < first + line * across + right; at += 1) sum += read[at];
    }
    out[to] = then(sum, map, row, column);
  });
  return out;
}

/** How many values each window along an axis counts. @type {(axis: Axis, padding: boolean) => number[]} */
function counts(axis, padding) {
  const [first, end] = padding ? [-axis.before, axis.size + axis.after] : [0, axis.size];
  return Array.from({ length: axis.output }, (_, place) => {
    const start = place * axis.stride - axis.before;
    return Math.min(start + axis.kernel, end) - Math.max(start, first);
  });
}

/**
 * The slopes by the input of a maximum: each goes to the largest value of its window, the first of several.
 * @type {(out: Values, step: Pool, own: Values, read: Values) => Values}
 */
export function toLargest(out, step, own, read) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right) => {
    let best = first + top * across + left;
    for (let row = top; row < bottom; row += 1) {
      for (let at = first + row * across + left; at < first + row * across + right; at += 1) if (read[at] > read[best]) best = at;
    }
    out[best] += own[to];
  });
  return out;
}

/**
 * The slopes by the input of a weighted sum: each goes to every value of its window, times the weight.
 * @type {(out: Values, step: Pool | Subsample, own: Values, weight: (map: number, row: number, column: number) => number) => Values}
 */
export function toAll(out, step, own, weight) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right, row, column) => {
    const slope = own[to] * weight(map, row, column);
    for (let line = top; line < bottom; line += 1) {
      for (let at = first + line * across + left; at < first + line * across + right; at += 1) out[at] += slope;
    }
  });
  return out;
}
