/**
 * The lecture: guided steps over the page, each with a link of its own (#lecture/stride-2), and exercises. Right and left
 * go from step to step, Home to the contents, Escape back to the page.
 */

import { LARGEST_SEED } from "../compute/exercises.js";
import { find, make } from "./elements.js";
import { exercises } from "./lecture-exercises.js";
import { PARTS, STEPS } from "./lecture-steps.js";
import { say } from "./say.js";

/** @typedef {import("./lecture-steps.js").Step} Step */

const HOME = "#lecture";
const EXERCISES = `${HOME}/exercises`;
/** The keys of the next and the previous step; a presenter's remote control sends the second of each. */
const [ON, BACK] = [["ArrowRight", "PageDown"], ["ArrowLeft", "PageUp"]];

export class Lecture {
  /** The seed of the exercises that no link names. */
  seed = Math.floor(Math.random() * 10_000);
  /** The elements behind the lecture, which are inert while it is shown. @type {HTMLElement[]} */
  behind = [];

  constructor() {
    this.stage = make("div", { class: "stage", "data-testid": "lecture-stage" });
    this.place = make("span", { class: "place", "data-testid": "lecture-place" });
    this.back = this.#button("‹", say("Previous"), () => this.move(-1));
    this.on = this.#button("›", say("Next"), () => this.move(1));
    this.element = make(
      "section",
      { id: "lecture", "aria-label": say("Lecture"), tabindex: -1, hidden: true },
      make("nav", { "aria-label": say("Steps") },
        make("a", { href: HOME, class: "home" }, say("Contents")),
        this.place, this.back, this.on,
        this.#button("×", say("Close (Escape)"), () => this.leave())),
      this.stage,
    );
  }

  /** Show what the address names, now and whenever it changes. */
  begin() {
    document.body.append(this.element);
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (event) => this.#key(event));
    this.follow();
  }

  /** Show the step of the address, or the page. */
  follow() {
    const { hash } = location;
    if (hash !== HOME && !hash.startsWith(`${HOME}/`)) {
      this.#open(false);
      return;
    }
    const [, name = "", ...rest] = hash.split("/");
    const at = STEPS.findIndex((each) => each.id === name);
    this.step = at;
    if (name === "exercises") this.#exercise(rest);
    else if (at >= 0) this.#show(STEPS[at], at);
    else this.#contents();
    this.#open(true);
  }

  /** Go on, or back. @param {1 | -1} by */
  move(by) {
    const [, name = "", seed = this.seed, number = 1] = location.hash.split("/");
    const to = name === "exercises" ? STEPS.length + (Number(number) || 1) - 1 + by : STEPS.findIndex((each) => each.id === name) + by;
    if (to < -1) return;
    if (to < 0) location.hash = HOME;
    else location.hash = to < STEPS.length ? `${HOME}/${STEPS[to].id}` : `${EXERCISES}/${seed}/${to - STEPS.length + 1}`;
  }

  /** Go back to the page; the address loses the step. */
  leave() {
    history.pushState(null, "", `${location.pathname}${location.search}`);
    this.#open(false);
    find("#present").focus();
  }

  /** @param {boolean} open */
  #open(open) {
    if (open === !this.element.hidden) return;
    this.element.hidden = !open;
    document.documentElement.classList.toggle("lecturing", open);
    if (open) {
      const others = /** @type {HTMLElement[]} */ ([...document.body.children].filter((each) => each instanceof HTMLElement));
      this.behind = others.filter((each) => each !== this.element && !each.inert);
      this.element.focus({ preventScroll: true });
    }
    for (const each of this.behind) each.inert = open;
  }

  /** @type {(step: Step, at: number) => void} */
  #show(step, at) {
    const { title, text, figure } = step.make();
    this.place.textContent = `${at + 1} / ${STEPS.length}`;
    this.stage.dataset.step = step.id;
    this.stage.replaceChildren(make("h2", {}, title), make("p", { class: "text" }, text), make("div", { class: "exhibit" }, figure));
    this.#top();
  }

  #contents() {
    const entries = PARTS.map(({ name, first }) => make("li", {}, make("a", { href: `${HOME}/${first}` }, name())));
    entries.push(make("li", {}, make("a", { href: `${EXERCISES}/${this.seed}/1` }, say("Exercises with checked answers"))));
    this.place.textContent = "";
    this.stage.dataset.step = "contents";
    this.stage.replaceChildren(
      make("h2", {}, say("Convolutional networks, step by step")),
      make("p", { class: "text" }, say("Right and left arrow: next and previous step. Home: this page. Escape: back to drawing.")),
      make("ol", { class: "contents" }, ...entries),
    );
    this.#top();
  }

  /** @param {string[]} rest the seed and the number in the address */
  #exercise([seed, number]) {
    const [own, at] = [whole(seed, this.seed), Math.max(1, whole(number, 1))];
    this.place.textContent = say("Seed {seed}, exercise {number}", { seed: own, number: at });
    this.stage.dataset.step = "exercises";
    this.stage.replaceChildren(...exercises(own, at, () => this.move(1)));
    this.#top();
  }

  #top() {
    this.element.scrollTop = 0;
    this.back.disabled = this.stage.dataset.step === "contents";
  }

  /** @type {(text: string, label: string, act: () => void) => HTMLButtonElement} */
  #button(text, label, act) {
    const button = make("button", { type: "button", "aria-label": label, title: label }, text);
    button.addEventListener("click", act);
    return button;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.element.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const writing = event.target instanceof HTMLInputElement;
    const acts = /** @type {[boolean, () => void][]} */ ([
      [event.key === "Escape", () => this.leave()],
      [!writing && event.key === "Home", () => { location.hash = HOME; }],
      [!writing && ON.includes(event.key), () => this.move(1)],
      [!writing && BACK.includes(event.key), () => this.move(-1)],
    ]);
    const act = acts.find(([holds]) => holds);
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act[1]();
  }
}

/** A whole number of an address, or another one where it is none. @type {(text: string | undefined, other: number) => number} */
const whole = (text, other) => (/^\d{1,10}$/.test(text ?? "") && Number(text) <= LARGEST_SEED ? Number(text) : other);
