/** The output of a layer for its inputs. Sums are in double precision. */

import { convolve, dots } from "./convolve.js";
import { FUNCTIONS } from "./functions.js";
import { unknownKind } from "./kinds.js";
import { origins } from "./layout.js";
import { pool, subsample } from "./windows.js";

/** @import { Activation, BatchNorm, LocalResponseNorm, Step, Tensors, Values } from "./types.js" */

/**
 * @param {Step} step
 * @param {Values[]} sources its inputs
 * @param {Tensors} tensors its parameters and fixed values
 * @returns {Values}
 */
export function forward(step, sources, tensors) {
  const [read] = sources;
  const size = step.output.reduce((a, b) => a * b, 1);
  const out = new Float32Array(size);
  switch (step.kind) {
    case "conv": return convolve(out, step, read, tensors);
    case "pool": return pool(out, step, read);
    case "subsample": return subsample(out, step, read, tensors);
    case "linear": return linear(out, read, tensors);
    case "rbf": return distances(out, read, tensors.centres);
    case "activation": return activated(out, step, read);
    case "batch_norm": return batchNorm(out, step, read, tensors);
    case "local_response_norm": return localResponseNorm(out, step, read);
    case "softmax": return softmax(read);
    case "global_average_pool": return out.map((_, map) => mean(read, map, size));
    case "position_bias": return out.map((_, at) => read[at] + tensors.bias[at]);
    case "scale": return out.map((_, at) => read[at] * tensors.weight[Math.floor(at / (size / tensors.weight.length))]);
    case "gate": return out.map((_, at) => read[at] * sources[1][gateOf(at, size, sources[1])]);
    case "residual": return out.map((_, at) => read[at] + sources[1][at]);
    case "branches":
      sources.reduce((at, each) => (out.set(each, at), at + each.length), 0);
      return out;
    case "pad_channels":
      out.set(read);
      return out;
    case "upsample":
    case "shuffle": return Float32Array.from(origins(step), (at) => read[at]);
    case "flatten":
    case "dropout": return read;
    default: return unknownKind(step);
  }
}

/** @type {(out: Values, step: Activation, read: Values) => Values} */
function activated(out, { function: name, alpha }, read) {
  const make = FUNCTIONS[name];
  if (!make) throw new Error(`unknown activation: ${name}`);
  for (let at = 0; at < out.length; at += 1) out[at] = make(read[at], alpha);
  return out;
}

/**
 * The index of the factor for the value at `at` of `size` values: a gate has one factor per map, or one per value.
 * @type {(at: number, size: number, gate: Values) => number}
 */
export const gateOf = (at, size, gate) => Math.floor(at / (size / gate.length));

/** @param {Float32Array | Float64Array} values */
export function softmax(values) {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  const parts = Float64Array.from(values, (value) => Math.exp(value - most));
  const sum = parts.reduce((a, b) => a + b, 0);
  return Float32Array.from(parts, (part) => part / sum);
}

/** @type {(out: Values, read: Values, tensors: Tensors) => Values} */
function linear(out, read, { weight, bias }) {
  dots(out, 0, 1, weight, 0, out.length, Float64Array.from(read));
  if (bias) bias.forEach((value, unit) => { out[unit] += value; });
  return out;
}

/** The squared distance to each centre. @type {(out: Values, read: Values, centres: Values) => Values} */
function distances(out, read, centres) {
  return out.map((_, unit) => {
    let sum = 0;
    for (let at = 0; at < read.length; at += 1) sum += (read[at] - centres[unit * read.length + at]) ** 2;
    return sum;
  });
}

/** The mean of a map. @type {(read: Values, map: number, maps: number) => number} */
function mean(read, map, maps) {
  const size = read.length / maps;
  let sum = 0;
  for (let at = map * size; at < (map + 1) * size; at += 1) sum += read[at];
  return sum / size;
}

/** @type {(out: Values, step: BatchNorm, read: Values, tensors: Tensors) => Values} */
function batchNorm(out, step, read, { weight, bias, running_mean, running_var }) {
  const size = read.length / step.output[0];
  for (let map = 0, at = 0; map < step.output[0]; map += 1) {
    const scale = weight[map] / Math.sqrt(running_var[map] + step.epsilon);
    const shift = bias[map] - running_mean[map] * scale;
    for (const end = at + size; at < end; at += 1) out[at] = read[at] * scale + shift;
  }
  return out;
}

/** @type {(out: Values, step: LocalResponseNorm, read: Values) => Values} */
function localResponseNorm(out, step, read) {
  const [maps] = step.output;
  const size = read.length / maps;
  const [before, after] = [Math.floor(step.size / 2), Math.floor((step.size - 1) / 2)];
  for (let map = 0; map < maps; map += 1) {
    const [first, last] = [Math.max(0, map - before), Math.min(maps - 1, map + after)];
    for (let place = 0; place < size; place += 1) {
      let sum = 0;
      for (let near = first; near <= last; near += 1) sum += read[near * size + place] ** 2;
      const at = map * size + place;
      out[at] = read[at] / (step.k + step.alpha * sum) ** step.beta;
    }
  }
  return out;
}
