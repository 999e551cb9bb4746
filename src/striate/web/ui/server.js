/** The server's answers. `local.js` gives the same without a server. */

import { Answered } from "../compute/answered.js";

/** @import { Picture, Prediction, Trial, TrialAnswer } from "../compute/types.js" */
/** @import { Answer, Body, Example, LineAnswer, Network, Output, PositionAnswer, Query, Run, Unit, UnitAnswer } from "./types.js" */

const LOST = {
  where: "",
  what: "the server does not answer.",
  expected: "It runs in the terminal where `striate serve` was called.",
  remedy: "Start it again and go on drawing.",
};

/** @type {(address: string, options?: RequestInit) => Promise<Response>} */
async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Answered(LOST);
  }
  if (!response.ok) {
    throw new Answered((await response.json().catch(() => ({ error: LOST }))).error);
  }
  return response;
}

/** What a body holds; the server may stop while it sends one. @type {<T>(body: Promise<T>) => Promise<T>} */
async function whole(body) {
  try {
    return await body;
  } catch {
    throw new Answered(LOST);
  }
}

/** @type {(address: string, options?: RequestInit) => Promise<any>} */
const asked = async (address, options) => whole((await ask(address, options)).json());

/** @type {(path: string, query: object) => string} */
function address(path, query) {
  const known = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return known.length ? `${path}?${new URLSearchParams(known)}` : path;
}

/** A request with an image. @type {(body: Body, headers?: Record<string, string>) => RequestInit} */
const image = (body, headers = {}) => ({ method: "POST", body, headers: { "Content-Type": "application/octet-stream", ...headers } });

/** The runs that are served. @type {() => Promise<Run[]>} */
export const runs = async () => (await asked("/runs")).runs;

/** @type {(query: { run?: string }) => Promise<Network>} */
export const network = async (query) => asked(address("/network", query));

/** Pictures to try. @type {(query: { run?: string }) => Promise<Example[]>} */
export const examples = async (query) => (await asked(address("/examples", query))).examples;

/** @type {(body: Body, query: Query) => Promise<Prediction>} */
export const predict = async (body, query) => asked(address("/predict", query), image(body));

/**
 * The layers' outputs for an image: all, or those of some paths.
 * @type {(body: Body, query: Query & { paths?: string, maps: number }) => Promise<Answer>}
 */
export async function activations(body, query) {
  const options = image(body, { Accept: "application/octet-stream" });
  return unpack(await whole((await ask(address("/activations", query), options)).arrayBuffer()));
}

/**
 * The lines of digits on an image.
 * @type {(body: Body, query: { run?: string }) => Promise<{ lines: LineAnswer[] }>}
 */
export const read = async (body, query) => asked(address("/read", query), image(body));

/**
 * The position at the end of a game of Go.
 * @type {(body: Body, query: { run?: string }) => Promise<PositionAnswer>}
 */
export const position = async (body, query) => asked(address("/position", query), image(body));

/** @type {(body: Body, query: Query & Unit) => Promise<UnitAnswer>} */
export const unit = async (body, query) => asked(address("/unit", query), image(body));

/** @type {(body: Body, query: Query & { class: string, method: string }) => Promise<{ values: number[][] }>} */
export const attribution = async (body, query) => asked(address("/attribution", query), image(body));

/** @type {(trial: Trial & { network: string }, query: { run?: string }) => Promise<TrialAnswer>} */
export async function account(trial, query) {
  const options = { method: "POST", body: JSON.stringify(trial), headers: { "Content-Type": "application/json" } };
  return asked(address("/account", query), options);
}

/**
 * An answer in bytes: a head in JSON, then a byte for each value of its layers and steps.
 * @type {(buffer: ArrayBuffer) => Answer}
 */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  /**
   * @type {Prediction & { milliseconds: number, layers: (Output & { at: number })[], steps: (Picture & { at: number })[] }}
   */
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  /** @type {(at: number, count: number) => Uint8Array} */
  const bytes = (at, count) => new Uint8Array(buffer, 4 + length + at, count);
  const [input, ...outputs] = head.layers.map((layer) => ({
    ...layer, codes: bytes(layer.at, layer.shape.reduce((a, b) => a * b, 1)),
  }));
  const layers = new Map(outputs.map((layer) => [layer.path, layer]));
  const steps = head.steps.map((step) => ({ ...step, codes: bytes(step.at, step.channels * step.height * step.width) }));
  return { ...head, input, layers, steps };
}
