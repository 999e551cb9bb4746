/** The worker of the page as one file: it answers as the server does, from the networks and weights in the file. */

import { Answered } from "./answered.js";
import { attribution } from "./attribution.js";
import { seen, unclipped } from "./field.js";
import { read } from "./image.js";
import { INPUT, Model, valuesOf } from "./model.js";
import { tried } from "./trial.js";
import { typed } from "./typed.js";
import { explain } from "./unit.js";

/** @import { Described, Notation, Numbers, Outputs, Picture, Place, Shape, Trial, Values } from "./types.js" */
/**
 * A question's parameters, as the server has them in its address.
 * @typedef {{ run?: string, steps?: "on" | "off" }} Query
 */
/** An image file. @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{ bytes: Bytes, prepared: boolean, input: Values, steps: Picture[], outputs: Outputs }} Watched */

/** The most values of a vector that are sent as numbers, too. */
const EXACT = 64;

/** The models by the name of their run. @type {Map<string, Model>} */
let models = new Map();
/** The networks that can be tried, by name. @type {Map<string, Described>} */
let networks = new Map();
/** @type {Notation} */
let notation;
/** The last image of each model, with every step's output. @type {Map<Model, Watched>} */
const recent = new Map();

/** The entry of a name that the page has from the file. @type {<T>(all: Map<string, T>, name: string) => T} */
function named(all, name) {
  const found = all.get(name);
  if (!found) throw new Error(`the file has no ${JSON.stringify(name)}`);
  return found;
}

/** @param {Query} query */
const modelOf = ({ run = "" }) => named(models, run);

/** @type {(bytes: Bytes, query: Query) => Promise<Watched>} */
async function watch(bytes, query) {
  const model = modelOf(query);
  const prepared = query.steps !== "off";
  const last = recent.get(model);
  if (last && last.prepared === prepared && same(last.bytes, bytes)) return last;
  const { input, steps } = await read(bytes, model.numbers.preprocessing, prepared);
  const watched = { bytes, prepared, input, steps, outputs: model.run(input) };
  recent.set(model, watched);
  return watched;
}

/** @type {(one: Bytes, other: Bytes) => boolean} */
const same = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);

/** The answers, by the name of the server's path. */
const answers = {
  /** @type {(bytes: Bytes, query: Query) => Promise<object>} */
  async predict(bytes, query) {
    return modelOf(query).prediction((await watch(bytes, query)).outputs);
  },

  /** @type {(bytes: Bytes, query: Query & { paths?: string, maps?: number }) => Promise<object>} */
  async activations(bytes, query) {
    const model = modelOf(query);
    const began = performance.now();
    const { outputs, steps } = await watch(bytes, query);
    const wanted = query.paths?.split(",");
    const input = layer("input", model.numbers.preprocessing.shape, valuesOf(outputs, INPUT), query.maps);
    const layers = new Map();
    model.steps.forEach(({ path, output }, number) => {
      if (outputs.has(number) && (!wanted || wanted.includes(path))) layers.set(path, layer(path, output, valuesOf(outputs, number), query.maps));
    });
    return { ...model.prediction(outputs), input, layers, steps, milliseconds: performance.now() - began };
  },

  /** @type {(bytes: Bytes, query: Query & Place & { path: string }) => Promise<object>} */
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

  /** @type {(bytes: Bytes, query: Query & { class: string, method?: string }) => Promise<object>} */
  async attribution(bytes, query) {
    const model = modelOf(query);
    const { input } = await watch(bytes, query);
    const method = query.method ?? "occlusion";
    return { class: query.class, method, values: await attribution(model, input, model.numbers.classes.indexOf(query.class), method) };
  },

  /** The account of a network of the file, or of a typed one. @type {(bytes: Bytes, trial: Trial & { network: string }) => Promise<object>} */
  account: async (bytes, trial) => tried(networks.get(trial.network) ?? typed(trial.network, notation), trial),

  /** Every step's output, for tests. @type {(bytes: Bytes, query: Query) => Promise<object>} */
  async values(bytes, query) {
    const model = modelOf(query);
    const { outputs } = await watch(bytes, query);
    return Object.fromEntries([...outputs].map(([number, values]) => [number === INPUT ? "input" : model.steps[number].path, values]));
  },
};

/**
 * The first maps of an output as bytes: 128 + 127 · value / scale, rounded.
 * @type {(path: string, shape: Shape, values: Values, maps?: number) => object}
 */
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

/** @param {string} text in base64 */
function weightsOf(text) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** @typedef {Numbers & { run: string, at: number }} Run a run of the file; its weights begin at `at` */
/** @typedef {{ runs: Run[], examples: Described[], notation: Notation }} Contents */

/**
 * The first message has the contents of the file, each other one a question.
 * @param {MessageEvent<{ id: number, ask: keyof typeof answers, bytes: Bytes, query: any, numbers?: Contents, weights: string }>} event
 */
onmessage = async ({ data: { id, ask, bytes, query, numbers, weights } }) => {
  if (numbers) {
    const all = weightsOf(weights);
    models = new Map(numbers.runs.map((each) => [each.run, new Model(each, all.subarray(each.at))]));
    notation = numbers.notation;
    networks = new Map([...numbers.examples, ...numbers.runs.toReversed()].map((each) => [each.name, each]));
    return;
  }
  try {
    postMessage({ id, found: await answers[ask](bytes, query) });
  } catch (error) {
    postMessage(error instanceof Answered ? { id, error: error.error } : { id, broken: String(error instanceof Error ? error.stack : error) });
  }
};
