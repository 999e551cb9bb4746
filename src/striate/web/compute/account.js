/** What every layer costs: parameters, connections and MACs per image, and its receptive field. */

import { extent, unseen } from "./axis.js";
import { seen } from "./field.js";
import { unknownKind } from "./kinds.js";

/** @import { Shape, Step, TrialAccount, TrialRow } from "./types.js" */
/**
 * The pixels that a unit sees along one axis: the first, the last, and the distance to the next unit.
 * @typedef {{ first: number, last: number, jump: number }} Span
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
    receptive_field: { size: field.map(({ first, last }) => Math.ceil(last) - Math.floor(first) + 1) },
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
    return step.axes.map((axis, at) => {
      const { first, last, jump } = source[at];
      const start = first - axis.before * jump;
      return { first: start, last: start + last - first + (extent(axis) - 1) * jump, jump: jump * axis.stride };
    });
  }
  if (step.kind === "upsample") return source.map((span, at) => ({ ...span, jump: span.jump / step.factor[at] }));
  if (step.properties.flattens && step.inputs[0].length === 3) {
    const [from] = step.sources;
    const whole = { rows: [0, input[1] - 1], columns: [0, input[2] - 1] };
    const { rows, columns } = (from < 0 ? whole : seen(steps, from)) ?? { rows: [0, -1], columns: [0, -1] };
    return [rows, columns].map(([first, last]) => ({ first, last, jump: 0 }));
  }
  return source.map((span, at) => others.reduce((one, other) => ({
    first: Math.min(one.first, other[at].first),
    last: Math.max(one.last, other[at].last),
    jump: Math.max(one.jump, other[at].jump),
  }), span));
}
