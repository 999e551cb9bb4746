/** The steps that brought an image to the network's form, as small pictures. */

import { contextOf } from "./canvas.js";
import { find, make, write } from "./elements.js";
import { retold } from "./say.js";

/** @import { Picture } from "../compute/types.js" */

export class Steps {
  names = "";

  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
  }

  /** @param {Picture[]} steps */
  update(steps) {
    const names = steps.map((step) => step.name).join();
    if (names !== this.names) {
      this.names = names;
      this.list.replaceChildren(
        ...steps.map(() => make("li", {}, make("canvas"), make("b"), make("span"))),
      );
    }
    steps.forEach((step, at) => draw(step, this.list.children[at]));
  }
}

/** @type {(step: Picture, item: Element) => void} */
function draw(step, item) {
  const canvas = find("canvas", HTMLCanvasElement, item);
  if (canvas.width !== step.width || canvas.height !== step.height) {
    [canvas.width, canvas.height] = [step.width, step.height];
  }
  const pixels = new ImageData(step.width, step.height);
  const words = new Uint32Array(pixels.data.buffer);
  const size = words.length;
  const [green, blue] = step.channels === 3 ? [size, 2 * size] : [0, 0];
  for (let at = 0; at < size; at += 1) {
    words[at] = (255 << 24) | (step.codes[at + blue] << 16) | (step.codes[at + green] << 8) | step.codes[at];
  }
  contextOf(canvas).putImageData(pixels, 0, 0);
  write(find("b", undefined, item), retold(step.name));
  write(find("span", undefined, item), retold(step.note));
}
