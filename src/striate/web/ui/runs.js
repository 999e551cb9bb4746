/** Several runs side by side, each with its prediction; a click shows a run's layers. */

import { make, percent, write } from "./elements.js";
import { say } from "./say.js";

/** @import { Prediction } from "../compute/types.js" */
/** @import { Run } from "./types.js" */
/**
 * The parts of a run's card.
 * @typedef {{ button: HTMLElement, answer: HTMLElement, share: HTMLElement, bars: Map<string, { bar: HTMLElement, column: HTMLElement }> }} Card
 */

/** The longest name of a class, and the most classes, for which each class has a bar. */
const [SHORT, FEW] = [2, 20];

export class Runs {
  /**
   * @param {HTMLElement} body
   * @param {Run[]} runs
   * @param {(name: string) => void} chosen called with the run whose layers are wanted
   */
  constructor(body, runs, chosen) {
    this.cards = new Map(runs.map(({ name, classes }) => [name, card(name, classes, () => chosen(name))]));
    body.append(...[...this.cards.values()].map(({ button }) => button));
    body.hidden = false;
  }

  /** @param {string} name */
  choose(name) {
    for (const [each, { button }] of this.cards) button.setAttribute("aria-pressed", String(each === name));
  }

  /**
   * @param {string} name
   * @param {Prediction | null} found null while nothing is drawn
   */
  update(name, found) {
    const own = this.cards.get(name);
    if (!own) throw new Error(`no run is called ${name}`);
    const { answer, share, bars } = own;
    write(answer, found ? found.class : "–");
    write(share, found ? percent(found.probability) : "");
    for (const [label, { bar, column }] of bars) {
      bar.style.height = found ? `${100 * found.probabilities[label]}%` : "0";
      column.classList.toggle("top", found?.class === label);
    }
  }
}

/** @type {(name: string, classes: string[], chosen: () => void) => Card} */
function card(name, classes, chosen) {
  const answer = make("span", { class: "says" }, "–");
  const share = make("span", { class: "soft" });
  const drawn = classes.length <= FEW && classes.every((each) => each.length <= SHORT);
  /** @type {Card["bars"]} */
  const bars = new Map();
  for (const label of drawn ? classes : []) {
    const bar = make("i");
    bars.set(label, { bar, column: make("span", {}, bar, make("small", {}, label)) });
  }
  const button = make(
    "button",
    { type: "button", class: "run", "aria-pressed": "false", "data-testid": "run", "data-run": name, title: say("Show the layers of {name}", { name }) },
    make("b", {}, name),
    make("span", { class: "answers" }, answer, share),
    make("span", { class: "columns", "aria-hidden": "true" }, ...[...bars.values()].map(({ column }) => column)),
  );
  button.addEventListener("click", chosen);
  return { button, answer, share, bars };
}
