/** A window that moves along one axis: the twin of striate/description/axis.py and striate/accounting/fit.py. */

import { rint } from "./planes.js";

/** @import { Axis } from "./types.js" */

/** How far from the given value another input, kernel, stride or padding is looked for. */
const FAR = 2048;

/** The pixels from the first to the last of one window. @type {(axis: Pick<Axis, "kernel" | "dilation">) => number} */
export const extent = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** The size of the input with its padding. @type {(axis: Axis) => number} */
export const padded = ({ before, size, after }) => before + size + after;

/**
 * The number of windows; 0 where not even one fits.
 * @param {Axis} axis
 */
export function windowsOf(axis) {
  const room = padded(axis) - extent(axis);
  if (room < 0) return 0;
  if (!axis.ceil) return Math.floor(room / axis.stride) + 1;
  const count = Math.ceil(room / axis.stride) + 1;
  return (count - 1) * axis.stride >= axis.size + axis.before ? count - 1 : count;
}

/**
 * The formula with its numbers, such as (7 − 3)/3 + 1 = 2.333.
 * @param {Axis} axis
 */
export function formula(axis) {
  const { size, kernel, stride, before, after, dilation } = axis;
  const padding = [before, after].filter(Boolean).map((side) => ` + ${side}`).join("");
  const long = dilation === 1 ? kernel : `(${dilation}·${kernel - 1} + 1)`;
  return `(${size}${padding} − ${long})/${stride} + 1 = ${rint(((padded(axis) - extent(axis)) / stride + 1) * 1000) / 1000}`;
}

/**
 * (before, after) of "same" padding: the output is ceil(size / stride), an odd pixel comes after.
 * @param {Axis} axis
 */
export function samePadding(axis) {
  const total = Math.max(0, (Math.ceil(axis.size / axis.stride) - 1) * axis.stride + extent(axis) - axis.size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/**
 * How many pixels of the input, and how many of the padding, no window reads.
 * @param {Axis} axis
 */
export function unseen(axis) {
  const { size, kernel, stride, before, after, dilation } = axis;
  const count = windowsOf(axis);
  if (count && stride <= kernel && dilation === 1) {
    const left = Math.max(0, padded(axis) - ((count - 1) * stride + kernel));
    return [Math.max(0, left - after), Math.min(left, after)];
  }
  const read = new Uint8Array(Math.max(0, padded(axis)) + extent(axis) + stride);
  for (let place = 0; place < count; place += 1) {
    for (let tap = 0; tap < kernel; tap += 1) read[place * stride + tap * dilation] = 1;
  }
  /** @type {(from: number, to: number) => number} */
  const missed = (from, to) => read.subarray(from, to).reduce((sum, seen) => sum + 1 - seen, 0);
  const real = missed(before, before + size);
  return [real, missed(0, padded(axis)) - real];
}

/** @type {(axis: Axis) => boolean} */
const fits = (axis) => windowsOf(axis) > 0 && axis.before < extent(axis) && unseen(axis).every((count) => count === 0);

/**
 * The nearest inputs, kernels, strides and paddings with which every pixel is read, each with all else as it is.
 * A layer without padding has none to change: without `pads`.
 * @param {Axis} axis
 */
export function remedies(axis, pads = true) {
  const found = {
    input: nearest(axis.size, 1, (size) => ({ ...axis, size })),
    kernel: nearest(axis.kernel, 1, (kernel) => ({ ...axis, kernel })),
    stride: nearest(axis.stride, 1, (stride) => ({ ...axis, stride })),
    padding: !pads ? [] : nearest(axis.before, 0, (side) => ({ ...axis, before: side, after: side })),
  };
  const lines = Object.entries(found).filter(([, values]) => values.length).map(([word, values]) => `${word} ${values.join(" or ")}`);
  const uneven = !pads || found.padding.length ? null : leastUneven(axis);
  return uneven ? [...lines, `padding ${uneven[0]} before and ${uneven[1]} after`] : lines;
}

/**
 * The nearest values below and above with which the windows fit exactly.
 * @type {(value: number, least: number, change: (value: number) => Axis) => number[]}
 */
function nearest(value, least, change) {
  /** @type {number[]} */
  const found = [];
  for (let each = value - 1; each >= Math.max(least, value - FAR) && !found.length; each -= 1) if (fits(change(each))) found.push(each);
  for (let each = value + 1; each < Math.min(2 * value + 16, value + FAR + 1); each += 1) if (fits(change(each))) return [...found, each];
  return found;
}

/** The least padding, one pixel more after than before, with which the windows fit exactly. @param {Axis} axis */
function leastUneven(axis) {
  const given = axis.before + axis.after;
  for (let total = given + 1; total < Math.min(2 * extent(axis), given + FAR + 1); total += 1) {
    const [before, after] = [Math.floor(total / 2), Math.ceil(total / 2)];
    if (fits({ ...axis, before, after })) return [before, after];
  }
  return null;
}
