/** Networks without weights from a few words: what a lecture and its exercises count. */

import { plan } from "./plan.js";

/** @import { Axis, Shape, Sketch, Step } from "./types.js" */

/** The paths count layers of a kind; subsampling and pooling count together. @type {Record<Sketch["kind"], string>} */
const NAMES = { conv: "conv", pool: "pool", subsample: "subsample", flatten: "flatten", linear: "linear", rbf: "rbf" };

/**
 * The steps of layers that follow each other. Throws an Answered where they do not fit.
 * @type {(layers: Sketch[], input: Shape) => Step[]}
 */
export function sketched(layers, input) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const steps = layers.map((layer, at) => {
    const name = NAMES[layer.kind];
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const path = layer.path ?? `${name}${counts.get(name)}`;
    const common = { path, head: "", sources: [at - 1], inputs: [], output: [], properties: { flattens: layer.kind === "flatten" } };
    return /** @type {Step} */ (/** @type {unknown} */ ({ ...common, ...own(layer) }));
  });
  return plan(steps, input);
}

/** The numbers of a layer. @type {(layer: Sketch) => object} */
function own(layer) {
  switch (layer.kind) {
    case "conv": {
      const { filters, kernel, stride = 1, padding = 0, groups = 1, bias = true, table = null } = layer;
      return { kind: "conv", filters, groups, bias, table, axes: axes(kernel, stride, padding) };
    }
    case "pool": return { kind: "pool", function: layer.function, count_padding: true, axes: axes(layer.kernel, layer.stride, 0) };
    case "subsample": return { kind: "subsample", axes: axes(layer.kernel, layer.kernel, 0) };
    case "flatten": return { kind: "flatten" };
    case "linear": return { kind: "linear", filters: layer.filters, bias: true };
    case "rbf": return { kind: "rbf", filters: layer.filters, features: layer.features };
    default: throw new Error(`unknown kind of layer: ${/** @type {{ kind: string }} */ (layer).kind}`);
  }
}

/** The same window along the height and the width; `plan` sets the sizes. @type {(kernel: number, stride: number, padding: number) => Axis[]} */
const axes = (kernel, stride, padding) => [0, 1].map(() => (
  { size: 0, kernel, stride, before: padding, after: padding, dilation: 1, ceil: false, output: 0 }));
