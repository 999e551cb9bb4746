/** What questions to the server are about: the drawing on the pad, and the run whose layers are shown. */

import { find } from "./elements.js";

/** @import { Pad } from "./pad.js" */
/** @import { Query } from "./types.js" */
/** @import { View } from "./view.js" */

export class Subject {
  /**
   * @param {Pad} pad
   * @param {View} view
   */
  constructor(pad, view) {
    this.pad = pad;
    this.view = view;
    this.prepared = find("#prepared", HTMLInputElement);
  }

  /** The query of a question. A blank pad has no digit to prepare; what a unit sees is asked for all the same. @returns {Query} */
  get query() {
    return { run: this.view.run, steps: this.pad.blank || !this.prepared.checked ? "off" : "on" };
  }
}
