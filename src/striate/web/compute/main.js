/** The worker of the page that stands alone: it answers as a server does, with what the file holds. */

import { Answered } from "./answered.js";
import { attribution } from "./attribution.js";
import { seen, unclipped } from "./field.js";
import { read } from "./image.js";
import { INPUT, Model } from "./model.js";
import { tried } from "./trial.js";
import { explain } from "./unit.js";

/** A vector of so many values at most comes as numbers, too. */
const EXACT = 64;

/** The models by their run's name, and the networks that can be tried by theirs. */
let models = null;
let networks = null;
/** Of each model the last image: its bytes, how it was read, its input and steps, and every step's output. */
const recent = new Map();

const modelOf = ({ run = "" }) => models.get(run);

async function watch(bytes, query) {
  const model = modelOf(query);
  const prepared = query.steps !== "off";
  const last = recent.get(model);
  if (last && last.prepared === prepared && same(last.bytes, bytes)) return last;
  const { input, steps } = await read(bytes, model.numbers.preprocessing, prepared);
  recent.set(model, { bytes, prepared, input, steps, outputs: model.run(input) });
  return recent.get(model);
}

const same = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);

const answers = {
  async predict(bytes, query) {
    return modelOf(query).prediction((await watch(bytes, query)).outputs);
  },

  async activations(bytes, query) {
    const model = modelOf(query);
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
    const model = modelOf(query);
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
    const model = modelOf(query);
    const { input } = await watch(bytes, query);
    const method = query.method ?? "occlusion";
    return { class: query.class, method, values: await attribution(model, input, model.numbers.classes.indexOf(query.class), method) };
  },

  account: async (bytes, trial) => tried(networks.get(trial.network), trial),

  /** Every step's output, as it is. */
  async values(bytes, query) {
    const model = modelOf(query);
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
  const exact = shape.length === 1 && kept <= EXACT ? [...some] : undefined;
  return { path, shape: [kept, ...shape.slice(1)], scale, codes, values: exact };
}

function weightsOf(text) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

onmessage = async ({ data: { id, ask, bytes, query, numbers, weights } }) => {
  if (numbers) {
    const all = weightsOf(weights);
    models = new Map(numbers.runs.map((each) => [each.run, new Model(each, all.subarray(each.at))]));
    networks = new Map([...numbers.examples, ...[...numbers.runs].reverse()].map((each) => [each.name, each]));
    return;
  }
  try {
    postMessage({ id, found: await answers[ask](bytes, query) });
  } catch (error) {
    postMessage(error instanceof Answered ? { id, error: error.error } : { id, broken: `${error.message}\n${error.stack}` });
  }
};
