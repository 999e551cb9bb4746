/** What the page says of the whole: the class on top, what went wrong, how fast it goes. */

import { find, make, percent, write } from "./elements.js";
import { Answered } from "../compute/answered.js";

const REST = 600;
let pending = 0;

/** Count what is still to be shown: 1 when it begins, -1 when it is there. The body's data-pending is 0 at rest. */
export function underway(change) {
  pending += change;
  document.body.dataset.pending = String(pending);
}

let speaking = 0;

/** Show a prediction, or that there is none; a screen reader hears it once the pen has rested. */
export function announce(found) {
  const top = find("[data-testid=prediction]");
  write(top, found ? found.class : "–");
  top.classList.toggle("long", Boolean(found) && found.class.length > 3);
  write(find("#probability"), found ? percent(found.probability) : "draw a digit, or drop a picture");
  document.body.classList.toggle("unsure", Boolean(found) && found.probability < 0.5);
  document.body.classList.toggle("blank", !found);
  find("#error").hidden = true;
  clearTimeout(speaking);
  speaking = setTimeout(() => write(find("#spoken"), found ? `${found.class}, ${percent(found.probability)}` : ""), REST);
}

/** Show the three lines of an error of the server's; any other is a mistake of ours, and goes on. */
export function explainError(error, box = find("#error")) {
  if (!(error instanceof Answered)) throw error;
  announce(null);
  box.replaceChildren(...error.lines.map((line, at) => make(at ? "p" : "b", {}, line)));
  box.hidden = false;
}

const times = [];

/** Count an update, and show how many there were in the last second. */
export function meter(milliseconds) {
  const now = performance.now();
  times.push(now);
  while (times[0] < now - 1000) times.shift();
  const each = `${milliseconds.toFixed(0)} ms`;
  write(find("#meter"), times.length > 2 ? `${times.length} updates/s, ${each} each` : each);
}
