/** The network as a drawing to navigate by: a bar for each layer, as high as its maps, wider for more maps. */

import { draw } from "./elements.js";

/** @import { Row } from "./types.js" */

const HIGH = 56;
const SKIP = 18;
const LABEL = 16;
const MIDDLE = SKIP + HIGH / 2;

/**
 * The drawing, at most `room` wide where the layers are few, and the link of each layer by its path.
 * @param {Row[]} rows
 * @param {number} room
 */
export function drawing(rows, room) {
  const shown = rows.filter((row) => !row.head);
  const tallest = Math.max(...shown.map((row) => row.output[1] ?? 1));
  const widths = shown.map((row) => (thin(row) ? 4 : 5 + 2.2 * Math.log2(row.output[0] + 1)));
  const total = widths.reduce((sum, each) => sum + each + 3, 0);
  const stretch = Math.max(1, Math.min(4.5, (room - 8) / total));
  const places = new Map([[-1, 0]]);
  /** @type {Map<string, SVGAElement>} */
  const links = new Map();
  let x = 2;
  shown.forEach((row, at) => {
    const wide = widths[at] * stretch;
    links.set(row.path, bar(row, x, wide, 6 + (HIGH - 6) * Math.sqrt((row.output[1] ?? 1) / tallest), stretch > 2 && !thin(row)));
    places.set(rows.indexOf(row), x + wide / 2);
    x += wide + 3 * stretch;
  });
  const arcs = shown.flatMap((row) => {
    const number = rows.indexOf(row);
    const far = row.sources.length > 1 ? row.sources.filter((source) => source < number - 1) : [];
    return far.map((source) => arc(places.get(source) ?? 0, places.get(number) ?? 0));
  });
  const [width, height] = [Math.ceil(x), SKIP + HIGH + LABEL];
  return { svg: draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height }, ...arcs, ...links.values()), links };
}

/**
 * Whether a layer's bar is thin: a join, or a layer without weights and windows that gives one value for each value
 * that it reads.
 * @param {Row} row
 */
export function thin(row) {
  if (row.sources.length > 1) return true;
  return row.weights + row.biases + row.fixed === 0 && !row.kernel && size(row.input) === size(row.output);
}

/** @type {(shape: number[]) => number} */
const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** @type {(row: Row, x: number, wide: number, high: number, named: boolean) => SVGAElement} */
function bar(row, x, wide, high, named) {
  const rect = draw("rect", { x, y: MIDDLE - high / 2, width: wide, height: high, rx: 1.5, "data-kind": row.kind });
  const reach = draw("rect", { x: x - 1, y: SKIP, width: wide + 2, height: HIGH, class: "reach" });
  const name = named ? draw("text", { x: x + wide / 2, y: SKIP + HIGH + 12 }, row.path) : null;
  const link = draw("a", { href: `#layer-${row.path}`, "aria-label": `${row.path}: ${row.words}` }, reach, rect, name);
  link.append(draw("title", {}, `${row.path}: ${row.words}, ${row.output.join("×")}`));
  return link;
}

/** @type {(from: number, to: number) => SVGPathElement} */
function arc(from, to) {
  const rise = Math.min(SKIP, 6 + (to - from) / 6);
  return draw("path", { d: `M${from} ${SKIP + 8} C${from} ${SKIP - rise} ${to} ${SKIP - rise} ${to} ${SKIP + 8}`, class: "skip" });
}
