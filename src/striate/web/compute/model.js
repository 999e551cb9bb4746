/** The network of the file: its steps, their tensors, and what they make of an input. */

import { forward, softmax } from "./forward.js";

/** The input's place among the sources of a step. */
export const INPUT = -1;

export class Model {
  /**
   * @param numbers steps, classes, scores and temperature, as the file has them
   * @param {Float32Array} weights all tensors, one after another
   */
  constructor(numbers, weights) {
    this.numbers = numbers;
    this.steps = numbers.steps;
    const taken = ([at, count]) => weights.subarray(at, at + count);
    this.tensors = this.steps.map(({ tensors }) => Object.fromEntries(Object.entries(tensors).map(([name, place]) => [name, taken(place)])));
  }

  /** The output of every step that runs, by its number; `INPUT` is the input. */
  run(input) {
    const outputs = new Map([[INPUT, input]]);
    this.steps.forEach((step, number) => {
      if (!step.head) outputs.set(number, forward(step, step.sources.map((source) => outputs.get(source)), this.tensors[number]));
    });
    return outputs;
  }

  /** A score for each class, the larger the likelier. */
  scores(outputs) {
    const sign = this.numbers.scores === "minus" ? -1 : 1;
    return Float64Array.from(outputs.get(this.numbers.last), (value) => sign * value);
  }

  /** The class on top, and each class's probability. */
  prediction(outputs) {
    const { classes, temperature } = this.numbers;
    const shares = softmax(this.scores(outputs).map((score) => score / temperature));
    const top = shares.reduce((best, share, at) => (share > shares[best] ? at : best), 0);
    const probabilities = Object.fromEntries(classes.map((name, at) => [name, shares[at]]));
    return { class: classes[top], probability: shares[top], probabilities };
  }
}
