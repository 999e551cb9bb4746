/** The worker of the page that stands alone: it answers as a server does, with what the file holds. */

import { Answered } from "../answered.js";
import { occlusion } from "./attribution.js";
import { seen, unclipped } from "./field.js";
import { read } from "./image.js";
import { INPUT, Model } from "./model.js";
import { explain } from "./unit.js";

let model = null;
/** The last image: its bytes, how it was read, its input and steps, and every step's output. */
let last = null;

async function watch(bytes, query) {
  const prepared = query.steps !== "off";
  if (last && last.prepared === prepared && same(last.bytes, bytes)) return last;
  const { input, steps } = await read(bytes, model.numbers.preprocessing, prepared);
  last = { bytes, prepared, input, steps, outputs: model.run(input) };
  return last;
}

const same = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);

const answers = {
  async activations(bytes, query) {
    const began = performance.now();
    const { outputs, steps } = await watch(bytes, query);
    const wanted = query.paths?.split(",");
    const layers = new Map([["input", layer("input", model.numbers.preprocessing.shape, outputs.get(INPUT), query.maps)]]);
    model.steps.forEach(({ path, output }, number) => {
      if (outputs.has(number) && (!wanted || wanted.includes(path))) layers.set(path, layer(path, output, outputs.get(number), query.maps));
    });
    return { ...model.prediction(outputs), layers, steps, milliseconds: performance.now() - began };
  },

  async unit(bytes, query) {
    const { outputs } = await watch(bytes, query);
    const number = model.steps.findIndex(({ path }) => path === query.path);
    const place = { map: query.map, row: query.row, column: query.column };
    return {
      path: query.path,
      ...place,
      ...explain(model, outputs, number, place),
      field: seen(model.steps, number, place),
      unclipped: unclipped(model.steps, number, place),
    };
  },

  async attribution(bytes, query) {
    const { input } = await watch(bytes, query);
    const values = await occlusion(model, input, model.numbers.classes.indexOf(query.class), model.numbers.macs);
    return { class: query.class, method: "occlusion", values };
  },

  /** Every step's output, as it is. */
  async values(bytes, query) {
    const { outputs } = await watch(bytes, query);
    return Object.fromEntries([...outputs].map(([number, values]) => [number === INPUT ? "input" : model.steps[number].path, values]));
  },
};

/** An output's first maps as bytes: of a value v, 128 + 127 · v / scale to the nearest whole number. */
function layer(path, shape, values, maps = 64) {
  const size = shape.length === 3 ? shape[1] * shape[2] : 1;
  const kept = size > 1 ? Math.min(maps, shape[0]) : shape[0];
  const some = values.subarray(0, kept * size);
  let scale = 0;
  for (const value of some) scale = Math.max(scale, Math.abs(value));
  if (!Number.isFinite(scale)) scale = 0;
  const factor = scale ? 127 / scale : 0;
  const codes = new Uint8Array(some.length);
  for (let at = 0; at < codes.length; at += 1) codes[at] = factor ? Math.round(some[at] * factor + 128) : 128;
  return { path, shape: [kept, ...shape.slice(1)], scale, codes };
}

function weightsOf(text) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

onmessage = async ({ data: { id, ask, bytes, query, numbers, weights } }) => {
  if (numbers) {
    model = new Model(numbers, weightsOf(weights));
    return;
  }
  try {
    postMessage({ id, found: await answers[ask](bytes, query) });
  } catch (error) {
    postMessage(error instanceof Answered ? { id, error: error.error } : { id, broken: `${error.message}\n${error.stack}` });
  }
};
