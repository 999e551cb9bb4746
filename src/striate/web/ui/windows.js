/** A layer's windows on one map of its input: padding, where each begins, and what none of them reads. */

const ROOM = 264;
const MOST = 40;

/** Draws them; gives a sentence that says the same, or null where the map is too large to draw. */
export function windows(canvas, row) {
  const [, high, wide] = row.input;
  const [top, bottom, left, right] = row.padding;
  const [rows, columns] = [top + high + bottom, left + wide + right];
  if (!wide || Math.max(rows, columns) > MOST) return null;
  const cell = Math.max(6, Math.floor(ROOM / Math.max(rows, columns)));
  const ratio = devicePixelRatio;
  const [across, down] = [columns * cell + 4, rows * cell + 4];
  [canvas.width, canvas.height] = [across * ratio, down * ratio];
  [canvas.style.width, canvas.style.height] = [`${across}px`, `${down}px`];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 2 * ratio, 2 * ratio);
  const style = getComputedStyle(canvas);
  const of = (name) => style.getPropertyValue(name);
  const [, outRows, outColumns] = row.output;
  const reads = [covered(rows, outRows, row.kernel[0], row.stride[0]), covered(columns, outColumns, row.kernel[1], row.stride[1])];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const padding = y < top || y >= top + high || x < left || x >= left + wide;
      const unseen = !reads[0].has(y) || !reads[1].has(x);
      context.fillStyle = of(unseen && !padding ? "--unseen" : padding ? "--padding" : "--cell");
      context.fillRect(x * cell + 0.5, y * cell + 0.5, cell - 1, cell - 1);
    }
  }
  const mark = of("--mark");
  for (let y = 0; y < outRows; y += 1) {
    for (let x = 0; x < outColumns; x += 1) {
      const first = x === 0 && y === 0;
      context.globalAlpha = first ? 1 : row.stride[0] < row.kernel[0] ? 0.22 : 0.7;
      context.lineWidth = first ? 2.5 : 1.5;
      context.strokeStyle = mark;
      const at = [x * row.stride[1] * cell, y * row.stride[0] * cell];
      context.strokeRect(at[0] + 1.5, at[1] + 1.5, row.kernel[1] * cell - 3, row.kernel[0] * cell - 3);
    }
  }
  context.globalAlpha = 1;
  const lost = row.unseen.rows + row.unseen.columns;
  const padded = top + bottom + left + right ? ", padding around it" : "";
  return `${row.path}: ${outRows}×${outColumns} windows of ${row.kernel.join("×")} on ${high}×${wide}${padded}. ` +
    (lost ? "What no window reads is red." : "Every pixel is read.");
}

function covered(size, windows, kernel, stride) {
  const seen = new Set();
  for (let at = 0; at < windows; at += 1) for (let tap = 0; tap < kernel && at * stride + tap < size; tap += 1) seen.add(at * stride + tap);
  return seen;
}
