/** The shape of each layer's output, or why the layer does not fit: the twin of striate/description/shapes.py. */

import { Answered } from "./answered.js";
import { extent, formula, padded, samePadding, windowsOf } from "./axis.js";
import { unknownKind } from "./kinds.js";
import { rint } from "./planes.js";

/** @import { Axis, Conv, Shape, Step, Windowed } from "./types.js" */

/** @type {(shape: Shape) => string} */
const show = (shape) => shape.join("×");
/** @type {(shape: Shape) => string} */
const tuple = (shape) => `(${shape.join(", ")})`;

/**
 * Throw an answered error.
 * @param {string} what
 * @param {string} expected
 * @param {string} remedy
 * @param {string} where
 * @returns {never}
 */
export function refuse(what, expected, remedy = "", where = "") {
  throw new Answered({ where, what, expected, remedy });
}

/**
 * The steps with their shapes on another input. Throws an Answered for the first that does not fit.
 * @param {Step[]} steps
 * @param {Shape} input
 */
export function plan(steps, input) {
  /** @type {Step[]} */
  const made = [];
  for (const step of steps) {
    const inputs = step.sources.map((source) => (source < 0 ? input : made[source].output));
    const own = { ...step, inputs };
    if (step.axes) own.axes = [moved(step, step.axes[0], inputs[0][1]), moved(step, step.axes[1], inputs[0][2])];
    try {
      own.output = output(own);
    } catch (error) {
      if (error instanceof Answered) error.error.where = step.path;
      throw error;
    }
    made.push(own);
  }
  return made;
}

/** The windows along one axis of an input of that size. @type {(step: Step, axis: Axis, size: number) => Axis} */
function moved({ same }, axis, size) {
  const own = { ...axis, size };
  if (same) [own.before, own.after] = samePadding(own);
  return { ...own, output: windowsOf(own) };
}

/** @type {(step: Step) => Shape} */
function output(step) {
  const { inputs } = step;
  const [shape] = inputs;
  checkStand(step, shape);
  switch (step.kind) {
    case "conv":
      checkChannels(step, shape[0]);
      return [step.filters, ...windows(step, shape)];
    case "pool": {
      const moves = windows(step, shape);
      for (const [at, sides] of [["top", "bottom"], ["left", "right"]].entries()) readsInput(step.axes[at], sides);
      return [shape[0], ...moves];
    }
    case "subsample": return [shape[0], ...windows(step, shape)];
    case "flatten": return [shape.reduce((a, b) => a * b, 1)];
    case "global_average_pool": return [shape[0]];
    case "linear": return [step.filters];
    case "rbf":
      if (step.features !== shape[0]) {
        refuse(
          `an RBF with centres of ${step.features} values stands on ${shape[0]} features.`,
          "Each centre has one value for each feature.",
          `Put a Linear(${step.features}) before it, or give centres of ${shape[0]} values.`,
        );
      }
      return [step.filters];
    case "pad_channels":
      if (step.channels < shape[0]) refuse(`PadChannels(${step.channels}) on ${show(shape)} would drop maps.`, "It only adds.");
      return [step.channels, ...shape.slice(1)];
    case "upsample": return [shape[0], shape[1] * step.factor[0], shape[2] * step.factor[1]];
    case "shuffle":
      if (shape[0] % step.groups) refuse(`${step.groups} groups cannot share ${shape[0]} maps evenly.`, "The groups must divide the maps.");
      return shape;
    case "residual": return sum(shape, inputs[1]);
    case "gate": return product(shape, inputs[1]);
    case "branches": return concatenation(inputs);
    case "batch_norm":
    case "local_response_norm":
    case "activation":
    case "softmax":
    case "dropout":
    case "scale":
    case "position_bias": return shape;
    default: return unknownKind(step);
  }
}

/** Refuse a layer for maps on a vector; only a typed one, whose flattens are put in, can stand so. @type {(step: Step, shape: Shape) => void} */
function checkStand({ properties }, shape) {
  if (properties.reads === "maps" && shape.length !== 3) {
    refuse(
      `${properties.class} stands on a flat vector of ${show(shape)}.`,
      "It needs maps: (channels, height, width).",
      "Put it before the layer that flattens: a Flatten or a GlobalAveragePool.",
    );
  }
}

/** @type {(step: Conv, channels: number) => void} */
function checkChannels({ groups, table }, channels) {
  if (channels % groups) refuse(`${groups} groups cannot share ${channels} input maps evenly.`, "The groups must divide the maps.");
  const top = table ? Math.max(...table.map((maps) => maps[maps.length - 1])) : 0;
  if (top >= channels) refuse(`its table names input map ${top}.`, `The input has ${channels} maps, 0 to ${channels - 1}.`);
}

/** The height and the width of the output. @type {(step: Windowed, shape: Shape) => number[]} */
function windows({ kind, axes }, shape) {
  for (const [at, sides] of ["top and bottom", "left and right"].entries()) {
    const axis = axes[at];
    const short = extent(axis) - padded(axis);
    const padding = kind === "subsample" ? "" : `padding of ${Math.ceil(short / 2)} more at ${sides}, `;
    if (axis.output === 0) {
      refuse(
        `a window ${extent(axis)} long does not fit an input of ${show(shape)}: ${formula(axis)}.`,
        `The window must not be longer than the padded input, which is ${padded(axis)} long here.`,
        `What fits: kernel ${Math.floor((padded(axis) - 1) / axis.dilation) + 1} or less, ${padding}` +
          `or an input here of ${axis.size + short} or more.`,
      );
    }
  }
  return axes.map((axis) => axis.output);
}

/**
 * Refuse a pooling whose first or last window lies in padding: it has no maximum and no mean.
 * @type {(axis: Axis, sides: string[]) => void}
 */
function readsInput({ size, kernel, stride, before, after, output }, sides) {
  const alone = [kernel <= before, (output - 1) * stride >= before + size];
  for (const [at, padding] of [before, after].entries()) {
    if (alone[at]) {
      refuse(
        `a pooling window of ${kernel} lies wholly in the padding of ${padding} at the ${sides[at]}.`,
        "Each window must read at least one value of its input.",
        `What fits: padding of ${kernel - 1} or less at the ${sides[at]}, or kernel ${padding + 1} or more.`,
      );
    }
  }
}

/** @type {(body: Shape, shortcut: Shape) => Shape} */
function sum(body, shortcut) {
  if (body.join() === shortcut.join()) return body;
  const stride = rint(shortcut[1] / body[1]) || 1;
  return refuse(
    `adds ${tuple(body)} to ${tuple(shortcut)}.`,
    "A residual adds its body to its shortcut, so both must have one shape.",
    body.length === 3 ? `Give the block a shortcut such as Conv(${body[0]}, kernel=1, stride=${stride}), BatchNorm().` : "Put the Flatten after the residual.",
  );
}

/** @type {(values: Shape, gate: Shape) => Shape} */
function product(values, gate) {
  const fits = [values, values.slice(0, 1), [values[0], 1, 1]].some((shape) => shape.join() === gate.join());
  if (fits) return values;
  return refuse(
    `multiplies ${tuple(values)} by ${tuple(gate)}.`,
    "A gate gives one value for each map of its input, or maps of the input's own shape.",
    `End its layers with Linear(${values[0]}).`,
  );
}

/** @type {(shapes: Shape[]) => Shape} */
function concatenation(shapes) {
  const [first] = shapes;
  if (first.length !== 3 || shapes.some((shape) => shape.slice(1).join() !== first.slice(1).join())) {
    refuse(
      `concatenates ${shapes.map(tuple).join(", ")}.`,
      "Branches put their maps side by side, so all must have one height and width.",
      "Give the branches the same strides, and padding='same' where the kernels differ.",
    );
  }
  return [shapes.reduce((all, shape) => all + shape[0], 0), ...first.slice(1)];
}
