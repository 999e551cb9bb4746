/** The step on filters: a window over an image, nine products and their sum, and the map that the sums make. */

import { make } from "./elements.js";
import { cells, choice, coloured, named, written } from "./lecture-cells.js";
import { say } from "./say.js";

/** @typedef {import("./lecture-steps.js").Step} Step */
/** @typedef {"vertical" | "horizontal" | "mean"} Name */

/** A seven. */
const IMAGE = [
  "000000000",
  "011111110",
  "011111110",
  "000001100",
  "000011000",
  "000110000",
  "001100000",
  "001100000",
  "000000000",
].map((line) => [...line].map(Number));
/** @type {Record<Name, number[][]>} */
const FILTERS = {
  vertical: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
  horizontal: [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
  mean: [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
};

/** The products of the window whose corner is there. @type {(filter: number[][], row: number, column: number) => [number, number][]} */
const products = (filter, row, column) => filter.flatMap((line, y) => line.map((weight, x) => /** @type {[number, number]} */ ([IMAGE[row + y][column + x], weight])));
/** @param {[number, number][]} all */
const sum = (all) => all.reduce((total, [pixel, weight]) => total + pixel * weight, 0);

/** @type {Step[]} */
export const filters = [
  { id: "filter", make: () => ({
    title: say("What a filter does"),
    text: say("At every place the filter multiplies the pixels in its window by its weights and adds the products. Choose a place of the map."),
    figure: bench("vertical"),
  }) },
  { id: "filter-horizontal", make: () => ({
    title: say("Another filter, another map"),
    text: say("The sum is largest where the image looks like the filter. The weights are the same at every place: nine of them make the whole map."),
    figure: bench("horizontal"),
  }) },
];

/** The image, a filter, and its map. @param {Name} first */
function bench(first) {
  const parts = make("div", { class: "row" });
  const line = make("p", { class: "sum", "data-testid": "lecture-sum" });
  let filter = FILTERS[first];
  let place = [0, 3];
  const show = () => {
    const [top, left] = place;
    const inside = (/** @type {number} */ row, /** @type {number} */ column) => row >= top && row < top + 3 && column >= left && column < left + 3;
    parts.replaceChildren(
      named(say("image"), cells(IMAGE, say("an image of a seven, 9×9"), inside)),
      make("span", { class: "sign" }, "∗"),
      named(say("filter"), cells(filter, say("the filter"))),
      make("span", { class: "sign" }, "="),
      named(say("map"), map(filter, place, (next) => {
        place = next;
        show();
      })),
    );
    const all = products(filter, top, left);
    const terms = all.map(([pixel, weight]) => `${pixel}·${weight < 0 ? `(${written(weight)})` : weight}`);
    line.textContent = `${terms.join(" + ")} = ${written(sum(all))}`;
  };
  show();
  const names = /** @type {[Name, string][]} */ ([
    ["vertical", say("vertical edge")], ["horizontal", say("horizontal edge")], ["mean", say("sum")],
  ]);
  const switched = choice(say("filter"), names, first, (name) => {
    filter = FILTERS[name];
    show();
  });
  return make("div", {}, switched, parts, line);
}

/** The map, whose places can be chosen. @type {(filter: number[][], place: number[], choose: (place: number[]) => void) => HTMLElement} */
function map(filter, [top, left], choose) {
  const side = IMAGE.length - 2;
  const values = Array.from({ length: side * side }, (_, at) => sum(products(filter, Math.floor(at / side), at % side)));
  const most = Math.max(1, ...values.map(Math.abs));
  const squares = values.map((value, at) => {
    const [row, column] = [Math.floor(at / side), at % side];
    const here = row === top && column === left;
    const label = say("row {row}, column {column}: {value}", { row, column, value: written(value) });
    const square = make("button", { type: "button", class: here ? "marked" : null, tabindex: here ? 0 : -1, "aria-label": label }, written(value));
    square.addEventListener("click", () => choose([row, column]));
    square.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") choose([row, column]); });
    return coloured(square, value / most);
  });
  const grid = make("div", { class: "cells" }, ...squares);
  grid.style.setProperty("--across", String(side));
  return grid;
}
