/** What a layer makes of what it reads. Values are Float32Arrays, map by map and row by row; sums are in doubles. */

import { convolve, dots } from "./convolve.js";
import { FUNCTIONS } from "./functions.js";
import { origins } from "./layout.js";

/**
 * The output of a step of the network.
 * @param step its kind, shapes and numbers, as the file has them
 * @param {Float32Array[]} sources what it reads
 * @param {Record<string, Float32Array>} tensors its parameters and fixed values, by name
 */
export function forward(step, sources, tensors) {
  const [read] = sources;
  const size = step.output.reduce((a, b) => a * b, 1);
  const out = new Float32Array(size);
  switch (step.kind) {
    case "conv": return convolve(out, step, read, tensors);
    case "pool": return step.function === "max" ? largest(out, step, read) : means(out, step, read);
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
    default: throw new Error(`unknown kind of layer: ${step.kind}`);
  }
}

function activated(out, { function: name, alpha }, read) {
  const make = FUNCTIONS[name];
  if (!make) throw new Error(`unknown activation: ${name}`);
  return out.map((_, at) => make(read[at], alpha));
}

/** The place of the value by which a gate multiplies the value at `at`, of `size`: one for each map, or for each value. */
export const gateOf = (at, size, gate) => Math.floor(at / (size / gate.length));

export function softmax(values) {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const parts = Float64Array.from(values, (value) => Math.exp(value - most));
  const sum = parts.reduce((a, b) => a + b, 0);
  return Float32Array.from(parts, (part) => part / sum);
}

function linear(out, read, { weight, bias }) {
  dots(out, 0, 1, weight, 0, out.length, Float64Array.from(read));
  if (bias) bias.forEach((value, unit) => { out[unit] += value; });
  return out;
}

function distances(out, read, centres) {
  return out.map((_, unit) => {
    let sum = 0;
    for (let at = 0; at < read.length; at += 1) sum += (read[at] - centres[unit * read.length + at]) ** 2;
    return sum;
  });
}

function mean(read, map, maps) {
  const size = read.length / maps;
  let sum = 0;
  for (let at = map * size; at < (map + 1) * size; at += 1) sum += read[at];
  return sum / size;
}

/** Calls `each` with the place of every window: where its output goes, and the rows and columns that it reads. */
export function windows({ axes, output }, each) {
  const [high, wide] = axes;
  for (let map = 0, to = 0; map < output[0]; map += 1) {
    const first = map * high.size * wide.size;
    for (let row = 0; row < high.output; row += 1) {
      const top = row * high.stride - high.before;
      const rows = [Math.max(0, top), Math.min(high.size, top + high.kernel)];
      for (let column = 0; column < wide.output; column += 1, to += 1) {
        const left = column * wide.stride - wide.before;
        each(to, map, first, rows[0], rows[1], Math.max(0, left), Math.min(wide.size, left + wide.kernel), row, column);
      }
    }
  }
}

function largest(out, step, read) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right) => {
    let most = -Infinity;
    for (let row = top; row < bottom; row += 1) {
      for (let at = first + row * across + left; at < first + row * across + right; at += 1) if (read[at] > most) most = read[at];
    }
    out[to] = most;
  });
  return out;
}

/** The sum of each window, as `then` has it: (sum, map, row, column). */
function sums(out, step, read, then) {
  const across = step.axes[1].size;
  windows(step, (to, map, first, top, bottom, left, right, row, column) => {
    let sum = 0;
    for (let line = top; line < bottom; line += 1) {
      for (let at = first + line * across + left; at < first + line * across + right; at += 1) sum += read[at];
    }
    out[to] = then(sum, map, row, column);
  });
  return out;
}

function means(out, step, read) {
  const [rows, columns] = step.axes.map((axis) => counts(axis, step.count_padding));
  return sums(out, step, read, (sum, map, row, column) => sum / (rows[row] * columns[column]));
}

/** By how many values each window's sum is divided, along one axis. */
export function counts(axis, padding) {
  const [first, end] = padding ? [-axis.before, axis.size + axis.after] : [0, axis.size];
  return Array.from({ length: axis.output }, (_, place) => {
    const start = place * axis.stride - axis.before;
    return Math.min(start + axis.kernel, end) - Math.max(start, first);
  });
}

const subsample = (out, step, read, { weight, bias }) => sums(out, step, read, (sum, map) => sum * weight[map] + bias[map]);

function batchNorm(out, step, read, { weight, bias, running_mean, running_var }) {
  const size = read.length / step.output[0];
  for (let map = 0, at = 0; map < step.output[0]; map += 1) {
    const scale = weight[map] / Math.sqrt(running_var[map] + step.epsilon);
    const shift = bias[map] - running_mean[map] * scale;
    for (const end = at + size; at < end; at += 1) out[at] = read[at] * scale + shift;
  }
  return out;
}

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
