/** A network with its weights: it runs on an input and gives scores and probabilities. */

import { Answered } from "./answered.js";
import { forward, softmax } from "./forward.js";

/** @import { Numbers, Outputs, Prediction, Values } from "./types.js" */

/** The number of the network's input among the sources of a step. */
export const INPUT = -1;

/**
 * The values of a step, of the input for `INPUT`.
 * @param {Outputs} all
 * @param {number} number
 */
export function valuesOf(all, number) {
  const values = all.get(number);
  if (!values) throw new Error(`step ${number} has no values`);
  return values;
}

export class Model {
  /**
   * @param {Numbers} numbers
   * @param {Values} weights the tensors of all steps, one after another
   */
  constructor(numbers, weights) {
    this.numbers = numbers;
    this.steps = numbers.steps;
    this.tensors = this.steps.map(({ tensors = {} }) =>
      Object.fromEntries(Object.entries(tensors).map(([name, [at, count]]) => [name, weights.subarray(at, at + count)])));
  }

  /**
   * The output of every step that runs in prediction, and the input.
   * @param {Values} input
   */
  run(input) {
    /** @type {Outputs} */
    const outputs = new Map([[INPUT, input]]);
    this.steps.forEach((step, number) => {
      const sources = () => step.sources.map((source) => valuesOf(outputs, source));
      if (!step.head) outputs.set(number, forward(step, sources(), this.tensors[number]));
    });
    return outputs;
  }

  /**
   * A score for each class; the likeliest class has the largest.
   * @param {Outputs} outputs
   */
  scores(outputs) {
    const sign = this.numbers.scores === "minus" ? -1 : 1;
    return Float64Array.from(valuesOf(outputs, this.numbers.last), (value) => sign * value);
  }

  /**
   * @param {Outputs} outputs
   * @returns {Prediction}
   */
  prediction(outputs) {
    const { classes, temperature } = this.numbers;
    const { output } = this.steps[this.numbers.last];
    if (output.length > 1) throw noClasses(output);
    const shares = softmax(this.scores(outputs).map((score) => score / temperature));
    const top = shares.reduce((best, share, at) => (share > shares[best] ? at : best), 0);
    const probabilities = Object.fromEntries(classes.map((name, at) => [name, shares[at]]));
    return { class: classes[top], probability: shares[top], probabilities };
  }
}

/** The error for a network whose output is maps. @param {number[]} output */
const noClasses = (output) => new Answered({
  where: "",
  what: `the network gives ${output.join(" × ")} and no value for each class.`,
  expected: "An image is answered with a flat vector of values.",
  remedy: "Take an output before it, or export the network anew with a flatten at its end.",
});
