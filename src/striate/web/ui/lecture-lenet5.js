/** The parameters of LeNet-5, layer by layer. tests/web/test_lecture.py holds its layers against the catalogue's. */

import { account } from "../compute/account.js";
import { sketched } from "../compute/sketch.js";
import { count, make, show } from "./elements.js";
import { say } from "./say.js";

/** @import { Sketch, TrialRow } from "../compute/types.js" */
/** @typedef {import("./lecture-steps.js").Step} Step */

/** The maps of S2 that each filter of C3 reads: Table I of LeCun et al. 1998. */
const TABLE = ["012", "123", "234", "345", "045", "015", "0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245", "0235", "012345"]
  .map((maps) => [...maps].map(Number));
export const INPUT = [1, 32, 32];
/** @type {Sketch[]} */
export const LAYERS = [
  { path: "C1", kind: "conv", filters: 6, kernel: 5 },
  { path: "S2", kind: "subsample", kernel: 2 },
  { path: "C3", kind: "conv", filters: 16, kernel: 5, table: TABLE },
  { path: "S4", kind: "subsample", kernel: 2 },
  { path: "C5", kind: "conv", filters: 120, kernel: 5 },
  { path: "flatten", kind: "flatten" },
  { path: "F6", kind: "linear", filters: 84 },
  { path: "output", kind: "rbf", filters: 10, features: 84 },
];
/** The way to each layer's parameters. @type {Record<string, string>} */
const FORMULAS = {
  C1: "6·(5·5·1 + 1)",
  S2: "6·(1 + 1)",
  C3: "60·5·5 + 16",
  S4: "16·(1 + 1)",
  C5: "120·(5·5·16 + 1)",
  F6: "84·(120 + 1)",
  output: "0",
};

/** The rows of the layers that are shown. */
const rows = () => account(sketched(LAYERS, INPUT), INPUT).rows.filter(({ kind }) => kind !== "flatten");

/** @type {Step[]} */
export const lenet5 = [
  { id: "lenet5-C1", make: () => ({
    title: say("LeNet-5, C1: a convolution"),
    text: say("Six filters of 5×5 read the image. Each has 25 weights and a bias, however large the image is."),
    figure: table(1),
  }) },
  { id: "lenet5-S2", make: () => ({
    title: say("LeNet-5, S2: subsampling"),
    text: say("Each map has one weight and one bias: the four values of a window are added, multiplied and shifted. Max pooling would have none."),
    figure: table(2),
  }) },
  { id: "lenet5-C3", make: () => ({
    title: say("LeNet-5, C3: a convolution with a table"),
    text: say("Not every filter reads every map: a table has 60 links of 16 filters to 6 maps. All 96 links would take 2,416 parameters."),
    figure: table(3),
  }) },
  { id: "lenet5-S4", make: () => ({
    title: say("LeNet-5, S4: subsampling again"),
    text: say("Sixteen maps, with a weight and a bias each."),
    figure: table(4),
  }) },
  { id: "lenet5-C5", make: () => ({
    title: say("LeNet-5, C5: most of the parameters"),
    text: say("The filters are as large as the maps, 5×5: each gives one number. Four of five parameters of the network are here."),
    figure: table(5),
  }) },
  { id: "lenet5-F6", make: () => ({
    title: say("LeNet-5, F6: a linear layer"),
    text: say("Each of 84 units has a weight for each of 120 values, and a bias. 84 is 7×12: a small picture of a character."),
    figure: table(6),
  }) },
  { id: "lenet5-output", make: () => ({
    title: say("LeNet-5, the output: nothing is learned"),
    text: say("Ten units compare F6 with ten drawn characters. Their 840 values are fixed, so they are no parameters. Altogether 60,000."),
    figure: table(7),
  }) },
];

/** The table of the first layers; the last of them stands out. @param {number} shown */
function table(shown) {
  const all = rows();
  const known = all.slice(0, shown);
  const sum = known.reduce((total, row) => total + row.weights + row.biases, 0);
  const heads = [say("layer"), say("output"), say("formula"), say("parameters"), say("connections")];
  return make("table", { class: "account", "data-testid": "lecture-table" },
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...all.map((row, at) => line(row, at < shown, at === shown - 1))),
    make("tfoot", {}, make("tr", {}, make("th", { scope: "row", colspan: 3 }, say("so far")), make("td", {}, count(sum)),
      make("td", {}, count(known.reduce((total, row) => total + row.connections, 0))))));
}

/** @type {(row: TrialRow, known: boolean, now: boolean) => HTMLElement} */
function line({ path, output, weights, biases, connections }, known, now) {
  const figures = [show(output), FORMULAS[path], count(weights + biases), count(connections)];
  return make("tr", { class: now ? "now" : known ? null : "later", "data-path": path },
    make("th", { scope: "row" }, path), ...figures.map((text, at) => make("td", {}, known || !at ? text : "")));
}
