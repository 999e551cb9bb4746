/** The pixels of the input that a unit reads: the twin of striate/accounting/unit.py. */

import { unknownKind } from "./kinds.js";
import { shuffledFrom } from "./layout.js";
import { INPUT } from "./model.js";

/** @import { Axis, Conv, Place, Rectangle, Shape, Step } from "./types.js" */

/** Maps, rows and columns that are read of a value, each in order. @typedef {[number[], number[], number[]]} Patch */

/** The numbers from first to last. @type {(first: number, last: number) => number[]} */
const span = (first, last) => Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
/** The patch that is the whole of a value. @type {(shape: Shape) => Patch} */
const whole = ([maps, ...sides]) => (sides.length ? [span(0, maps - 1), span(0, sides[0] - 1), span(0, sides[1] - 1)] : [[0], [0], [0]]);
/** @type {(rows: number[], columns: number[]) => Rectangle} */
const rectangle = (rows, columns) => ({ rows, columns });

/**
 * The smallest rectangle of pixels that a unit of a step reads, or that all its units read; null where they read
 * padding only.
 * @param {Step[]} steps
 * @param {number} number
 * @param {Place | null} place
 */
export function seen(steps, number, place = null) {
  const { output } = steps[number];
  /** @type {Patch} */
  const first = place && output.length === 3 ? [whole(output)[0], [place.row], [place.column]] : whole(output);
  const wanted = new Map([[number, [first]]]);
  for (let at = number; at > INPUT; at -= 1) {
    const patches = wanted.get(at) ?? [];
    wanted.delete(at);
    for (const patch of patches) passOn(steps[at], patch, wanted);
  }
  const found = wanted.get(INPUT);
  if (!found?.length) return null;
  /** @type {(axis: 1 | 2) => number[]} */
  const ends = (axis) => [Math.min(...found.map((patch) => patch[axis][0])), Math.max(...found.map((patch) => patch[axis][patch[axis].length - 1]))];
  return rectangle(ends(1), ends(2));
}

/**
 * The same rectangle if padding counts as pixels and every unit reads all maps.
 * @param {Step[]} steps
 * @param {number} number
 * @param {Place} place
 */
export function unclipped(steps, number, { row, column }) {
  /** @type {(shape: Shape) => Rectangle} */
  const all = (shape) => (shape.length === 3 ? rectangle([0, shape[1] - 1], [0, shape[2] - 1]) : rectangle([0, 0], [0, 0]));
  const { output } = steps[number];
  const wanted = new Map([[number, output.length === 3 ? rectangle([row, row], [column, column]) : all(output)]]);
  for (let place = number; place > INPUT; place -= 1) {
    let here = wanted.get(place);
    if (!here) continue;
    wanted.delete(place);
    const step = steps[place];
    if (step.axes) here = rectangle(reach(step.axes[0], here.rows), reach(step.axes[1], here.columns));
    else if (step.kind === "upsample") here = rectangle(divided(here.rows, step.factor[0]), divided(here.columns, step.factor[1]));
    else if (step.properties.flattens) here = all(step.inputs[0]);
    step.sources.forEach((source, at) => {
      const own = isGate(step, step.inputs[at]) ? all(step.inputs[at]) : here;
      const other = wanted.get(source);
      wanted.set(source, other ? rectangle(hull(other.rows, own.rows), hull(other.columns, own.columns)) : own);
    });
  }
  return wanted.get(INPUT);
}

/** @type {(one: number[], other: number[]) => number[]} */
const hull = (one, other) => [Math.min(one[0], other[0]), Math.max(one[1], other[1])];

/** The first and the last place that windows read, padding included. @type {(axis: Axis, ends: number[]) => number[]} */
function reach(axis, [first, last]) {
  /** @type {(place: number) => number} */
  const start = (place) => place * axis.stride - axis.before;
  return [start(first), start(last) + axis.dilation * (axis.kernel - 1)];
}

/** Ask the sources of a step for the patches that its units on a patch read. @type {(step: Step, patch: Patch, wanted: Map<number, Patch[]>) => void} */
function passOn(step, [maps, rows, columns], wanted) {
  if (step.kind === "branches") {
    let first = 0;
    step.sources.forEach((source, at) => {
      const [channels] = step.inputs[at];
      const own = maps.filter((map) => map >= first && map < first + channels);
      ask(wanted, source, [own.map((map) => map - first), rows, columns]);
      first += channels;
    });
    return;
  }
  const patch = readBy(step, [maps, rows, columns]);
  step.sources.forEach((source, at) => {
    const own = step.inputs[at];
    ask(wanted, source, isGate(step, own) ? [own.length === 3 ? patch[0] : [0], [0], [0]] : patch);
  });
}

/** The patch of its input that a step's units on a patch of its output read. @type {(step: Exclude<Step, { kind: "branches" }>, patch: Patch) => Patch} */
function readBy(step, [maps, rows, columns]) {
  const [shape] = step.inputs;
  switch (step.kind) {
    case "conv": return [readMaps(step, maps), reads(step.axes[0], rows), reads(step.axes[1], columns)];
    case "pool":
    case "subsample": return [maps, reads(step.axes[0], rows), reads(step.axes[1], columns)];
    case "flatten":
    case "global_average_pool": return whole(shape);
    case "upsample": return [maps, sorted(divided(rows, step.factor[0])), sorted(divided(columns, step.factor[1]))];
    case "shuffle": return [sorted(maps.map((map) => shuffledFrom(map, step.groups, shape[0]))), rows, columns];
    case "local_response_norm": {
      const [before, after] = [Math.floor(step.size / 2), Math.floor((step.size - 1) / 2)];
      return [sorted(maps.flatMap((map) => span(Math.max(0, map - before), Math.min(shape[0] - 1, map + after)))), rows, columns];
    }
    case "pad_channels": return [maps.filter((map) => map < shape[0]), rows, columns];
    case "batch_norm":
    case "activation":
    case "softmax":
    case "dropout":
    case "scale":
    case "linear":
    case "rbf":
    case "position_bias":
    case "residual":
    case "gate": return [maps, rows, columns];
    default: return unknownKind(step);
  }
}

/** Whether a source of that shape gives a gate one factor per map. @type {(step: Step, shape: Shape) => boolean} */
const isGate = ({ kind, output }, shape) => kind === "gate" && shape.join() !== output.join();

/** @type {(places: number[], by: number) => number[]} */
const divided = (places, by) => places.map((place) => Math.floor(place / by));

/** @type {(places: number[]) => number[]} */
const sorted = (places) => [...new Set(places)].sort((a, b) => a - b);

/** The places of the input that windows at some places read. @type {(axis: Axis, places: number[]) => number[]} */
function reads(axis, places) {
  const taps = span(0, axis.kernel - 1).map((tap) => tap * axis.dilation - axis.before);
  return sorted(places.flatMap((place) => taps.map((tap) => place * axis.stride + tap))).filter((at) => at >= 0 && at < axis.size);
}

/**
 * The input maps that a filter reads.
 * @type {(step: Conv, filter: number) => number[]}
 */
export function mapsOf(step, filter) {
  if (step.table) return step.table[filter];
  const each = step.inputs[0][0] / step.groups;
  const group = Math.floor(filter / (step.output[0] / step.groups));
  return span(group * each, (group + 1) * each - 1);
}

/** The input maps that some filters read. @type {(step: Conv, filters: number[]) => number[]} */
const readMaps = (step, filters) => (step.table || step.groups > 1 ? sorted(filters.flatMap((each) => mapsOf(step, each))) : span(0, step.inputs[0][0] - 1));

/** Add a patch to a step's list. A patch within another is left out, so that the lists stay short. @type {(wanted: Map<number, Patch[]>, number: number, patch: Patch) => void} */
function ask(wanted, number, patch) {
  if (!patch.every((places) => places.length)) return;
  const patches = wanted.get(number) ?? [];
  if (patches.some((other) => within(patch, other))) return;
  wanted.set(number, [...patches.filter((other) => !within(other, patch)), patch]);
}

/** @type {(inner: Patch, outer: Patch) => boolean} */
const within = (inner, outer) => inner.every((places, axis) => {
  const all = new Set(outer[axis]);
  return places.every((place) => all.has(place));
});
