/** Try it: a network with other numbers, and what the account says of it, as striate.web.sandbox answers. */

import { Answered } from "./answered.js";
import { extent, formula, remedies, unseen } from "./axis.js";
import { seen } from "./field.js";
import { plan, refuse } from "./plan.js";

const CLASSES = { conv: "Conv", pool: "Pool", subsample: "Subsample", linear: "Linear" };
const LARGEST = 1024;
const MOST_FILTERS = 65_536;
/** How far from the given size another input size is looked for. */
const REACH = 64;

/**
 * {problem, account, fit} of a network with changes, on its own input or another one.
 * @param base its input and steps
 * @param trial `input`, and `changes`: for the path of a layer, other filters, kernel, stride, padding
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

const written = (value) => value.toLocaleString("en");
const whole = (value) => Number.isInteger(value) && Math.abs(value) < 1e21;

function read(input, changes) {
  if (!input.every((size) => whole(size) && size >= 1 && size <= LARGEST)) {
    refuse(`input is [${input.join(", ")}].`, `It is [channels, height, width], each from 1 to ${written(LARGEST)}.`);
  }
  if (!Object.values(changes).every((fields) => Object.values(fields).every(whole))) {
    refuse("changes cannot be read.", "For a path: some of filters, kernel, stride, padding, whole numbers.");
  }
}

/** The steps with other numbers in some of them; throws what is said of numbers that no layer can have. */
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
    return { ...step, filters, axes, same: step.same && padding === undefined };
  });
}

function check({ path, kind, groups, table }, fields) {
  for (const [field, value] of Object.entries(fields)) {
    const [most, word] = field === "filters" ? [MOST_FILTERS, kind === "linear" ? "units" : field] : [LARGEST, field];
    if (value > most) refuse(`${word} is ${written(value)}.`, `Here it may be ${written(most)} at most.`, "", path);
  }
  const { filters } = fields;
  const least = (word, value, expected = "It must be a whole number of at least 1.") => refuse(`${CLASSES[kind]} ${word} is ${value}.`, expected, "", path);
  if (filters < 1) least(kind === "linear" ? "units" : "filters", filters);
  if (filters % groups) refuse(`Conv groups is ${groups} for ${filters} filters.`, "The groups must divide the filters.", "", path);
  if (table && filters !== undefined && filters !== table.length) {
    refuse(`Conv table has ${table.length} rows for ${filters} filters.`, "It must have one row for each filter.", "", path);
  }
  for (const field of ["kernel", "stride"]) if (fields[field] < 1) least(field, fields[field]);
  if (fields.padding < 0) least("padding", fields.padding, "It must be a whole number, (height, width), (top, bottom, left, right), or 'same'.");
}

function account(steps, input) {
  const fields = [];
  const rows = steps.map((step) => {
    const field = fieldOf(step, steps, fields, input);
    fields.push(field);
    return row(step, field);
  });
  const used = rows.filter((each) => !each.head);
  const total = (of) => used.reduce((sum, each) => sum + of(each), 0);
  const totals = { parameters: total((each) => each.weights + each.biases), macs: total((each) => each.macs), connections: total((each) => each.connections) };
  return { input, rows, totals };
}

function row(step, field) {
  const { path, kind, head, inputs, output, axes } = step;
  const [high, wide] = axes ?? [];
  const lost = axes ? axes.map(unseen) : [[0, 0], [0, 0]];
  return {
    path,
    kind,
    head,
    filters: step.filters ?? null,
    kernel: axes ? [high.kernel, wide.kernel] : null,
    stride: axes ? [high.stride, wide.stride] : null,
    padding: axes ? [high.before, high.after, wide.before, wide.after] : null,
    input: inputs[0],
    output,
    ...counts(step, output.reduce((a, b) => a * b, 1)),
    receptive_field: { size: field.map(({ first, last }) => Math.ceil(last) - Math.floor(first) + 1) },
    unseen: { rows: lost[0][0], columns: lost[1][0], padding_rows: lost[0][1], padding_columns: lost[1][1] },
  };
}

/** What a layer costs for one image, as striate.accounting.counts counts it. */
function counts({ kind, filters, bias, table, groups, axes, inputs, output }, values) {
  const [maps] = inputs[0];
  const taps = axes ? axes[0].kernel * axes[1].kernel : 0;
  const weighted = (weights, places) => {
    const biases = bias ? filters : 0;
    return { weights, biases, connections: places * (weights + biases), macs: places * weights };
  };
  switch (kind) {
    case "conv": {
      const links = table ? table.reduce((sum, each) => sum + each.length, 0) : (filters * maps) / groups;
      return weighted(links * taps, output[1] * output[2]);
    }
    case "linear": return weighted(maps * filters, 1);
    case "subsample": return { weights: maps, biases: maps, connections: values * (taps + 1), macs: values };
    case "rbf": return { weights: 0, biases: 0, connections: filters * maps, macs: filters * maps };
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
    default: throw new Error(`unknown kind of layer: ${kind}`);
  }
}

/** What a layer's units see along the height and the width, as striate.accounting.receptive has it. */
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

/** Each layer whose windows leave something unseen, and what would fit, as striate.accounting.fitting finds it. */
function fit(steps, now, input) {
  const around = sizesAround(steps, input);
  const misfits = now.filter(({ axes }) => axes).flatMap((step) => misfitsOf(step, around, input));
  return { layers_with_windows: now.filter(({ axes }) => axes).length, misfits };
}

/** For each input size near the given one that the network takes, the paths of the layers that do not fit. */
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

const leaves = ({ axes }) => Boolean(axes?.some((axis) => unseen(axis).some(Boolean)));

function misfitsOf(step, around, input) {
  const lost = step.axes.map(unseen);
  const [[rows, padRows], [columns, padColumns]] = lost;
  const words = [lines(rows, columns, "input"), lines(padRows, padColumns, "padding")].filter(Boolean).join("; ");
  const good = [...around].filter(([, paths]) => !paths.has(step.path)).map(([size]) => size);
  const sizes = [good.filter((size) => size < input[1]).at(-1), good.find((size) => size > input[1])];
  const [high, wide] = step.axes;
  const alike = Object.keys(high).every((name) => high[name] === wide[name]);
  const axes = alike ? [["height and width", high]] : [["height", high], ["width", wide]];
  return axes.filter(([, axis]) => unseen(axis).some(Boolean)).map(([name, axis]) => ({
    path: step.path,
    axis: name,
    formula: formula(axis),
    output: axis.output,
    unseen: `unseen: ${words}`,
    padding_only: unseen(axis)[0] === 0,
    fits: remedies(axis),
    network_inputs: sizes.filter((size) => size !== undefined),
  }));
}

function lines(rows, columns, where) {
  const parts = [plural(rows, "row"), plural(columns, "column")].filter(Boolean);
  return parts.length ? `${parts.join(" and ")} of the ${where}` : "";
}

const plural = (count, word) => (count ? `${count} ${word}${count === 1 ? "" : "s"}` : "");
