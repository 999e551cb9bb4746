/** A layer's windows on one map of its input: the padding, where each window begins, and the pixels that none reads. */

import { extent } from "../compute/axis.js";
import { sized } from "./canvas.js";
import { say } from "./say.js";

/** @import { TrialRow } from "../compute/types.js" */

const ROOM = 264;
const MOST = 40;

/**
 * Draw the windows; gives a sentence that says the same, or null where the layer has none or the map is too large.
 * @param {HTMLCanvasElement} canvas
 * @param {TrialRow} row
 * @param {number} [room] how wide and high the drawing may be, in pixels
 */
export function windows(canvas, row, room = ROOM) {
  if (!row.padding || !row.kernel || !row.stride || !row.dilation) return null;
  const { kernel, stride, dilation } = row;
  const [, high, wide] = row.input;
  const [top, bottom, left, right] = row.padding;
  const [rows, columns] = [top + high + bottom, left + wide + right];
  if (Math.max(rows, columns) > MOST) return null;
  const cell = Math.max(6, Math.floor(room / Math.max(rows, columns)));
  const context = sized(canvas, columns * cell + 4, rows * cell + 4);
  context.translate(2, 2);
  const style = getComputedStyle(canvas);
  const [, outRows, outColumns] = row.output;
  const axis = (/** @type {0 | 1} */ at) => ({ kernel: kernel[at], stride: stride[at], dilation: dilation[at] });
  const reads = [covered(rows, outRows, axis(0)), covered(columns, outColumns, axis(1))];
  const [tall, broad] = [extent(axis(0)), extent(axis(1))];
  const dilated = dilation.some((each) => each > 1);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const padding = y < top || y >= top + high || x < left || x >= left + wide;
      const unseen = !reads[0].has(y) || !reads[1].has(x);
      context.fillStyle = style.getPropertyValue(unseen && !padding ? "--unseen" : padding ? "--padding" : "--cell");
      context.fillRect(x * cell + 0.5, y * cell + 0.5, cell - 1, cell - 1);
    }
  }
  context.strokeStyle = style.getPropertyValue("--mark");
  for (let y = 0; y < outRows; y += 1) {
    for (let x = 0; x < outColumns; x += 1) {
      const first = x === 0 && y === 0;
      context.globalAlpha = first ? 1 : stride[0] < tall ? 0.22 : 0.7;
      context.lineWidth = first ? 2.5 : 1.5;
      const at = [x * stride[1] * cell, y * stride[0] * cell];
      if (first && dilated) {
        for (const [down, across] of taps(kernel, dilation)) context.strokeRect(across * cell + 1.5, down * cell + 1.5, cell - 3, cell - 3);
      } else {
        context.strokeRect(at[0] + 1.5, at[1] + 1.5, broad * cell - 3, tall * cell - 3);
      }
    }
  }
  context.globalAlpha = 1;
  const lost = row.unseen.rows + row.unseen.columns;
  const size = kernel.join("×");
  const values = {
    path: row.path,
    windows: `${outRows}×${outColumns}`,
    kernel: dilated ? say("{kernel} with dilation {dilation}", { kernel: size, dilation: dilation.join("×") }) : size,
    size: `${high}×${wide}`,
  };
  const drawn = top + bottom + left + right
    ? say("{path}: {windows} windows of {kernel} on {size}, padding around it.", values)
    : say("{path}: {windows} windows of {kernel} on {size}.", values);
  return `${drawn} ${lost ? say("Pixels that no window reads are red.") : say("Every pixel is read.")}`;
}

/**
 * The places along an axis of `size`, padding included, that some window reads.
 * @type {(size: number, windows: number, axis: { kernel: number, stride: number, dilation: number }) => Set<number>}
 */
export function covered(size, windows, { kernel, stride, dilation }) {
  const seen = new Set();
  for (let at = 0; at < windows; at += 1) {
    for (let tap = 0; tap < kernel; tap += 1) {
      const place = at * stride + tap * dilation;
      if (place < size) seen.add(place);
    }
  }
  return seen;
}

/**
 * The rows and columns that a window's taps are away from its corner.
 * @type {(kernel: [number, number], dilation: [number, number]) => [number, number][]}
 */
function taps(kernel, dilation) {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, at) => [
    Math.floor(at / kernel[1]) * dilation[0],
    (at % kernel[1]) * dilation[1],
  ]);
}
