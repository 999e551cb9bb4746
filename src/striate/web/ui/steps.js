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
    const size = step.height * step.width;
    for (let place = 0; place < size; place += 1) {
      for (let channel = 0; channel < 3; channel += 1) pixels.data[4 * place + channel] = step.codes[(channel % step.channels) * size + place];
      pixels.data[4 * place + 3] = 255;
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    write(name, step.name);
    write(note, step.note);
  }
}
