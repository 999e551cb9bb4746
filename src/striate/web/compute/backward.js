/** The gradient of a score with respect to the input. */

import { spread } from "./convolve.js";
import { gateOf } from "./forward.js";
import { SLOPES } from "./functions.js";
import { unknownKind } from "./kinds.js";
import { origins } from "./layout.js";
import { INPUT, valuesOf } from "./model.js";
import { sizeOf, toAll, toLargest } from "./windows.js";

/** @import { Model } from "./model.js" */
/** @import { Activation, BatchNorm, LocalResponseNorm, Outputs, Pool, Step, Tensors, Values } from "./types.js" */

/**
 * ∂ score of a class / ∂ input.
 * @param {Model} model
 * @param {Outputs} outputs of every step, for that input
 * @param {number} number of the class
 */
export function gradient(model, outputs, number) {
  const { last, scores } = model.numbers;
  const seed = new Float32Array(valuesOf(outputs, last).length);
  seed[number] = scores === "minus" ? -1 : 1;
  /** @type {Outputs} */
  const slopes = new Map([[last, seed]]);
  for (let at = last; at > INPUT; at -= 1) {
    const own = slopes.get(at);
    if (!own) continue;
    slopes.delete(at);
    const step = model.steps[at];
    const parts = backward(step, own, step.sources.map((source) => valuesOf(outputs, source)), valuesOf(outputs, at), model.tensors[at]);
    step.sources.forEach((source, part) => {
      const other = slopes.get(source);
      slopes.set(source, other ? other.map((slope, place) => slope + parts[part][place]) : parts[part]);
    });
  }
  return valuesOf(slopes, INPUT);
}

/**
 * The slopes by each source of a step, from the slopes by its output.
 * @type {(step: Step, own: Values, sources: Values[], output: Values, tensors: Tensors) => Values[]}
 */
function backward(step, own, sources, output, tensors) {
  const [read] = sources;
  const out = new Float32Array(read.length);
  switch (step.kind) {
    case "conv": return [spread(step, own, tensors)];
    case "pool": return [step.function === "max" ? toLargest(out, step, own, read) : toMean(out, step, own)];
    case "subsample": return [toAll(out, step, own, (map) => tensors.weight[map])];
    case "linear": return [weighted(own, read.length, (unit, at) => tensors.weight[unit * read.length + at])];
    case "rbf": return [weighted(own, read.length, (unit, at) => 2 * (read[at] - tensors.centres[unit * read.length + at]))];
    case "activation": return [activation(out, step, own, read, output)];
    case "batch_norm": return [batchNorm(out, step, own, tensors)];
    case "local_response_norm": return [localResponseNorm(out, step, own, read)];
    case "softmax": {
      const mean = own.reduce((sum, slope, at) => sum + slope * output[at], 0);
      return [out.map((_, at) => output[at] * (own[at] - mean))];
    }
    case "global_average_pool": {
      const size = read.length / own.length;
      return [out.map((_, at) => own[Math.floor(at / size)] / size)];
    }
    case "branches": {
      let from = 0;
      return sources.map(({ length }) => own.slice(from, from += length));
    }
    case "pad_channels": return [own.slice(0, read.length)];
    case "residual": return [own, own];
    case "gate": return gate(out, own, read, sources[1]);
    case "scale": return [out.map((_, at) => own[at] * tensors.weight[gateOf(at, out.length, tensors.weight)])];
    case "upsample":
    case "shuffle": {
      let to = 0;
      for (const at of origins(step)) {
        out[at] += own[to];
        to += 1;
      }
      return [out];
    }
    case "position_bias":
    case "flatten":
    case "dropout": return [own];
    default: return unknownKind(step);
  }
}

/** @type {(out: Values, step: Activation, own: Values, read: Values, output: Values) => Values} */
function activation(out, { function: name, alpha }, own, read, output) {
  const slope = SLOPES[name];
  if (!slope) throw new Error(`unknown activation: ${name}`);
  return out.map((_, at) => own[at] * slope(read[at], output[at], alpha));
}

/** The slopes by the values of a gate and by its factors. @type {(out: Values, own: Values, read: Values, factor: Values) => Values[]} */
function gate(out, own, read, factor) {
  const sums = new Float64Array(factor.length);
  own.forEach((slope, at) => { sums[gateOf(at, own.length, factor)] += slope * read[at]; });
  return [out.map((_, at) => own[at] * factor[gateOf(at, own.length, factor)]), Float32Array.from(sums)];
}

/** The slopes by the inputs of units that read all of them. @type {(own: Values, length: number, weight: (unit: number, at: number) => number) => Values} */
function weighted(own, length, weight) {
  const sums = new Float64Array(length);
  own.forEach((slope, unit) => {
    if (slope) for (let at = 0; at < length; at += 1) sums[at] += slope * weight(unit, at);
  });
  return Float32Array.from(sums);
}

/** @type {(out: Values, step: Pool, own: Values) => Values} */
function toMean(out, step, own) {
  const size = sizeOf(step);
  return toAll(out, step, own, (map, row, column) => 1 / size(row, column));
}

/** @type {(out: Values, step: BatchNorm, own: Values, tensors: Tensors) => Values} */
function batchNorm(out, step, own, { weight, running_var }) {
  const size = own.length / step.output[0];
  return out.map((_, at) => {
    const map = Math.floor(at / size);
    return (own[at] * weight[map]) / Math.sqrt(running_var[map] + step.epsilon);
  });
}

/** @type {(out: Values, step: LocalResponseNorm, own: Values, read: Values) => Values} */
function localResponseNorm(out, step, own, read) {
  const [maps] = step.output;
  const size = read.length / maps;
  const [before, after] = [Math.floor(step.size / 2), Math.floor((step.size - 1) / 2)];
  /** @type {(map: number, under: number, over: number, of: (map: number) => number) => number} */
  const near = (map, under, over, of) => {
    let sum = 0;
    for (let each = Math.max(0, map - under); each <= Math.min(maps - 1, map + over); each += 1) sum += of(each);
    return sum;
  };
  for (let place = 0; place < size; place += 1) {
    /** @type {(map: number) => number} */
    const at = (map) => map * size + place;
    const bases = Array.from({ length: maps }, (_, map) => step.k + step.alpha * near(map, before, after, (each) => read[at(each)] ** 2));
    for (let map = 0; map < maps; map += 1) {
      const through = near(map, after, before, (each) => own[at(each)] * read[at(each)] * bases[each] ** (-step.beta - 1));
      out[at(map)] = own[at(map)] * bases[map] ** -step.beta - 2 * step.alpha * step.beta * read[at(map)] * through;
    }
  }
  return out;
}
