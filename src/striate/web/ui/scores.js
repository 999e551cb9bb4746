/** The classes with their probabilities, as bars; each is a button that asks which pixels speak for the class. */

import { make, percent, write } from "./elements.js";
import { say } from "./say.js";

/** How many classes are listed, the likeliest. */
const MOST = 20;

/**
 * The parts of a class's row.
 * @typedef {{ name: string, bar: HTMLElement, value: HTMLElement, label: HTMLElement, button: HTMLElement, item: HTMLElement }} ScoreRow
 */

export class Scores {
  /** The class whose attribution is shown. @type {string | null} */
  class = null;

  /**
   * @param {HTMLElement} list
   * @param {string[]} classes
   * @param {(name: string | null) => void} chosen called with the class whose attribution is wanted, or null
   */
  constructor(list, classes, chosen) {
    this.list = list;
    this.cut = classes.length > MOST;
    this.chosen = chosen;
    this.rows = (this.cut ? classes.slice(0, MOST) : classes).map((name) => this.#row(name));
    list.append(...this.rows.map((row) => row.item));
  }

  /** @type {(name: string) => ScoreRow} */
  #row(name) {
    const [bar, value, label] = [make("i"), make("span", { class: "share" }), make("span", { class: "name" }, name)];
    const button = make("button", { type: "button", "aria-pressed": "false" }, label, make("span", { class: "track" }, bar), value);
    const row = { name, bar, value, label, button, item: make("li", {}, button) };
    button.addEventListener("click", () => this.choose(this.class === row.name ? null : row.name));
    return row;
  }

  /** @param {string | null} name */
  choose(name) {
    this.class = name;
    for (const row of this.rows) row.button.setAttribute("aria-pressed", String(row.name === name));
    this.chosen(name);
  }

  /** @param {Record<string, number> | null} probabilities of the classes, null while nothing is drawn */
  update(probabilities) {
    let names = this.rows.map((row) => row.name);
    if (this.cut && probabilities) {
      names = Object.keys(probabilities).sort((a, b) => probabilities[b] - probabilities[a]).slice(0, MOST);
    }
    const top = probabilities && names.reduce((best, name) => (probabilities[name] > probabilities[best] ? name : best));
    this.rows.forEach((row, at) => {
      const share = probabilities ? probabilities[names[at]] : 0;
      row.name = names[at];
      write(row.label, row.name);
      row.bar.style.width = `${100 * share}%`;
      write(row.value, probabilities ? percent(share) : "");
      row.button.classList.toggle("top", row.name === top);
      row.button.setAttribute("aria-pressed", String(row.name === this.class));
      row.button.title = say("Which pixels speak for {name}?", { name: row.name });
    });
  }
}
