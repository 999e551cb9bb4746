/** A network that is typed in, as steps: the twin of `outline` and `flattened` in striate/description. */

import { Reader } from "./notation.js";
import { refuse } from "./plan.js";

/** @import { Axis, Layer, Notation, Shape, Step } from "./types.js" */

/** The most characters, and the largest numbers, so that an answer takes no time: those of striate/web/sandbox.py. */
const [CHARACTERS, LARGEST, FILTERS] = [40_000, 1024, 65_536];
/** The fields that have a limit of their own. @type {Record<string, number>} */
const MOST = { filters: FILTERS, units: FILTERS, channels: FILTERS, kernel: LARGEST, stride: LARGEST, padding: LARGEST, dilation: LARGEST, factor: 16 };

/**
 * The input and the steps of a text, without shapes. Throws an Answered where it cannot be read or is too large.
 * @type {(text: string, notation: Notation) => { input: Shape, steps: Step[] }}
 */
export function typed(text, notation) {
  if (text.length > CHARACTERS) refuse(`a network of ${text.length.toLocaleString("en")} characters.`, `Here it may have ${CHARACTERS.toLocaleString("en")} at most.`);
  const { input, layers } = new Reader(text, notation).network();
  if (input.some((side) => side > LARGEST)) refuse(`the input is ${input.join("×")}.`, `Here a side may be ${LARGEST.toLocaleString("en")} at most.`);
  /** @type {Step[]} */
  const steps = [];
  chain(flattened(layers, false).layers, "", -1, { steps, head: "" });
  return { input, steps };
}

/** @typedef {{ steps: Step[], head: string }} Trace */

/** The layers with the flattens that the notation leaves out. @type {(layers: Layer[], flat: boolean) => { layers: Layer[], flat: boolean }} */
function flattened(layers, flat) {
  /** @type {Layer[]} */
  const found = [];
  for (const layer of layers) {
    const inner = layer.parts.map((part) => flattened(part, flat));
    const own = { ...layer, parts: inner.map((each) => each.layers) };
    if (layer.kind === "block" || layer.kind === "residual") flat = inner[0].flat;
    else if (layer.word) {
      const missing = layer.word.reads === "vector" && !flat;
      if (missing) found.push({ kind: "flatten", name: "", parts: [], word: FLATTEN, given: {} });
      flat ||= missing || layer.word.flattens;
    }
    found.push(own);
  }
  return { layers: found, flat };
}

const FLATTEN = { kind: "flatten", class: "Flatten", values: [], options: [], preset: {}, usage: "flatten", reads: "either", flattens: true };

/** The name of each layer among its siblings. @param {Layer[]} layers */
function names(layers) {
  /** @type {Record<string, number>} */
  const counts = {};
  const found = layers.map(({ kind, name, given }) => {
    const word = kind === "activation" ? given?.function.replace(/^scaled_/, "") : kind;
    counts[word] = (counts[word] ?? 0) + 1;
    return name || `${word}${counts[word]}`;
  });
  const twice = found.find((name, at) => found.indexOf(name) !== at);
  if (twice) refuse(`two layers are called '${twice}'.`, "Layers side by side need names of their own.");
  return found;
}

/** Add the steps of layers, one after another; the number of the last. @type {(layers: Layer[], prefix: string, source: number, trace: Trace) => number} */
function chain(layers, prefix, source, trace) {
  const all = names(layers);
  return layers.reduce((from, layer, at) => walk(layer, prefix + all[at], from, trace), source);
}

/** @type {(layer: Layer) => Step["properties"]} */
const propertiesOf = ({ word }) => ({ flattens: word?.flattens ?? false, reads: word?.reads, class: word?.class });

/** @type {(layer: Layer, path: string, source: number, trace: Trace) => number} */
function walk(layer, path, source, trace) {
  const { kind, parts } = layer;
  /** @type {(own: object, sources: number[]) => number} */
  const add = (own, sources) => {
    const step = { path, kind, head: trace.head, sources, inputs: [], output: [], properties: propertiesOf(layer), ...own };
    return trace.steps.push(/** @type {Step} */ (step)) - 1;
  };
  switch (kind) {
    case "block": return chain(parts[0], `${path}.`, source, trace);
    case "residual": {
      const main = chain(parts[0], `${path}.`, source, trace);
      return add({}, [main, parts[1] ? chain(parts[1], `${path}.shortcut.`, source, trace) : source]);
    }
    case "gate": return add({}, [source, chain(parts[0], `${path}.`, source, trace)]);
    case "branches": {
      const blocks = parts.map((part) => (part.length === 1 && part[0].kind === "block" ? part[0] : { kind: "block", name: "", parts: [part] }));
      const all = names(blocks);
      return add({}, blocks.map((block, at) => chain(block.parts[0], `${path}.${all[at]}.`, source, trace)));
    }
    case "auxiliary":
      chain(parts[0], `${path}.`, source, { ...trace, head: path });
      return source;
    default: return add(own(layer, path), [source]);
  }
}

/** The numbers of a layer that its figures need: the twin of `_own` in striate/web/numbers.py. @type {(layer: Layer, path: string) => object} */
function own({ kind, given = {} }, path) {
  for (const [field, value] of Object.entries(given)) {
    const most = MOST[field];
    const large = [value].flat().find((each) => typeof each === "number" && each > most);
    if (large !== undefined) refuse(`${field} is ${large.toLocaleString("en")}.`, `Here it may be ${most.toLocaleString("en")} at most.`, "", path);
  }
  switch (kind) {
    case "conv": return { filters: given.filters, groups: given.groups ?? 1, table: given.table ?? null, bias: given.bias ?? true, ...windows(given) };
    case "pool": return { function: given.function, count_padding: given.count_padding ?? true, ...windows({ ...given, stride: given.stride ?? given.kernel }) };
    case "subsample": return windows({ ...given, stride: given.stride ?? given.kernel });
    case "linear": return { filters: given.units, bias: given.bias ?? true };
    case "rbf": return { filters: given.centres.length, features: given.centres[0].length };
    case "pad_channels": return { channels: given.channels };
    case "upsample": return { factor: pair(given.factor) };
    case "shuffle": return { groups: given.groups };
    case "batch_norm": case "local_response_norm": case "activation": case "softmax": case "dropout": case "flatten":
    case "global_average_pool": case "scale": case "position_bias": return given;
    default: throw new Error(`unknown kind of layer: ${kind}`);
  }
}

/** @type {(value: number | number[]) => number[]} */
const pair = (value) => (typeof value === "number" ? [value, value] : value);

/** The windows along the height and the width, on an input of which only the plan knows the size. @param {Record<string, any>} given */
function windows({ kernel, stride = 1, padding = 0, dilation = 1, ceil = false }) {
  const same = padding === "same";
  const sides = same ? [0, 0, 0, 0] : [padding].flat();
  const [top, bottom, left, right] = sides.length === 4 ? sides : [sides[0], sides[0], sides.at(-1), sides.at(-1)];
  /** @type {(at: number, before: number, after: number) => Axis} */
  const axis = (at, before, after) => ({ size: 0, kernel: pair(kernel)[at], stride: pair(stride)[at], before, after, dilation: pair(dilation)[at], ceil, output: 0 });
  return { axes: [axis(0, top, bottom), axis(1, left, right)], same };
}
