/** A wide pad for a number: the digits that a network reads on it, with a box around each. */

import { Answered } from "../compute/answered.js";
import { contextOf } from "./canvas.js";
import { make, partsOf, percent, write } from "./elements.js";
import { Pad } from "./pad.js";
import { say } from "./say.js";

/** @import { Body, LineAnswer } from "./types.js" */

/** The width over the height, on a desk and on a phone; page.css has the same. */
const [WIDE, NARROW] = [4, 2.5];
/** The height of the drawing that is sent, in pixels. */
const HEIGHT = 224;
/** How many milliseconds after the last change the number is read. */
const REST = 150;

export class Line {
  /** How many changes there were. */
  changes = 0;
  /** The timer of the next reading. */
  later = 0;
  /** @type {LineAnswer[]} */
  lines = [];

  /**
   * @param {HTMLElement} root the section
   * @param {(image: Body) => Promise<{ lines: LineAnswer[] }>} read asks the server
   */
  constructor(root, read) {
    this.read = read;
    this.part = partsOf(root);
    const canvas = this.part("pad", HTMLCanvasElement);
    const file = this.part("file", HTMLInputElement);
    this.pad = new Pad(canvas, () => this.#changed(), { height: HEIGHT, ratio: matchMedia("(max-width: 760px)").matches ? NARROW : WIDE });
    this.boxes = this.part("boxes", HTMLCanvasElement);
    this.part("undo").addEventListener("click", () => this.pad.undo());
    this.part("clear").addEventListener("click", () => this.pad.clear());
    this.part("choose").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      if (file.files?.[0]) this.pad.show(file.files[0]);
      file.value = "";
    });
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const dropped = event.dataTransfer?.files[0];
      if (dropped) this.pad.show(dropped);
    });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    root.hidden = false;
  }

  #changed() {
    this.changes += 1;
    this.#show([]);
    clearTimeout(this.later);
    if (this.pad.blank) this.#say("–", say("draw a number, or drop a picture of one"));
    else this.later = setTimeout(() => this.#ask(this.changes), REST);
  }

  /** Read the number; the answer is left out where the number has changed since. @param {number} change */
  async #ask(change) {
    try {
      const { lines } = await this.read(this.pad.content());
      if (change !== this.changes) return;
      this.#show(lines);
      if (lines.length) this.#say(lines.map(({ text }) => text).join("\n"), lines.map(({ confidence }) => percent(confidence)).join(", "));
      else this.#say("–", say("no digits found"));
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      if (change === this.changes) this.#say("–", error.lines.join(" "));
    }
  }

  /** @type {(text: string, rest: string) => void} */
  #say(text, rest) {
    write(this.part("text"), text);
    write(this.part("rest"), rest);
  }

  /** @param {LineAnswer[]} lines */
  #show(lines) {
    this.lines = lines;
    const characters = lines.flatMap((line) => line.characters);
    this.part("characters").replaceChildren(...characters.map(({ name, confidence }) => make("li", {}, make("b", {}, name), percent(confidence))));
    this.#draw();
  }

  #draw() {
    const { canvas, image } = this.pad;
    [this.boxes.width, this.boxes.height] = [canvas.width, canvas.height];
    const [width, height] = this.pad.paper;
    const { ratio, left, top } = this.pad.place(image?.picture ?? { width, height });
    const context = contextOf(this.boxes);
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = context.fillStyle = "#ffb020";
    const letter = 16 * devicePixelRatio;
    context.font = `600 ${letter}px system-ui, sans-serif`;
    for (const { name, box } of this.lines.flatMap((line) => line.characters)) {
      const [x, y, right, bottom] = box.map((each, at) => (at % 2 ? top : left) + each * ratio);
      context.strokeRect(x, y, right - x, bottom - y);
      context.fillText(name, x, y > 1.3 * letter ? y - letter / 3 : bottom + letter);
    }
  }
}
