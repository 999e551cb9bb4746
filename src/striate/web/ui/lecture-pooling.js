/** The step on pooling: a map moves by some pixels, and less of the move is left after pooling. */

import { make } from "./elements.js";
import { cells, choice, named } from "./lecture-cells.js";
import { say } from "./say.js";

/** @typedef {import("./lecture-steps.js").Step} Step */

const SIDE = 8;
/** Row, column and value of what a filter found; the third stands at the right edge of its window of 2×2. */
const FOUND = [[1, 0, 9], [2, 4, 7], [4, 3, 8], [7, 2, 6]];

/** The map, moved to the right. @param {number} by */
function map(by) {
  const values = Array.from({ length: SIDE }, () => Array(SIDE).fill(0));
  for (const [row, column, value] of FOUND) values[row][column + by] = value;
  return values;
}

/** The maxima of windows of 2×2. @param {number[][]} values */
const pooled = (values) => Array.from({ length: SIDE / 2 }, (_, row) => Array.from({ length: SIDE / 2 }, (__, column) =>
  Math.max(...[0, 1].flatMap((y) => [0, 1].map((x) => values[2 * row + y][2 * column + x])))));

/** How many values differ. @type {(one: number[][], other: number[][]) => number} */
const changes = (one, other) => one.flat().filter((value, at) => value !== other.flat()[at]).length;

/** @type {Step[]} */
export const pooling = [
  { id: "pooling", make: () => ({
    title: say("Pooling: the largest of each window"),
    text: say("Max pooling keeps the largest value of each window of 2×2. It has no parameters, and the map has a quarter of the values."),
    figure: moved(0),
  }) },
  { id: "pooling-1", make: () => ({
    title: say("Moved by one pixel"),
    text: say("What stays in its window gives the same maximum. Only what crosses an edge between windows changes the pooled map."),
    figure: moved(1),
  }) },
  { id: "pooling-2", make: () => ({
    title: say("Moved by two pixels"),
    text: say("Now everything is in the next window: the pooled map has moved by one. Pooling forgives small moves, not large ones."),
    figure: moved(2),
  }) },
];

/** The map and its pooled map, as they were and moved. @param {number} first */
function moved(first) {
  const parts = make("div", { class: "row" });
  const line = make("p", { class: "big", "data-testid": "lecture-changes" });
  const before = map(0);
  /** @type {(name: string, values: number[][]) => HTMLElement[]} */
  const pair = (name, values) => {
    const small = pooled(values);
    const changed = (/** @type {number[][]} */ now, /** @type {number[][]} */ then) => (/** @type {number} */ row, /** @type {number} */ column) => now[row][column] !== then[row][column];
    const large = cells(values, name, changed(values, before));
    large.classList.add("paired");
    return [named(name, large), make("span", { class: "sign" }, "→"), named(say("pooled"), cells(small, say("pooled"), changed(small, pooled(before))))];
  };
  const show = (/** @type {number} */ by) => {
    const after = map(by);
    parts.replaceChildren(...pair(say("map"), before), ...(by ? pair(say("moved by {by}", { by }), after) : []));
    line.textContent = by
      ? say("Changed: {map} of 64 values of the map, {pooled} of 16 after pooling", { map: changes(before, after), pooled: changes(pooled(before), pooled(after)) })
      : say("64 values become 16");
  };
  show(first);
  return make("div", {}, choice(say("move to the right by"), [[0, "0"], [1, "1"], [2, "2"]], first, show), parts, line);
}
