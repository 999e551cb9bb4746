/** The prediction, the error and the speed, as the page shows them. */

import { Answered } from "../compute/answered.js";
import { find, make, percent, write } from "./elements.js";
import { say } from "./say.js";

/** @import { Prediction } from "../compute/types.js" */

/** After how many milliseconds without a change a screen reader is told the prediction. */
const REST = 600;
let pending = 0;

/**
 * Count what is still to be shown: 1 when it begins, -1 when it is there. The body's data-pending is 0 at rest.
 * @param {1 | -1} change
 */
export function underway(change) {
  pending += change;
  document.body.dataset.pending = String(pending);
}

let speaking = 0;

/** Show a prediction, or that there is none. @param {Prediction | null} found */
export function announce(found) {
  const top = find("[data-testid=prediction]");
  write(top, found ? found.class : "–");
  top.classList.toggle("long", found !== null && found.class.length > 3);
  const beside = find("#probability");
  write(beside, found ? percent(found.probability) : beside.dataset.idle ?? "");
  document.body.classList.toggle("unsure", found !== null && found.probability < 0.5);
  document.body.classList.toggle("blank", !found);
  find("#error").hidden = true;
  clearTimeout(speaking);
  speaking = setTimeout(() => write(find("#spoken"), found ? `${found.class}, ${percent(found.probability)}` : ""), REST);
}

/**
 * Show the three lines of a deliberate error; any other error is a bug and is thrown again.
 * @param {unknown} error
 */
export function explainError(error, box = find("#error")) {
  if (!(error instanceof Answered)) throw error;
  announce(null);
  box.replaceChildren(...error.lines.map((line, at) => make(at ? "p" : "b", {}, line)));
  box.hidden = false;
}

/** The times of the updates of the last second. @type {number[]} */
const times = [];

/** Show how many updates there were in the last second, and how long the last one took. @param {number} milliseconds */
export function meter(milliseconds) {
  const now = performance.now();
  times.push(now);
  while (times[0] < now - 1000) times.shift();
  const each = `${milliseconds.toFixed(0)} ms`;
  write(find("#meter"), times.length > 2 ? say("{updates} updates/s, {time} each", { updates: times.length, time: each }) : each);
}
