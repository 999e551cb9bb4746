/** The network as a drawing to find one's way by: a bar for each layer, its height the map's, its width the maps'. */

import { make } from "./elements.js";

const HIGH = 56;
const SKIP = 18;
const LABEL = 16;
const MIDDLE = SKIP + HIGH / 2;

/** An SVG at most `room` wide where the layers are few, and the link of each layer by its path. */
export function drawing(rows, room) {
  const shown = rows.filter((row) => !row.head);
  const tallest = Math.max(...shown.map((row) => row.output[1] ?? 1));
  const widths = shown.map((row) => (plain(row) ? 4 : 5 + 2.2 * Math.log2(row.output[0] + 1)));
  const total = widths.reduce((sum, each) => sum + each + 3, 0);
  const stretch = Math.max(1, Math.min(4.5, (room - 8) / total));
  const places = new Map([[-1, 0]]);
  const links = new Map();
  let x = 2;
  shown.forEach((row, at) => {
    const wide = widths[at] * stretch;
    links.set(row.path, bar(row, x, wide, 6 + (HIGH - 6) * Math.sqrt((row.output[1] ?? 1) / tallest), stretch > 2 && !plain(row)));
    places.set(rows.indexOf(row), x + wide / 2);
    x += wide + 3 * stretch;
  });
  const arcs = shown.flatMap((row) => {
    const number = rows.indexOf(row);
    const far = row.sources.length > 1 ? row.sources.filter((source) => source < number - 1) : [];
    return far.map((source) => arc(places.get(source), places.get(number)));
  });
  const [width, height] = [Math.ceil(x), SKIP + HIGH + LABEL];
  return { svg: make("svg:svg", { viewBox: `0 0 ${width} ${height}`, width, height }, ...arcs, ...links.values()), links };
}

/** Layers without weights that keep the shape are thin. */
function plain(row) {
  return row.weights + row.biases + row.fixed === 0 && row.kind !== "pool";
}

function bar(row, x, wide, high, named) {
  const rect = make("svg:rect", { x, y: MIDDLE - high / 2, width: wide, height: high, rx: 1.5, "data-kind": row.kind });
  const reach = make("svg:rect", { x: x - 1, y: SKIP, width: wide + 2, height: HIGH, class: "reach" });
  const name = named ? make("svg:text", { x: x + wide / 2, y: SKIP + HIGH + 12 }, row.path) : null;
  const link = make("svg:a", { href: `#layer-${row.path}`, "aria-label": `${row.path}: ${row.words}` }, reach, rect, name);
  link.append(make("svg:title", {}, `${row.path}: ${row.words}, ${row.output.join("×")}`));
  return link;
}

function arc(from, to) {
  const rise = Math.min(SKIP, 6 + (to - from) / 6);
  return make("svg:path", { d: `M${from} ${SKIP + 8} C${from} ${SKIP - rise} ${to} ${SKIP - rise} ${to} ${SKIP + 8}`, class: "skip" });
}
