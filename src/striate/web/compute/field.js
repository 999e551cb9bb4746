/** Which pixels of the input a unit reads, exactly, as striate.accounting.unit works it out. */

import { shuffledFrom } from "./layout.js";
import { INPUT } from "./model.js";

const span = (first, last) => Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
const whole = (shape) => (shape.length === 3 ? shape.map((size) => span(0, size - 1)) : [[0], [0], [0]]);
const rectangle = (rows, columns) => ({ rows, columns });

/** The smallest rectangle of pixels that a unit of a step reads, or that all do; null where they read only padding. */
export function seen(steps, number, place = null) {
  const { output } = steps[number];
  const wanted = new Map([[number, [place && output.length === 3 ? [whole(output)[0], [place.row], [place.column]] : whole(output)]]]);
  for (let at = number; at > INPUT; at -= 1) {
    const patches = wanted.get(at) ?? [];
    wanted.delete(at);
    for (const patch of patches) passOn(steps[at], patch, wanted);
  }
  const found = wanted.get(INPUT);
  if (!found?.length) return null;
  const ends = (axis) => [Math.min(...found.map((patch) => patch[axis][0])), Math.max(...found.map((patch) => patch[axis].at(-1)))];
  return rectangle(ends(1), ends(2));
}

/** The same as if every map went on beyond its edges, and every unit read all maps: padding counts as pixels. */
export function unclipped(steps, number, { row, column }) {
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

const hull = (one, other) => [Math.min(one[0], other[0]), Math.max(one[1], other[1])];

function reach(axis, [first, last]) {
  const start = (place) => place * axis.stride - axis.before;
  return [start(first), start(last) + axis.dilation * (axis.kernel - 1)];
}

/** Ask the sources of a step for what its units on a patch, [maps, rows, columns], read. */
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

/** The patch of its input that a step's units on a patch of its output read. */
function readBy(step, [maps, rows, columns]) {
  const [shape] = step.inputs;
  switch (step.kind) {
    case "conv": return [readMaps(step, maps), reads(step.axes[0], rows), reads(step.axes[1], columns)];
    case "pool":
    case "subsample": return [maps, reads(step.axes[0], rows), reads(step.axes[1], columns)];
    case "flatten":
    case "global_average_pool": return whole(shape);
    case "upsample": return [maps, ...[rows, columns].map((places, at) => sorted(places.map((place) => Math.floor(place / step.factor[at]))))];
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
    default: throw new Error(`unknown kind of layer: ${step.kind}`);
  }
}

/** Whether a source of that shape gives one value for each map of a product. */
const isGate = ({ kind, output }, shape) => kind === "gate" && shape.join() !== output.join();

const divided = (ends, by) => ends.map((end) => Math.floor(end / by));

const sorted = (places) => [...new Set(places)].sort((a, b) => a - b);

function reads(axis, places) {
  const taps = span(0, axis.kernel - 1).map((tap) => tap * axis.dilation - axis.before);
  return sorted(places.flatMap((place) => taps.map((tap) => place * axis.stride + tap))).filter((at) => at >= 0 && at < axis.size);
}

/** The input maps that a filter reads. */
export function mapsOf(step, filter) {
  if (step.table) return step.table[filter];
  const each = step.inputs[0][0] / step.groups;
  const group = Math.floor(filter / (step.output[0] / step.groups));
  return span(group * each, (group + 1) * each - 1);
}

const readMaps = (step, filters) => (step.table || step.groups > 1 ? sorted(filters.flatMap((each) => mapsOf(step, each))) : span(0, step.inputs[0][0] - 1));

/** Put a patch on a step's list; one that another holds is left out, so lists stay short on any path. */
function ask(wanted, number, patch) {
  if (!patch.every((places) => places.length)) return;
  const patches = wanted.get(number) ?? [];
  if (patches.some((other) => within(patch, other))) return;
  wanted.set(number, [...patches.filter((other) => !within(other, patch)), patch]);
}

const within = (inner, outer) => inner.every((places, axis) => {
  const all = new Set(outer[axis]);
  return places.every((place) => all.has(place));
});
