/** Try it: the account and the fit of a network with other numbers. The twin of striate/web/sandbox.py. */

import { account } from "./account.js";
import { Answered } from "./answered.js";
import { fit } from "./fit.js";
import { plan, refuse } from "./plan.js";

/** @import { Change, Described, Shape, Step, Trial, TrialAnswer } from "./types.js" */

/** The Python classes of the layers whose numbers can be changed. @type {Partial<Record<Step["kind"], string>>} */
const CLASSES = { conv: "Conv", pool: "Pool", subsample: "Subsample", linear: "Linear" };
const LARGEST = 1024;
const MOST_FILTERS = 65_536;

/**
 * The account and the fit of a network with changes, on its own input or another one.
 * @param {Pick<Described, "input" | "steps">} base
 * @param {Trial} trial
 * @returns {TrialAnswer}
 */
export function tried(base, { input = base.input, changes = {} }) {
  read(input, changes);
  try {
    const steps = changed(base.steps, changes);
    const now = plan(steps, input);
    for (const { path, output } of now) {
      if (output.slice(1).some((side) => side > 4 * LARGEST)) refuse(`makes maps of ${output.join("×")}.`, `Here a side may be ${written(4 * LARGEST)} at most.`, "", path);
    }
    return { problem: null, account: account(now, input), fit: fit(steps, now, input) };
  } catch (error) {
    if (!(error instanceof Answered)) throw error;
    return { problem: error.error, account: null, fit: null };
  }
}

/** @type {(value: number) => string} */
const written = (value) => value.toLocaleString("en");
/** @type {(value: number) => boolean} */
const whole = (value) => Number.isInteger(value) && Math.abs(value) < 1e21;

/**
 * Throw an Answered for numbers that Python would not read.
 * @type {(input: Shape, changes: Record<string, Change>) => void}
 */
function read(input, changes) {
  if (!input.every((size) => whole(size) && size >= 1 && size <= LARGEST)) {
    refuse(`input is [${input.join(", ")}].`, `It is [channels, height, width], each from 1 to ${written(LARGEST)}.`);
  }
  if (!Object.values(changes).every((fields) => Object.values(fields).every(whole))) {
    refuse("changes cannot be read.", "For a path: some of filters, kernel, stride, padding, whole numbers.");
  }
}

/**
 * The steps with other numbers in some. Throws an Answered for numbers that no layer can have.
 * @type {(steps: Step[], changes: Record<string, Change>) => Step[]}
 */
function changed(steps, changes) {
  return steps.map((step) => {
    const { filters = step.filters, ...rest } = changes[step.path] ?? {};
    check(step, changes[step.path] ?? {});
    const { kernel, stride, padding } = rest;
    const axes = step.axes?.map((axis) => ({
      ...axis,
      kernel: kernel ?? axis.kernel,
      stride: stride ?? axis.stride,
      before: padding ?? axis.before,
      after: padding ?? axis.after,
    }));
    return /** @type {Step} */ ({ ...step, filters, axes, same: step.same && padding === undefined });
  });
}

/** @type {(step: Step, fields: Change) => void} */
function check({ path, kind, groups, table }, fields) {
  for (const [field, value] of Object.entries(fields)) {
    const [most, word] = field === "filters" ? [MOST_FILTERS, kind === "linear" ? "units" : field] : [LARGEST, field];
    if (value > most) refuse(`${word} is ${written(value)}.`, `Here it may be ${written(most)} at most.`, "", path);
  }
  const { filters, kernel, stride, padding } = fields;
  /** @type {(word: string, value: number, expected?: string) => never} */
  const least = (word, value, expected = "It must be a whole number of at least 1.") => refuse(`${CLASSES[kind]} ${word} is ${value}.`, expected, "", path);
  if (filters !== undefined && filters < 1) least(kind === "linear" ? "units" : "filters", filters);
  if (filters !== undefined && groups && filters % groups) refuse(`Conv groups is ${groups} for ${filters} filters.`, "The groups must divide the filters.", "", path);
  if (table && filters !== undefined && filters !== table.length) {
    refuse(`Conv table has ${table.length} rows for ${filters} filters.`, "It must have one row for each filter.", "", path);
  }
  if (kernel !== undefined && kernel < 1) least("kernel", kernel);
  if (stride !== undefined && stride < 1) least("stride", stride);
  if (padding !== undefined && padding < 0) least("padding", padding, "It must be a whole number, (height, width), (top, bottom, left, right), or 'same'.");
}
