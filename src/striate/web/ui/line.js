/** A wide pad for a number: what a network reads on it, a box around each digit. */

import { Answered } from "../compute/answered.js";
import { make, percent, write } from "./elements.js";
import { Pad } from "./pad.js";

/** How many times as wide as high it is, on a desk and on a telephone; the style has the same. */
const [WIDE, NARROW] = [4, 2.5];
/** So long after the last change it is read: a number is not read before it is written. */
const REST = 150;

export class Line {
  /**
   * @param {HTMLElement} root the section
   * @param {(image: Uint8Array | Blob) => Promise<{lines: object[]}>} read asks the server
   */
  constructor(root, read) {
    this.root = root;
    this.read = read;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.pad = new Pad(this.part("pad"), () => this.#changed(), matchMedia("(max-width: 760px)").matches ? NARROW : WIDE);
    this.boxes = this.part("boxes");
    this.asked = 0;
    this.lines = [];
    this.part("undo").addEventListener("click", () => this.pad.undo());
    this.part("clear").addEventListener("click", () => this.pad.clear());
    this.part("choose").addEventListener("click", () => this.part("file").click());
    this.part("file").addEventListener("change", ({ target }) => {
      if (target.files[0]) this.pad.show(target.files[0]);
      target.value = "";
    });
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (event.dataTransfer.files[0]) this.pad.show(event.dataTransfer.files[0]);
    });
    new ResizeObserver(() => this.#draw()).observe(this.part("pad"));
    root.hidden = false;
  }

  #changed() {
    this.asked += 1;
    this.#show([]);
    clearTimeout(this.later);
    if (this.pad.blank) this.#say("–", "draw a number, or drop a picture of one");
    else this.later = setTimeout(() => this.#ask(this.asked), REST);
  }

  async #ask(order) {
    try {
      const { lines } = await this.read(this.pad.content());
      if (order !== this.asked) return;
      this.#show(lines);
      if (lines.length) this.#say(lines.map(({ text }) => text).join("\n"), lines.map(({ confidence }) => percent(confidence)).join(", "));
      else this.#say("–", "no digits found");
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      if (order === this.asked) this.#say("–", error.lines.join(" "));
    }
  }

  #say(text, rest) {
    write(this.part("text"), text);
    write(this.part("rest"), rest);
  }

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
    const context = this.boxes.getContext("2d");
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
