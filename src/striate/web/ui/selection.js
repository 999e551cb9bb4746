/** The unit that is pointed at or held: it is framed in its layer, its field on the input, and its sum is written out. */

import { find } from "./elements.js";
import { Inspector } from "./inspector.js";
import { latest } from "./latest.js";
import * as server from "./server.js";

/** @import { Input } from "./input.js" */
/** @import { Subject } from "./subject.js" */
/** @import { Unit } from "./types.js" */

export class Selection {
  /** @type {Unit | null} */
  unit = null;
  /** Whether the unit is held by a click. */
  pinned = false;
  inspector = new Inspector(find("#unit"));

  /**
   * @param {Subject} subject
   * @param {Input} input
   * @param {(error: unknown) => void} fail
   */
  constructor(subject, input, fail) {
    this.subject = subject;
    this.input = input;
    this.refresh = latest(() => this.#ask().catch(fail));
  }

  async #ask() {
    const { unit } = this;
    if (!unit) return;
    const { pad, query, view } = this.subject;
    const found = await server.unit(pad.content(), { ...query, ...unit });
    if (unit !== this.unit) return;
    this.inspector.update(found, view.layer(unit.path).row.output);
    this.input.frame(found);
    document.body.classList.add("inspecting");
  }

  /** Take a unit that is pointed at; with `click` it is held, or let go if it was. @type {(unit: Unit, click: boolean) => void} */
  choose(unit, click) {
    const same = JSON.stringify(unit) === JSON.stringify(this.unit);
    if (click) this.pinned = !(this.pinned && same);
    else if (this.pinned) return;
    document.body.classList.toggle("pinned", this.pinned);
    if (same) return;
    if (this.unit && this.unit.path !== unit.path) this.#mark(this.unit.path, null);
    this.unit = unit;
    this.#mark(unit.path, unit);
    this.refresh();
  }

  release() {
    if (this.unit) this.#mark(this.unit.path, null);
    this.unit = null;
    this.pinned = false;
    this.inspector.clear();
    this.input.frame(null);
    document.body.classList.remove("inspecting", "pinned");
  }

  /** @type {(path: string, unit: Unit | null) => void} */
  #mark(path, unit) {
    this.subject.view.layer(path).mark(unit);
  }
}
