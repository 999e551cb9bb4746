/** What every layer costs: parameters, connections and MACs per image, and its receptive field. */

import { extent, unseen } from "./axis.js";
import { seen } from "./field.js";
import { unknownKind } from "./kinds.js";

/** @import { Shape, Step, TrialAccount, TrialRow } from "./types.js" */
/**
 * The pixels that a layer's first unit sees along one axis: the first, the last, and the distance to the next unit's.
 * After an upsampling `grid` has the same in places of the upsampled map, which has each unit of `below` `times` times.
 * @typedef {{ first: number, last: number, jump: number, grid?: Grid, shared?: [number, number] }} Span
 * @typedef {{ first: number, last: number, jump: number, times: number, below: Span }} Grid
 */

/**
 * The account of a network on an input.
 * @type {(steps: Step[], input: Shape) => TrialAccount}
 */
export function account(steps, input) {
  /** @type {Span[][]} */
  const fields = [];
  const rows = steps.map((step) => {
    const field = fieldOf(step, steps, fields, input);
    fields.push(field);
    return row(step, field);
  });
  const used = rows.filter((each) => !each.head);
  /** @type {(of: (row: TrialRow) => number) => number} */
  const total = (of) => used.reduce((sum, each) => sum + of(each), 0);
  const totals = { parameters: total((each) => each.weights + each.biases), macs: total((each) => each.macs), connections: total((each) => each.connections) };
  return { input, rows, totals };
}

/** @type {(step: Step, field: Span[]) => TrialRow} */
function row(step, field) {
  const { path, kind, head, inputs, output, axes } = step;
  const lost = axes ? axes.map(unseen) : [[0, 0], [0, 0]];
  return {
    path,
    kind,
    head,
    filters: step.filters ?? null,
    kernel: axes ? [axes[0].kernel, axes[1].kernel] : null,
    stride: axes ? [axes[0].stride, axes[1].stride] : null,
    dilation: axes ? [axes[0].dilation, axes[1].dilation] : null,
    padding: axes ? [axes[0].before, axes[0].after, axes[1].before, axes[1].after] : null,
    input: inputs[0],
    output,
    ...counts(step, output.reduce((a, b) => a * b, 1)),
    receptive_field: { size: field.map(sizeOf) },
    unseen: { rows: lost[0][0], columns: lost[1][0], padding_rows: lost[0][1], padding_columns: lost[1][1] },
  };
}

/**
 * The parameters of a layer, and its connections and MACs per image: the twin of striate/accounting/counts.py.
 * @type {(step: Step, values: number) => Pick<TrialRow, "weights" | "biases" | "connections" | "macs">}
 */
function counts(step, values) {
  const { bias, axes, inputs, output } = step;
  const [maps] = inputs[0];
  const taps = axes ? axes[0].kernel * axes[1].kernel : 0;
  /**
   * @type {(filters: number, weights: number, places: number) => Pick<TrialRow, "weights" | "biases" | "connections" | "macs">}
   */
  const weighted = (filters, weights, places) => {
    const biases = bias ? filters : 0;
    return { weights, biases, connections: places * (weights + biases), macs: places * weights };
  };
  switch (step.kind) {
    case "conv": {
      const { filters, table, groups } = step;
      const links = table ? table.reduce((sum, each) => sum + each.length, 0) : (filters * maps) / groups;
      return weighted(filters, links * taps, output[1] * output[2]);
    }
    case "linear": return weighted(step.filters, maps * step.filters, 1);
    case "subsample": return { weights: maps, biases: maps, connections: values * (taps + 1), macs: values };
    case "rbf": return { weights: 0, biases: 0, connections: step.filters * maps, macs: step.filters * maps };
    case "batch_norm": return { weights: maps, biases: maps, connections: 2 * values, macs: 0 };
    case "scale": return { weights: maps, biases: 0, connections: values, macs: values };
    case "position_bias": return { weights: 0, biases: values, connections: values, macs: 0 };
    case "pool":
    case "local_response_norm":
    case "activation":
    case "softmax":
    case "dropout":
    case "flatten":
    case "global_average_pool":
    case "pad_channels":
    case "upsample":
    case "shuffle":
    case "residual":
    case "gate":
    case "branches": return { weights: 0, biases: 0, connections: 0, macs: 0 };
    default: return unknownKind(step);
  }
}

/**
 * The receptive field along the height and the width: the twin of striate/accounting/receptive.py.
 * @type {(step: Step, steps: Step[], fields: Span[][], input: Shape) => Span[]}
 */
function fieldOf(step, steps, fields, input) {
  const [source, ...others] = step.sources.map((each) => fields[each] ?? [0, 1].map(() => ({ first: 0, last: 0, jump: 1 })));
  if (step.axes) {
    return step.axes.map((axis, at) => run(source[at], -axis.before, extent(axis) - 1 - axis.before, axis.stride));
  }
  if (step.kind === "upsample") return source.map((span, at) => repeated(span, step.factor[at]));
  if (step.properties.flattens && step.inputs[0].length === 3) {
    const [from] = step.sources;
    const whole = { rows: [0, input[1] - 1], columns: [0, input[2] - 1] };
    const { rows, columns } = (from < 0 ? whole : seen(steps, from)) ?? { rows: [0, -1], columns: [0, -1] };
    return [rows, columns].map(([first, last]) => ({ first, last, jump: 0 }));
  }
  if (step.kind === "gate" && String(step.inputs[1]) !== String(step.output)) {
    return source.map((span, at) => sharing(span, { ...others[0][at], shared: endsOf(others[0][at]) }));
  }
  return source.map((span, at) => others.reduce((one, other) => union(one, other[at]), span));
}

/**
 * The field of units of which unit i reads the units of a span from `first` to `last`, each plus i · `jump`.
 * @type {(span: Span, first: number, last: number, jump: number) => Span}
 */
function run(span, first, last, jump) {
  const from = span.grid ?? span;
  const made = { first: from.first + first * from.jump, last: from.last + last * from.jump, jump: from.jump * jump };
  return sharing(span.grid ? over({ ...span.grid, ...made }) : made, span);
}

/** The field after an upsampling. @type {(span: Span, times: number) => Span} */
function repeated(span, times) {
  const { grid } = span;
  const two = grid && grid.first === 0 && grid.last === 0 && grid.jump === 1;
  return sharing(over(two ? { ...grid, times: grid.times * times } : { first: 0, last: 0, jump: 1, times, below: span }), span);
}

/** The span of units that read places of an upsampled map. @type {(grid: Grid) => Span} */
function over(grid) {
  const { jump, times, below } = grid;
  let [first, last] = [Math.floor(grid.first / times), Math.floor(grid.last / times)];
  if (jump % times === 0) return run(below, first, last, jump / times);
  let span = below;
  while (span.grid) {
    first = Math.floor((span.grid.first + first * span.grid.jump) / span.grid.times);
    last = Math.floor((span.grid.last + last * span.grid.jump) / span.grid.times);
    span = span.grid.below;
  }
  return { first: span.first + first * span.jump, last: span.last + last * span.jump, jump: (below.jump * jump) / times, grid };
}

/** The field of a unit that reads a unit of each of two spans. @type {(one: Span, other: Span) => Span} */
function union(one, other) {
  /** @type {(a: Span | Grid, b: Span | Grid) => { first: number, last: number, jump: number }} */
  const both = (a, b) => ({ first: Math.min(a.first, b.first), last: Math.max(a.last, b.last), jump: Math.max(a.jump, b.jump) });
  const [grid, beside] = [one.grid, other.grid];
  const same = grid && beside && grid.below === beside.below && grid.times === beside.times;
  return sharing(same ? over({ ...grid, ...both(grid, beside) }) : both(one, other), one, other);
}

/** The span, whose units also see what all units of `others` see. @type {(span: Span, ...others: Span[]) => Span} */
function sharing(span, ...others) {
  const all = [span, ...others].flatMap(({ shared }) => (shared ? [shared] : []));
  if (!all.length) return span;
  return { ...span, shared: [Math.min(...all.map(([first]) => first)), Math.max(...all.map(([, last]) => last))] };
}

/** How many pixels the unit sees that sees most, padding included. @type {(span: Span) => number} */
function sizeOf(span) {
  const [first, last] = endsOf(span);
  return last - first + 1;
}

/** The first and the last pixel that the first unit sees. @type {(span: Span) => [number, number]} */
function endsOf(span) {
  const { shared } = span;
  const start = Math.floor(span.first);
  let more = 0;
  while (span.grid) {
    const { first, last, jump, times, below } = span.grid;
    const step = divisor(jump, times);
    const latest = times - step + (((first % step) + step) % step);
    more = Math.floor((latest + last - first + more * jump) / times);
    span = below;
  }
  const [first, last] = [start, start + Math.ceil(span.last + more * span.jump) - Math.floor(span.first)];
  return shared ? [Math.min(first, shared[0]), Math.max(last, shared[1])] : [first, last];
}

/** The greatest common divisor. @type {(a: number, b: number) => number} */
const divisor = (a, b) => (b ? divisor(b, a % b) : a);
