/** One unit as numbers: its value, the values that it read, its weights, and their sum. */

import { count, make, number } from "./elements.js";
import { colour, deep } from "./palette.js";
import { retold, say } from "./say.js";

/** @import { Term } from "../compute/types.js" */
/** @import { Field, UnitAnswer } from "./types.js" */

/** Up to how many columns a matrix has its numbers in its cells. */
const LARGEST = 7;

export class Inspector {
  /** The label of the term whose patch is shown; null for the largest. @type {string | null} */
  open = null;
  /** @type {UnitAnswer | null} */
  found = null;

  /** @param {HTMLElement} body */
  constructor(body) {
    this.body = body;
  }

  clear() {
    this.found = null;
    this.body.replaceChildren();
  }

  /**
   * @param {UnitAnswer} found
   * @param {number[]} shape of the layer's output
   */
  update(found, shape) {
    const same = this.found && this.found.path === found.path && this.found.terms.length === found.terms.length;
    if (!same) this.open = null;
    this.found = found;
    this.place = shape.length === 3 && shape[1] * shape[2] > 1
      ? say("map {map}, row {row}, column {column}", { map: found.map, row: found.row, column: found.column })
      : say("unit {unit}", { unit: found.map });
    this.#show(found);
  }

  /** @param {UnitAnswer} found */
  #show(found) {
    this.body.replaceChildren(
      make("h3", {}, make("span", { class: "path" }, found.path), ` ${this.place}`),
      make("p", { class: "value", "data-testid": "value" }, number(found.value)),
      make("p", { class: "formula", "data-testid": "formula" }, retold(found.formula)),
      make("p", { class: "soft", "data-testid": "field" }, sees(found)),
      ...this.#terms(found),
    );
  }

  /** @param {UnitAnswer} found */
  #terms(found) {
    if (!found.terms.length) return [];
    const single = found.terms[0].patch.length === 1 && found.terms[0].patch[0].length === 1;
    return single ? [this.#products(found)] : [this.#patches(found)];
  }

  /** The table of a unit that reads a vector: each input times its weight, the largest first. @param {UnitAnswer} found */
  #products(found) {
    const terms = [...found.terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const most = Math.abs(terms[0].value);
    const rows = terms.map((term) => make(
      "tr",
      {},
      make("th", { scope: "row" }, retold(term.label)),
      make("td", {}, number(term.patch[0][0])),
      make("td", {}, term.weights ? number(term.weights[0][0]) : ""),
      make("td", {}, number(term.value)),
      make("td", { class: "bar" }, bar(term.value, most)),
    ));
    const titles = found.formula.startsWith("Σ") ? ["", say("input"), say("centre"), say("gap²"), ""] : ["", say("input"), say("weight"), say("product"), ""];
    return table("products", titles, [...rows, ...rest(found)]);
  }

  /**
   * The view of a unit that reads patches of maps: each map's part of the sum, and the patch of one map.
   * @param {UnitAnswer} found
   */
  #patches(found) {
    const largest = found.terms.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
    const open = found.terms.find((term) => term.label === this.open) ?? largest;
    const most = Math.abs(largest.value);
    const parts = found.terms.map((term) => {
      const button = make(
        "button",
        { type: "button", "aria-pressed": String(term === open) },
        make("span", {}, retold(term.label)),
        make("span", { class: "track" }, bar(term.value, most)),
        make("span", { class: "share" }, number(term.value)),
      );
      button.addEventListener("click", () => {
        this.open = term.label;
        this.#show(found);
      });
      return make("li", {}, button);
    });
    const others = found.others.count
      ? make("li", { class: "soft" }, say("{count} more maps: {value}", { count: count(found.others.count), value: number(found.others.value) }))
      : null;
    const bias = found.bias === null ? null : make("li", { class: "soft" }, say("bias: {value}", { value: number(found.bias) }));
    const list = found.terms.length > 1 || bias ? make("ul", { class: "parts" }, ...parts, others, bias) : null;
    return make("div", {}, this.#matrices(open), list);
  }

  /** @param {Term} term */
  #matrices(term) {
    const read = make("figure", {}, matrix(term.patch, "patch"), make("figcaption", {}, say("{label}, the patch", { label: retold(term.label) })));
    if (!term.weights) return make("div", { class: "matrices" }, read);
    const filter = make("figure", {}, matrix(term.weights, "filter"), make("figcaption", {}, say("the filter")));
    return make("div", { class: "matrices" }, read, make("span", { class: "times", "aria-hidden": "true" }, "×"), filter);
  }
}

/**
 * A bar as long as a value's share of the largest, in the value's colour.
 * @type {(value: number, most: number) => HTMLElement}
 */
function bar(value, most) {
  const element = make("i");
  element.style.width = `${(100 * Math.abs(value)) / (most || 1)}%`;
  element.style.background = colour(value, Math.abs(value) || 1);
  return element;
}

/** A sentence on the pixels that a unit reads. @param {Field} found */
function sees({ field, unclipped }) {
  if (!field) return say("It reads padding only.");
  const [[top, bottom], [left, right]] = [field.rows, field.columns];
  return JSON.stringify(field) === JSON.stringify(unclipped)
    ? say("It sees rows {top}–{bottom}, columns {left}–{right} of the input.", { top, bottom, left, right })
    : say("It sees rows {top}–{bottom}, columns {left}–{right} of the input; the dashed part is padding.", { top, bottom, left, right });
}

/**
 * Rows of numbers as a table, each cell in its number's colour.
 * @type {(rows: number[][], name: string) => HTMLElement}
 */
function matrix(rows, name) {
  const scale = Math.max(...rows.flat().map(Math.abs));
  const fine = rows[0].length > LARGEST;
  const cells = rows.map((row) =>
    make("tr", {}, ...row.map((value) => {
      const ground = colour(value, scale);
      const cell = make("td", { class: deep(ground) ? "deep" : false, title: number(value) }, fine ? "" : brief(value));
      cell.style.background = ground;
      return cell;
    })),
  );
  return make("table", { class: fine ? "matrix fine" : "matrix", "data-testid": name }, make("tbody", {}, ...cells));
}

/** A number in at most four characters, where it is below 100. @param {number} value */
function brief(value) {
  const size = Math.abs(value);
  const text = size >= 9.95 ? size.toFixed(0) : size >= 0.995 ? size.toFixed(1) : size.toFixed(2).replace("0.", ".");
  return text === ".00" ? "0" : (value < 0 ? "−" : "") + text;
}

/** The last rows of the table: the other terms, and the bias. @param {UnitAnswer} found */
function rest(found) {
  /** @type {(label: string, value: number) => HTMLElement} */
  const line = (label, value) => make("tr", { class: "soft" }, make("th", { scope: "row", colspan: 3 }, label), make("td", {}, number(value)), make("td"));
  return [
    ...(found.others.count ? [line(say("{count} more inputs", { count: count(found.others.count) }), found.others.value)] : []),
    ...(found.bias === null ? [] : [line(say("bias"), found.bias)]),
  ];
}

/** @type {(name: string, titles: string[], rows: HTMLElement[]) => HTMLElement} */
function table(name, titles, rows) {
  return make(
    "table",
    { class: name },
    make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...rows),
  );
}
