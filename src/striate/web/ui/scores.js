/** The classes with their probabilities, as bars; each is a button that asks which pixels speak for it. */

import { make, percent, write } from "./elements.js";

const MOST = 20;

export class Scores {
  /** @param {(name: string | null) => void} chosen called with the class whose attribution is wanted, or null */
  constructor(list, classes, chosen) {
    this.list = list;
    this.few = classes.length > MOST;
    this.chosen = chosen;
    this.class = null;
    this.rows = (this.few ? classes.slice(0, MOST) : classes).map((name) => this.#row(name));
    list.append(...this.rows.map((row) => row.item));
  }

  #row(name) {
    const row = { name, bar: make("i"), value: make("span", { class: "share" }), label: make("span", { class: "name" }, name) };
    row.button = make("button", { type: "button", "aria-pressed": "false" }, row.label, make("span", { class: "track" }, row.bar), row.value);
    row.button.addEventListener("click", () => this.choose(this.class === row.name ? null : row.name));
    row.item = make("li", {}, row.button);
    return row;
  }

  choose(name) {
    this.class = name;
    for (const row of this.rows) row.button.setAttribute("aria-pressed", String(row.name === name));
    this.chosen(name);
  }

  /** @param {Record<string, number> | null} probabilities by class, null where nothing is drawn */
  update(probabilities) {
    let names = this.rows.map((row) => row.name);
    if (this.few && probabilities) {
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
      row.button.title = `Which pixels speak for ${row.name}?`;
    });
  }
}
