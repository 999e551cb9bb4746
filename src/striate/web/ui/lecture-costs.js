/** Why 1×1 filters, and why residuals: what they cost, and what becomes of a gradient on its way back. */

import { account } from "../compute/account.js";
import { Chance } from "../compute/chance.js";
import { sketched } from "../compute/sketch.js";
import { count, draw, make } from "./elements.js";
import { cells, named, written } from "./lecture-cells.js";
import { say } from "./say.js";

/** @import { Sketch } from "../compute/types.js" */
/** @typedef {import("./lecture-steps.js").Step} Step */

/** @type {Step[]} */
export const onebyone = [
  { id: "one-by-one", make: () => ({
    title: say("A 1×1 filter mixes maps"),
    text: say("It has one weight a map, and reads one place of all maps: what stands beside it does not matter. K filters make K new maps of C old ones."),
    figure: mixed(),
  }) },
  { id: "one-by-one-cost", make: () => ({
    title: say("A bottleneck: fewer maps for the costly filter"),
    text: say("A 1×1 convolution makes 64 maps of 256, the 3×3 convolution reads those, and a 1×1 convolution makes 256 again."),
    figure: bottleneck(),
  }) },
];

/** @type {Step[]} */
export const residuals = [
  { id: "residual", make: () => ({
    title: say("A residual adds what it reads"),
    text: say("y = F(x) + x. A block that has nothing to add learns F = 0, and a deeper network need not be worse. Without the shortcut it was, in the errors of the paper:"),
    figure: papers(),
  }) },
  { id: "residual-gradient", make: () => ({
    title: say("The way back"),
    text: say("A toy: each of 50 layers has a slope f between −0.3 and 0.3. The gradient is their product; with a shortcut each factor is 1 + f."),
    figure: ways(),
  }) },
];

/** Four maps, one weight each, and their sum. */
function mixed() {
  const maps = [[[1, 0, 2], [0, 3, 1], [2, 1, 0]], [[0, 1, 1], [2, 2, 0], [1, 0, 3]], [[2, 2, 0], [1, 1, 0], [0, 3, 1]], [[1, 1, 1], [0, 4, 2], [2, 0, 1]]];
  const weights = [1, -2, 3, 1];
  const sum = maps[0].map((line, row) => line.map((_, column) => maps.reduce((total, map, at) => total + weights[at] * map[row][column], 0)));
  const middle = (/** @type {number} */ row, /** @type {number} */ column) => row === 1 && column === 1;
  const read = maps.flatMap((map, at) => [
    make("span", { class: "sign" }, `${at ? (weights[at] < 0 ? "− " : "+ ") : ""}${Math.abs(weights[at])} ·`),
    named(say("map {map}", { map: at }), cells(map, say("map {map}", { map: at }), middle)),
  ]);
  const terms = maps.map((map, at) => `${weights[at] < 0 ? `(${written(weights[at])})` : weights[at]}·${map[1][1]}`);
  return make("div", {},
    make("div", { class: "row" }, ...read, make("span", { class: "sign" }, "="), named(say("new map"), cells(sum, say("new map"), middle))),
    make("p", { class: "sum" }, `${terms.join(" + ")} = ${written(sum[1][1])}`));
}

/** The costs of 3×3 on all maps, and of the bottleneck. */
function bottleneck() {
  const input = [256, 14, 14];
  const three = (/** @type {number} */ filters) => /** @type {Sketch} */ ({ kind: "conv", filters, kernel: 3, padding: 1, bias: false });
  const one = (/** @type {number} */ filters) => /** @type {Sketch} */ ({ kind: "conv", filters, kernel: 1, bias: false });
  /** @type {[string, Sketch[]][]} */
  const both = [["3×3, 256 → 256", [three(256)]], ["1×1, 256 → 64; 3×3, 64 → 64; 1×1, 64 → 256", [one(64), three(64), one(256)]]];
  const totals = both.map(([name, layers]) => ({ name, ...account(sketched(layers, input), input).totals }));
  const [whole] = totals;
  return make("div", { class: "costs" }, ...totals.map(({ name, parameters, macs }) => {
    const bar = make("i", { "aria-hidden": "true" });
    bar.style.width = `${(100 * parameters) / whole.parameters}%`;
    return make("div", { class: "cost" }, make("h3", {}, name), bar,
      make("p", { class: "big" }, say("{parameters} parameters · {macs} MACs on 14×14", { parameters: count(parameters), macs: count(macs) })));
  }), make("p", { class: "big" }, say("{times} times fewer", { times: (whole.parameters / totals[1].parameters).toFixed(1) })));
}

/** A block, and He et al. 2016, Table 2: top-1 error on ImageNet's validation images, ten crops. */
function papers() {
  const box = (/** @type {number} */ x, /** @type {string} */ text) => [
    draw("rect", { x, y: 60, width: 150, height: 60, rx: 8, class: "box" }), draw("text", { x: x + 75, y: 98, "text-anchor": "middle" }, text),
  ];
  const block = draw("svg", { viewBox: "0 0 760 150", class: "block", role: "img", "aria-label": say("x goes through two convolutions, and around them; the two are added") },
    draw("path", { d: "M60 90H130 M280 90H350 M500 90H576 M624 90H690", class: "wire" }),
    draw("path", { d: "M95 90V20H600V66", class: "wire skip" }),
    draw("text", { x: 40, y: 98, "text-anchor": "middle" }, "x"), ...box(130, "3×3"), ...box(350, "3×3"),
    draw("circle", { cx: 600, cy: 90, r: 24, class: "box" }), draw("text", { x: 600, y: 99, "text-anchor": "middle" }, "+"),
    draw("text", { x: 715, y: 98, "text-anchor": "middle" }, "y"));
  const errors = [["18", "27.94 %", "27.88 %"], ["34", "28.54 %", "25.03 %"]];
  const heads = [say("layers"), say("without shortcuts"), say("with shortcuts")];
  return make("div", {}, block, make("table", { class: "account" },
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...errors.map(([layers, ...values]) => make("tr", {}, make("th", { scope: "row" }, layers), ...values.map((each) => make("td", {}, each)))))),
  make("p", {}, "He, Zhang, Ren, Sun 2016, Table 2 (ImageNet, top-1)"));
}

const DEPTH = 50;

/** The gradient after each layer, without and with shortcuts, as powers of ten. */
export function gradients() {
  const chance = new Chance(1, 1);
  let [plain, residual] = [0, 0];
  return Array.from({ length: DEPTH }, () => {
    const slope = ((chance.below(600) || 1) - 300) / 1000 || 0.001;
    plain += Math.log10(Math.abs(slope));
    residual += Math.log10(1 + slope);
    return { plain, residual };
  });
}

/** The two gradients over the layers, on a scale of powers of ten. */
function ways() {
  const all = gradients();
  const low = Math.floor(Math.min(...all.map(({ plain }) => plain)) / 10) * 10;
  const x = (/** @type {number} */ at) => 90 + (at / DEPTH) * 520;
  const y = (/** @type {number} */ power) => 24 + (power / low) * 300;
  const line = (/** @type {"plain" | "residual"} */ name) => draw("polyline", { class: name, points: [`${x(0)},${y(0)}`, ...all.map((each, at) => `${x(at + 1)},${y(each[name])}`)].join(" ") });
  const ticks = Array.from({ length: 1 - low / 10 }, (_, at) => -10 * at);
  const last = all[DEPTH - 1];
  return make("div", {}, draw("svg", { viewBox: "0 0 1000 390", class: "chart", role: "img", "aria-label": say("The gradient layer by layer, with and without shortcuts") },
    ...ticks.flatMap((power) => [draw("path", { d: `M90 ${y(power)}H610`, class: "grid" }),
      draw("text", { x: 80, y: y(power) + 8, "text-anchor": "end" }, power ? `10${superscript(power)}` : "1")]),
    line("plain"), line("residual"),
    draw("text", { x: 625, y: y(last.residual) + 8, class: "residual" }, `${say("with shortcuts")}: ${(10 ** last.residual).toFixed(2)}`),
    draw("text", { x: 625, y: y(last.plain) + 8, class: "plain" }, `${say("without shortcuts")}: 10${superscript(Math.round(last.plain))}`),
    draw("text", { x: 350, y: 378, "text-anchor": "middle" }, say("layers"))),
  make("p", {}, say("Initialisation and normalisation keep the slopes of real networks larger; the shortcut helps them, too.")));
}

/** @param {number} power */
const superscript = (power) => [...String(power)].map((each) => (each === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(each)])).join("");
