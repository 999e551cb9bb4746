/** The steps of the lecture in their order, and the parts that they make. */

import { onebyone, residuals } from "./lecture-costs.js";
import { filters } from "./lecture-filter.js";
import { lenet5 } from "./lecture-lenet5.js";
import { pooling } from "./lecture-pooling.js";
import { moves } from "./lecture-windows.js";
import { say } from "./say.js";

/**
 * What a step shows, made anew each time.
 * @typedef {{ title: string, text: string, figure: HTMLElement }} Shown
 */
/** @typedef {{ id: string, make: () => Shown }} Step */

/** @type {{ name: () => string, steps: Step[] }[]} */
const ALL = [
  { name: () => say("What a filter does"), steps: filters },
  { name: () => say("Stride and padding"), steps: moves },
  { name: () => say("What pooling forgives"), steps: pooling },
  { name: () => say("The parameters of LeNet-5"), steps: lenet5 },
  { name: () => say("Why 1×1 filters"), steps: onebyone },
  { name: () => say("Why residuals"), steps: residuals },
];

export const STEPS = ALL.flatMap(({ steps }) => steps);
export const PARTS = ALL.map(({ name, steps }) => ({ name, first: steps[0].id }));
