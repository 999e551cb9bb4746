/** Try it: the account and the fit of a network with other numbers. The twin of striate/web/sandbox.py. */

import { Answered } from "./answered.js";
import { extent, formula, remedies, unseen } from "./axis.js";
import { seen } from "./field.js";
import { unknownKind } from "./kinds.js";
import { plan, refuse } from "./plan.js";

/** @import { Axis, Change, Described, Misfit, Shape, Step, Trial, TrialAccount, TrialAnswer, TrialRow, Windowed } from "./types.js" */
/** What a unit sees along one axis: the first and the last pixel, and the distance to the next unit. @typedef {{ first: number, last: number, jump: number }} Span */

/** The Python classes of the layers whose numbers can be changed. @type {Partial<Record<Step["kind"], string>>} */
const CLASSES = { conv: "Conv", pool: "Pool", subsample: "Subsample", linear: "Linear" };
const LARGEST = 1024;
const MOST_FILTERS = 65_536;
/** How far from the given size another input size is looked for. */
const REACH = 64;

/**
 * The account and the fit of a network with changes, on its own input or another one.
 * @param {Pick<Described, "input" | "steps">} base
 * @param {Trial} trial
 * @returns {TrialAnswer}
 */
export function tried(base, { input = base.input, changes = {} }) {
  read(input, changes);
  try {
    const steps = changed(base.steps, changes);
    const now = plan(steps, input);
    return { problem: null, account: account(now, input), fit: fit(steps, now, input) };
  } catch (error) {
    if (!(error instanceof Answered)) throw error;
    return { problem: error.error, account: null, fit: null };
  }
}

/** @type {(value: number) => string} */
const written = (value) => value.toLocaleString("en");
/** @type {(value: number) => boolean} */
const whole = (value) => Number.isInteger(value) && Math.abs(value) < 1e21;

/** Throw an Answered for numbers that Python would not read. @type {(input: Shape, changes: Record<string, Change>) => void} */
function read(input, changes) {
  if (!input.every((size) => whole(size) && size >= 1 && size <= LARGEST)) {
    refuse(`input is [${input.join(", ")}].`, `It is [channels, height, width], each from 1 to ${written(LARGEST)}.`);
  }
  if (!Object.values(changes).every((fields) => Object.values(fields).every(whole))) {
    refuse("changes cannot be read.", "For a path: some of filters, kernel, stride, padding, whole numbers.");
  }
}

/** The steps with other numbers in some. Throws an Answered for numbers that no layer can have. @type {(steps: Step[], changes: Record<string, Change>) => Step[]} */
function changed(steps, changes) {
  return steps.map((step) => {
    const { filters = step.filters, ...rest } = changes[step.path] ?? {};
    check(step, changes[step.path] ?? {});
    const { kernel, stride, padding } = rest;
    const axes = step.axes?.map((axis) => ({
      ...axis,
      kernel: kernel ?? axis.kernel,
      stride: stride ?? axis.stride,
      before: padding ?? axis.before,
      after: padding ?? axis.after,
    }));
    return /** @type {Step} */ ({ ...step, filters, axes, same: step.same && padding === undefined });
  });
}

/** @type {(step: Step, fields: Change) => void} */
function check({ path, kind, groups, table }, fields) {
  for (const [field, value] of Object.entries(fields)) {
    const [most, word] = field === "filters" ? [MOST_FILTERS, kind === "linear" ? "units" : field] : [LARGEST, field];
    if (value > most) refuse(`${word} is ${written(value)}.`, `Here it may be ${written(most)} at most.`, "", path);
  }
  const { filters, kernel, stride, padding } = fields;
  /** @type {(word: string, value: number, expected?: string) => never} */
  const least = (word, value, expected = "It must be a whole number of at least 1.") => refuse(`${CLASSES[kind]} ${word} is ${value}.`, expected, "", path);
  if (filters !== undefined && filters < 1) least(kind === "linear" ? "units" : "filters", filters);
  if (filters !== undefined && groups && filters % groups) refuse(`Conv groups is ${groups} for ${filters} filters.`, "The groups must divide the filters.", "", path);
  if (table && filters !== undefined && filters !== table.length) {
    refuse(`Conv table has ${table.length} rows for ${filters} filters.`, "It must have one row for each filter.", "", path);
  }
  if (kernel !== undefined && kernel < 1) least("kernel", kernel);
  if (stride !== undefined && stride < 1) least("stride", stride);
  if (padding !== undefined && padding < 0) least("padding", padding, "It must be a whole number, (height, width), (top, bottom, left, right), or 'same'.");
}

/** @type {(steps: Step[], input: Shape) => TrialAccount} */
function account(steps, input) {
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
  /** @type {(filters: number, weights: number, places: number) => Pick<TrialRow, "weights" | "biases" | "connections" | "macs">} */
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

/** What a layer's units see along the height and the width: the twin of striate/accounting/receptive.py. @type {(step: Step, steps: Step[], fields: Span[][], input: Shape) => Span[]} */
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

/**
 * The layers whose windows leave something unread, and what would fit: the twin of striate/accounting/fitting.py.
 * @type {(steps: Step[], now: Step[], input: Shape) => { layers_with_windows: number, misfits: Misfit[] }}
 */
function fit(steps, now, input) {
  const around = sizesAround(steps, input);
  const windowed = now.filter(hasWindows);
  return { layers_with_windows: windowed.length, misfits: windowed.flatMap((step) => misfitsOf(step, around, input)) };
}

/** @param {Step} step @returns {step is Windowed} */
function hasWindows(step) {
  return step.axes !== undefined;
}

/** For each input size near the given one that the network takes, the paths of the layers that do not fit. @type {(steps: Step[], input: Shape) => Map<number, Set<string>>} */
function sizesAround(steps, [channels, height, width]) {
  const found = new Map();
  for (let size = Math.max(1, height - REACH); size <= height + REACH; size += 1) {
    try {
      const made = plan(steps, [channels, size, Math.max(1, width + size - height)]);
      found.set(size, new Set(made.filter(leaves).map(({ path }) => path)));
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
    }
  }
  return found;
}

/** Whether some pixels are read by no window. @type {(step: Step) => boolean} */
const leaves = ({ axes }) => Boolean(axes?.some((axis) => unseen(axis).some(Boolean)));

/** @type {(step: Windowed, around: Map<number, Set<string>>, input: Shape) => Misfit[]} */
function misfitsOf(step, around, input) {
  const lost = step.axes.map(unseen);
  const [[rows, padRows], [columns, padColumns]] = lost;
  const words = [lines(rows, columns, "input"), lines(padRows, padColumns, "padding")].filter(Boolean).join("; ");
  const good = [...around].filter(([, paths]) => !paths.has(step.path)).map(([size]) => size);
  const sizes = [good.filter((size) => size < input[1]).at(-1), good.find((size) => size > input[1])];
  const [high, wide] = step.axes;
  const alike = JSON.stringify(high) === JSON.stringify(wide);
  /** @type {[string, Axis][]} */
  const axes = alike ? [["height and width", high]] : [["height", high], ["width", wide]];
  return axes.filter(([, axis]) => unseen(axis).some(Boolean)).map(([name, axis]) => ({
    path: step.path,
    axis: name,
    formula: formula(axis),
    output: axis.output,
    unseen: `unseen: ${words}`,
    padding_only: unseen(axis)[0] === 0,
    fits: remedies(axis),
    network_inputs: sizes.flatMap((size) => (size === undefined ? [] : [size])),
  }));
}

/** @type {(rows: number, columns: number, where: string) => string} */
function lines(rows, columns, where) {
  const parts = [plural(rows, "row"), plural(columns, "column")].filter(Boolean);
  return parts.length ? `${parts.join(" and ")} of the ${where}` : "";
}

/** @type {(count: number, word: string) => string} */
const plural = (count, word) => (count ? `${count} ${word}${count === 1 ? "" : "s"}` : "");
