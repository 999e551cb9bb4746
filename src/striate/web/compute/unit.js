/** How a unit came by its value: the patches it read, its weights, and their sum. The twin of striate/look/unit.py. */

import { mapsOf } from "./field.js";
import { gateOf } from "./forward.js";
import { FORMULAS } from "./functions.js";
import { unknownKind } from "./kinds.js";
import { shuffledFrom } from "./layout.js";
import { INPUT, valuesOf } from "./model.js";
import { sizeOf } from "./windows.js";

/** @import { Model } from "./model.js" */
/** @import { Conv, Explanation, Outputs, Place, Pool, Shape, Subsample, Tensors, Term, Values } from "./types.js" */

/** How many terms of a sum, the largest, are listed; the others are added up. */
const TERMS = 16;
/** @type {Pick<Explanation, "terms" | "others" | "bias">} */
const NONE = { terms: [], others: { count: 0, value: 0 }, bias: null };

/**
 * The sum that made a unit's value.
 * @param {Model} model
 * @param {Outputs} outputs of every step
 * @param {number} number of the step
 * @param {Place} place
 * @returns {Explanation}
 */
export function explain(model, outputs, number, { map, row, column }) {
  const step = model.steps[number];
  const tensors = model.tensors[number];
  const sources = step.sources.map((source) => valuesOf(outputs, source));
  const [read] = sources;
  const place = at(step.output, map, row, column);
  const value = valuesOf(outputs, number)[place];
  const into = () => read[at(step.inputs[0], map, row, column)];
  /** @type {(formula: string, rest?: Partial<Explanation>) => Explanation} */
  const text = (formula, rest = {}) => ({ value, formula, ...NONE, ...rest });
  switch (step.kind) {
    case "conv": return convolution(step, tensors, read, map, row, column, value);
    case "pool":
    case "subsample": return pooling(step, tensors, read, map, row, column, value);
    case "linear": {
      const weights = tensors.weight.subarray(map * read.length, (map + 1) * read.length);
      const bias = tensors.bias ? tensors.bias[map] : null;
      const parts = Array.from(read, (each, from) => term(`input ${from}`, [[each]], [[weights[from]]]));
      return text(sumText(read.length, "inputs", bias, value), { ...largest(parts), bias });
    }
    case "rbf": {
      const centre = tensors.centres.subarray(map * read.length, (map + 1) * read.length);
      const gaps = Array.from(read, (each, from) => ({ label: `input ${from}`, patch: [[each]], weights: [[centre[from]]], value: (each - centre[from]) ** 2 }));
      return text(`Σ (input − centre)² over ${read.length} inputs = ${n(value)}: the smaller, the nearer`, largest(gaps));
    }
    case "activation": return text(`${FORMULAS[step.function].replaceAll("{a}", n(into())).replace("{alpha}", `${step.alpha}`)} = ${n(value)}`);
    case "batch_norm": {
      const [mean, variance, scale, shift] = ["running_mean", "running_var", "weight", "bias"].map((name) => n(tensors[name][map]));
      return text(`(${n(into())} − ${mean}) / √(${variance} + ${step.epsilon_text}) · ${scale} + ${shift} = ${n(value)}`);
    }
    case "local_response_norm": return text(`${n(into())}, normalised over ${step.size} maps = ${n(value)}`);
    case "softmax": return text(`exp(${n(read[map])}), divided by the sum over all classes = ${n(value)}`);
    case "global_average_pool": return text(`the mean of the ${read.length / step.inputs[0][0]} values of map ${map} = ${n(value)}`);
    case "flatten": return text(flattened(step.inputs[0], map, value));
    case "position_bias": {
      const bias = tensors.bias[place];
      return text(`${n(into())} ${signed(bias)} = ${n(value)}`, { bias });
    }
    case "upsample": return text(`unchanged: ${n(value)}`);
    case "shuffle": return text(`map ${shuffledFrom(map, step.groups, step.output[0])}, unchanged: ${n(value)}`);
    case "scale": return text(`${n(into())} · ${n(tensors.weight[map])} = ${n(value)}`);
    case "gate": return text(`${n(into())} · ${n(sources[1][gateOf(place, read.length, sources[1])])} from the gate = ${n(value)}`);
    case "residual": return text(`body ${n(sources[0][place])} ${signed(sources[1][place])} from the shortcut = ${n(value)}`);
    case "branches": {
      let own = map;
      let from = 0;
      while (own >= step.inputs[from][0]) {
        own -= step.inputs[from][0];
        from += 1;
      }
      const where = step.sources[from] === INPUT ? "the input" : model.steps[step.sources[from]].path;
      return text(`map ${own} of ${where}, unchanged: ${n(value)}`);
    }
    case "dropout": return text(`unchanged: ${n(value)}; dropout works in training only`);
    case "pad_channels": return text(map >= step.inputs[0][0] ? "0: a map of zeros" : `unchanged: ${n(value)}`);
    default: return unknownKind(step);
  }
}

/** The index of a place. @type {(shape: Shape, map: number, row: number, column: number) => number} */
const at = (shape, map, row, column) => (shape.length === 3 ? (map * shape[1] + row) * shape[2] + column : map);

/** @type {(shape: Shape, map: number, value: number) => string} */
function flattened(shape, map, value) {
  if (shape.length === 1) return `unchanged: ${n(value)}`;
  const size = shape[1] * shape[2];
  const [row, column] = [Math.floor((map % size) / shape[2]), map % shape[2]];
  return `map ${Math.floor(map / size)}, row ${row}, column ${column}, unchanged: ${n(value)}`;
}

/**
 * @type {(step: Conv, tensors: Tensors, read: Values, filter: number, row: number, column: number, value: number) => Explanation}
 */
function convolution(step, { weight, bias }, read, filter, row, column, value) {
  const [high, wide] = step.axes;
  const taps = high.kernel * wide.kernel;
  const maps = mapsOf(step, filter);
  const first = step.table ? step.table.slice(0, filter).reduce((links, each) => links + each.length, 0) : filter * maps.length;
  const parts = maps.map((map, link) => {
    const kernel = weight.subarray((first + link) * taps, (first + link + 1) * taps);
    return term(`map ${map}`, patch(step, read, map, row, column, 0), lines(kernel, wide.kernel));
  });
  const added = bias ? bias[filter] : null;
  return { value, formula: sumText(maps.length * taps, "products", added, value), ...largest(parts), bias: added };
}

/**
 * @type {(step: Pool | Subsample, tensors: Tensors, read: Values, map: number, row: number, column: number, value: number) => Explanation}
 */
function pooling(step, { weight, bias }, read, map, row, column, value) {
  const most = step.kind === "pool" && step.function === "max";
  const raw = patch(step, read, map, row, column, most ? -Infinity : 0);
  const rows = raw.map((line) => line.map((each) => (Number.isFinite(each) ? each : 0)));
  const label = `map ${map}`;
  if (step.kind === "subsample") {
    const total = rows.flat().reduce((a, b) => a + b, 0);
    const formula = `${n(total)} · ${n(weight[map])} ${signed(bias[map])} = ${n(value)}: the window's sum, its coefficient, its bias`;
    return { value, formula, ...NONE, terms: [{ label, patch: rows, weights: null, value: total * weight[map] }], bias: bias[map] };
  }
  const count = sizeOf({ ...step, count_padding: !most && step.count_padding })(row, column);
  const formula = `${most ? "the largest" : "the mean"} of ${count} values = ${n(value)}`;
  return { value, formula, ...NONE, terms: [{ label, patch: rows, weights: null, value }] };
}

/**
 * The values that a window reads of a map, row by row; `blank` in the padding.
 * @type {(step: Conv | Pool | Subsample, read: Values, map: number, row: number, column: number, blank: number) => number[][]}
 */
function patch({ axes: [high, wide] }, read, map, row, column, blank) {
  return Array.from({ length: high.kernel }, (_, down) => Array.from({ length: wide.kernel }, (_, across) => {
    const y = row * high.stride - high.before + down * high.dilation;
    const x = column * wide.stride - wide.before + across * wide.dilation;
    const inside = y >= 0 && y < high.size && x >= 0 && x < wide.size;
    return inside ? read[(map * high.size + y) * wide.size + x] : blank;
  }));
}

/** @type {(values: Values, width: number) => number[][]} */
const lines = (values, width) => Array.from({ length: values.length / width }, (_, row) => Array.from(values.subarray(row * width, (row + 1) * width)));

/** @type {(label: string, read: number[][], weights: number[][]) => Term} */
function term(label, read, weights) {
  const value = read.reduce((sum, line, row) => sum + line.reduce((part, each, column) => part + each * weights[row][column], 0), 0);
  return { label, patch: read, weights, value };
}

/**
 * The largest terms, in their order, and the number and the sum of the others.
 * @type {(terms: Term[]) => Pick<Explanation, "terms" | "others">}
 */
function largest(terms) {
  const order = terms.map((_, number) => number).sort((a, b) => Math.abs(terms[b].value) - Math.abs(terms[a].value));
  const kept = new Set(order.slice(0, TERMS));
  const rest = terms.filter((_, number) => !kept.has(number));
  return {
    terms: terms.filter((_, number) => kept.has(number)),
    others: { count: rest.length, value: rest.reduce((sum, each) => sum + each.value, 0) },
  };
}

/** @type {(count: number, what: string, bias: number | null, value: number) => string} */
function sumText(count, what, bias, value) {
  if (bias === null) return `the sum of ${count} ${what} = ${n(value)}`;
  return `${n(value - bias)} ${signed(bias)} = ${n(value)}: the sum of ${count} ${what}, and the bias`;
}

/** A number with three decimals and a minus sign. @type {(value: number) => string} */
const n = (value) => value.toFixed(3).replace("-", "−");

/** @type {(value: number) => string} */
const signed = (value) => `${value < 0 ? "−" : "+"} ${n(Math.abs(value))}`;
