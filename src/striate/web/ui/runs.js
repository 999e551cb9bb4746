/** Several runs side by side: what each says of the drawing; a choice shows that run's layers. */

import { make, percent, write } from "./elements.js";

/** Names of classes up to so long, and up to so many classes, have a bar each. */
const [SHORT, FEW] = [2, 20];

export class Runs {
  /**
   * @param {HTMLElement} body where they stand
   * @param runs their names and classes
   * @param {(name: string) => void} chosen called with the run whose layers are wanted
   */
  constructor(body, runs, chosen) {
    this.cards = new Map(runs.map(({ name, classes }) => [name, card(name, classes, () => chosen(name))]));
    body.append(...[...this.cards.values()].map(({ button }) => button));
    body.hidden = false;
  }

  choose(name) {
    for (const [each, { button }] of this.cards) button.setAttribute("aria-pressed", String(each === name));
  }

  /** @param found what a run says, null where nothing is drawn */
  update(name, found) {
    const { answer, share, bars } = this.cards.get(name);
    write(answer, found ? found.class : "–");
    write(share, found ? percent(found.probability) : "");
    for (const [label, bar] of bars) {
      bar.style.height = found ? `${100 * found.probabilities[label]}%` : "0";
      bar.parentElement.classList.toggle("top", found?.class === label);
    }
  }
}

function card(name, classes, chosen) {
  const answer = make("span", { class: "says" }, "–");
  const share = make("span", { class: "soft" });
  const drawn = classes.length <= FEW && classes.every((each) => each.length <= SHORT);
  const bars = new Map(drawn ? classes.map((label) => [label, make("i")]) : []);
  const columns = [...bars].map(([label, bar]) => make("span", {}, bar, make("small", {}, label)));
  const button = make(
    "button",
    { type: "button", class: "run", "aria-pressed": "false", "data-testid": "run", "data-run": name, title: `Show the layers of ${name}` },
    make("b", {}, name),
    make("span", { class: "answers" }, answer, share),
    make("span", { class: "columns", "aria-hidden": "true" }, ...columns),
  );
  button.addEventListener("click", chosen);
  return { button, answer, share, bars };
}
