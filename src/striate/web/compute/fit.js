/** Which layers' windows leave pixels unread, and the numbers with which they would fit exactly. */

import { Answered } from "./answered.js";
import { formula, remedies, unseen } from "./axis.js";
import { plan } from "./plan.js";

/** @import { Axis, Misfit, Shape, Step, Windowed } from "./types.js" */

/** How far from the given size another input size is looked for. */
const REACH = 64;

/**
 * The layers whose windows leave something unread, and what would fit: the twin of striate/accounting/fitting.py.
 * @type {(steps: Step[], now: Step[], input: Shape) => { layers_with_windows: number, misfits: Misfit[] }}
 */
export function fit(steps, now, input) {
  const around = sizesAround(steps, input);
  const windowed = now.filter(hasWindows);
  return { layers_with_windows: windowed.length, misfits: windowed.flatMap((step) => misfitsOf(step, around, input)) };
}

/** @param {Step} step @returns {step is Windowed} */
function hasWindows(step) {
  return step.axes !== undefined;
}

/**
 * For each input size near the given one that the network takes, the paths of the layers that do not fit.
 * @type {(steps: Step[], input: Shape) => Map<number, Set<string>>}
 */
function sizesAround(steps, [channels, height, width]) {
  const found = new Map();
  for (let size = Math.max(1, height - REACH); size <= height + REACH; size += 1) {
    try {
      const made = plan(steps, [channels, size, Math.max(1, width + size - height)]);
      found.set(size, new Set(made.filter(leaves).map(({ path }) => path)));
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
    }
  }
  return found;
}

/** Whether some pixels are read by no window. @type {(step: Step) => boolean} */
const leaves = ({ axes }) => Boolean(axes?.some((axis) => unseen(axis).some(Boolean)));

/** @type {(step: Windowed, around: Map<number, Set<string>>, input: Shape) => Misfit[]} */
function misfitsOf(step, around, input) {
  const lost = step.axes.map(unseen);
  const [[rows, padRows], [columns, padColumns]] = lost;
  const words = [lines(rows, columns, "input"), lines(padRows, padColumns, "padding")].filter(Boolean).join("; ");
  const good = [...around].filter(([, paths]) => !paths.has(step.path)).map(([size]) => size);
  const sizes = [good.filter((size) => size < input[1]).at(-1), good.find((size) => size > input[1])];
  const [high, wide] = step.axes;
  const alike = JSON.stringify(high) === JSON.stringify(wide);
  /** @type {[string, Axis][]} */
  const axes = alike ? [["height and width", high]] : [["height", high], ["width", wide]];
  return axes.filter(([, axis]) => unseen(axis).some(Boolean)).map(([name, axis]) => ({
    path: step.path,
    axis: name,
    formula: formula(axis),
    output: axis.output,
    unseen: `unseen: ${words}`,
    padding_only: unseen(axis)[0] === 0,
    fits: remedies(axis, step.kind !== "subsample"),
    network_inputs: sizes.flatMap((size) => (size === undefined ? [] : [size])),
  }));
}

/** @type {(rows: number, columns: number, where: string) => string} */
function lines(rows, columns, where) {
  const parts = [plural(rows, "row"), plural(columns, "column")].filter(Boolean);
  return parts.length ? `${parts.join(" and ")} of the ${where}` : "";
}

/** @type {(count: number, word: string) => string} */
const plural = (count, word) => (count ? `${count} ${word}${count === 1 ? "" : "s"}` : "");
