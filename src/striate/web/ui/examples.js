/** Pictures to try: validation images that the run has kept, each a button. */

import { contextOf } from "./canvas.js";
import { find, make } from "./elements.js";
import { say } from "./say.js";

/** @import { Example } from "./types.js" */

export class Examples {
  /** The run whose examples are shown; another one's that come late are dropped. @type {string | undefined} */
  run = undefined;

  /**
   * @param {(file: Blob) => void} take called with the picture that is chosen
   * @param {(run: string | undefined) => Promise<Example[]>} ask
   */
  constructor(take, ask) {
    this.root = find("#examples");
    this.strip = find("#examples [role=group]");
    this.take = take;
    this.ask = ask;
  }

  /** Show the examples of a run; nothing where it has none. @param {string | undefined} run */
  async show(run) {
    this.run = run;
    const examples = await this.ask(run);
    if (run !== this.run) return;
    this.strip.replaceChildren(...examples.map((each) => this.#button(each)));
    this.root.hidden = !examples.length;
  }

  /** @param {Example} example */
  #button({ class: name, picture }) {
    const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
    const file = new Blob([bytes], { type: "image/png" });
    const canvas = make("canvas", { "aria-hidden": "true" });
    const title = say("An image of {name}", { name });
    const button = make("button", { type: "button", title, "aria-label": title, "data-class": name }, canvas);
    button.addEventListener("click", () => this.take(file));
    createImageBitmap(file).then((shown) => {
      [canvas.width, canvas.height] = [shown.width, shown.height];
      contextOf(canvas).drawImage(shown, 0, 0);
    });
    return button;
  }
}
