/** The way to the answer of an exercise, formulas with its numbers put in: the twin of striate/exercises/steps.py. */

/** @import { Step, Topic, WayStep } from "./types.js" */

/** The steps; the last one gives the answer, of a size the last two. @type {(topic: Topic, steps: Step[]) => WayStep[]} */
export function way(topic, steps) {
  if (topic === "size") return steps.flatMap(sizes);
  return topic === "field" ? fields(steps) : counts(topic, steps);
}

/** A count with commas, as in Python. @param {number} value */
const written = (value) => value.toLocaleString("en");

/** @type {(step: Step) => WayStep[]} */
function sizes(step) {
  if (step.kind !== "conv" && step.kind !== "pool") return [];
  const { path, axes } = step;
  const [height, width] = axes;
  const square = height.size === width.size;
  return (square ? [height] : axes).map((axis, at) => {
    const padding = axis.before ? ` + 2·${axis.before}` : "";
    const expression = `⌊(${axis.size}${padding} − ${axis.kernel})/${axis.stride}⌋ + 1`;
    return { path, what: square ? "size" : at ? "width" : "height", expression, value: axis.output };
  });
}

/** @type {(steps: Step[]) => WayStep[]} */
function fields(steps) {
  let [field, jump] = [1, 1];
  return steps.flatMap(({ path, axes }) => {
    if (!axes) return [];
    const [{ kernel, stride }] = axes;
    const expression = `${field} + (${kernel} − 1)·${jump}`;
    field += (kernel - 1) * jump;
    jump *= stride;
    return [{ path, what: "field", expression, value: field }];
  });
}

/** @type {(topic: "parameters" | "macs", steps: Step[]) => WayStep[]} */
function counts(topic, steps) {
  const last = steps.findLastIndex(({ kind }) => kind === "conv" || kind === "linear");
  /** @type {number[]} */
  const parts = [];
  /** @type {WayStep[]} */
  const found = [];
  steps.forEach((step, at) => {
    const { path, inputs: [shape] } = step;
    if (step.kind === "flatten") found.push({ path, what: "values", expression: shape.join("·"), value: step.output[0] });
    else if (topic === "macs" || at < last) found.push(...sizes(step));
    if (step.kind !== "conv" && step.kind !== "linear") return;
    const [expression, value] = topic === "parameters" ? parameters(step, shape[0]) : macs(step, shape[0]);
    parts.push(value);
    found.push({ path, what: topic === "parameters" ? "parameters" : "MACs", expression, value });
  });
  if (parts.length > 1) found.push({ path: "", what: "sum", expression: parts.map(written).join(" + "), value: parts.reduce((a, b) => a + b, 0) });
  return found;
}

/** @typedef {Extract<Step, { kind: "conv" | "linear" }>} Weighted */

/** @type {(step: Weighted, maps: number) => [string, number]} */
function parameters(step, maps) {
  if (step.kind === "linear") return [`${step.filters}·(${written(maps)} + 1)`, step.filters * (maps + 1)];
  const [weights, each] = weightsOf(step, maps);
  return step.bias ? [`${step.filters}·(${weights} + 1)`, step.filters * (each + 1)] : [`${step.filters}·${weights}`, step.filters * each];
}

/** @type {(step: Weighted, maps: number) => [string, number]} */
function macs(step, maps) {
  if (step.kind === "linear") return [`${step.filters}·${written(maps)}`, step.filters * maps];
  const [weights, each] = weightsOf(step, maps);
  const [, height, width] = step.output;
  return [`${height}·${width}·${step.filters}·${weights}`, height * width * step.filters * each];
}

/** The weights of one filter, as an expression and as a number. @type {(step: Extract<Step, { kind: "conv" }>, maps: number) => [string, number]} */
function weightsOf({ axes, groups }, maps) {
  const [height, width] = axes;
  const shared = groups > 1 ? `(${maps}/${groups})` : `${maps}`;
  return [`${height.kernel}·${width.kernel}·${shared}`, (height.kernel * width.kernel * maps) / groups];
}
