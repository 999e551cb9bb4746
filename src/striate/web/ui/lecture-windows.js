/** Stride and padding: where a filter's windows begin, and how many there are. */

import { account } from "../compute/account.js";
import { formula } from "../compute/axis.js";
import { sketched } from "../compute/sketch.js";
import { make } from "./elements.js";
import { choice } from "./lecture-cells.js";
import { say } from "./say.js";
import { windows } from "./windows.js";

/** @typedef {import("./lecture-steps.js").Step} Step */

/** How wide the drawing is, in the lecture's letters. */
const ROOM = 25;

/** @type {Step[]} */
export const moves = [
  { id: "stride-1", make: () => ({
    title: say("The output’s size"),
    text: say("A filter F wide has N − F + 1 places along a side of N pixels: 7 − 3 + 1 = 5."),
    figure: trial(1, 0),
  }) },
  { id: "stride-2", make: () => ({
    title: say("Stride: the step from window to window"),
    text: say("With stride 2 the window moves two pixels at a time: the map has about half the height and half the width."),
    figure: trial(2, 0),
  }) },
  { id: "stride-3", make: () => ({
    title: say("A stride that does not fit"),
    text: say("With stride 3 the last window would end beyond the image. The size is rounded down, and no window reads the red pixels."),
    figure: trial(3, 0),
  }) },
  { id: "padding-1", make: () => ({
    title: say("Padding: zeros around the image"),
    text: say("With padding 1 the same stride fits. With stride 1, padding of (F − 1)/2 keeps the size."),
    figure: trial(3, 1),
  }) },
];

/** A 3×3 filter on 7×7, whose stride and padding can be changed. @type {(stride: number, padding: number) => HTMLElement} */
function trial(stride, padding) {
  const canvas = make("canvas", { role: "img" });
  const [line, told] = [make("p", { class: "big", "data-testid": "lecture-formula" }), make("p")];
  const now = { stride, padding };
  const show = () => {
    const input = [1, 7, 7];
    const steps = sketched([{ kind: "conv", path: "conv", filters: 1, kernel: 3, ...now }], input);
    const [row] = account(steps, input).rows;
    const letter = Number.parseFloat(getComputedStyle(canvas).fontSize) || 16;
    const sentence = windows(canvas, row, ROOM * letter);
    canvas.setAttribute("aria-label", sentence ?? "");
    const axis = steps[0].axes?.[0];
    if (!axis) throw new Error("a convolution without windows");
    const exact = formula(axis);
    line.textContent = exact.endsWith(` = ${axis.output}`) ? exact : `${exact} → ${axis.output}`;
    told.textContent = say("Output: {size}", { size: row.output.join("×") });
  };
  const numbers = (/** @type {number[]} */ all) => all.map((each) => /** @type {[number, string]} */ ([each, String(each)]));
  const change = (/** @type {"stride" | "padding"} */ name) => (/** @type {number} */ value) => {
    now[name] = value;
    show();
  };
  new ResizeObserver(show).observe(canvas.ownerDocument.documentElement);
  requestAnimationFrame(show); // once it stands on the page, its letters have their size
  return make("div", { class: "row" }, canvas, make("div", { class: "aside" },
    make("p", {}, "(N + 2P − F)/S + 1"), line, told,
    choice(say("stride S"), numbers([1, 2, 3, 4]), stride, change("stride")),
    choice(say("padding P"), numbers([0, 1, 2]), padding, change("padding"))));
}
