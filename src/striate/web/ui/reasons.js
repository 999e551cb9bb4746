/** The pixels that speak for the chosen class, tinted on the network's input. */

import { find, write } from "./elements.js";
import { latest } from "./latest.js";
import { say } from "./say.js";
import * as server from "./server.js";

/** @import { Input } from "./input.js" */
/** @import { Subject } from "./subject.js" */

/** After how many milliseconds without an answer the page says that it waits. */
const PATIENCE = 200;

export class Reasons {
  /** The run, the class and the method whose pixels are tinted. */
  shown = "";
  method = find("#method", HTMLSelectElement);

  /**
   * @param {Subject} subject
   * @param {Input} input
   * @param {(error: unknown) => void} fail
   */
  constructor(subject, input, fail) {
    this.subject = subject;
    this.input = input;
    this.refresh = latest(() => this.#ask().catch(fail));
    this.method.addEventListener("change", () => this.refresh());
  }

  async #ask() {
    const { pad, query, view } = this.subject;
    const name = view.scores.class;
    const method = this.method.value;
    const wanted = JSON.stringify([view.run, name, method]);
    find("#legend").hidden = !name;
    if (this.shown !== wanted || pad.blank) this.input.explain(null);
    this.shown = wanted;
    if (!name || pad.blank) return;
    find("#legend-class").textContent = name;
    const working = setTimeout(() => write(find("#working"), say("computing …")), PATIENCE);
    try {
      const found = await server.attribution(pad.content(), { ...query, class: name, method });
      if (this.subject.view.scores.class === name && this.method.value === method) this.input.explain(found.values);
    } finally {
      clearTimeout(working);
      write(find("#working"), "");
    }
  }
}
