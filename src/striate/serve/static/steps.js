/** The steps that brought an image to the network's form, as small pictures. */

import { make, write } from "./elements.js";

export class Steps {
  constructor(list) {
    this.list = list;
    this.names = "";
  }

  update(steps) {
    const names = steps.map((step) => step.name).join();
    if (names !== this.names) {
      this.names = names;
      this.list.replaceChildren(
        ...steps.map(() => make("li", {}, make("canvas"), make("b"), make("span"))),
      );
    }
    steps.forEach((step, at) => this.#draw(step, this.list.children[at]));
  }

  #draw(step, item) {
    const [canvas, name, note] = item.children;
    if (canvas.width !== step.width || canvas.height !== step.height) {
      [canvas.width, canvas.height] = [step.width, step.height];
    }
    const pixels = new ImageData(step.width, step.height);
    const words = new Uint32Array(pixels.data.buffer);
    step.codes.forEach((level, place) => { words[place] = 0xff000000 | (level * 0x010101); });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    write(name, step.name);
    write(note, step.note);
  }
}
