/** The server's answers. `local.js` gives the same ones without a server. */

import { Answered } from "../compute/answered.js";

const LOST = {
  where: "",
  what: "the server does not answer.",
  expected: "It runs in the terminal where `striate serve` was called.",
  remedy: "Start it again and go on drawing.",
};

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

function address(path, query) {
  const known = Object.entries(query).filter(([, value]) => value !== undefined);
  return known.length ? `${path}?${new URLSearchParams(known)}` : path;
}

const image = (body) => ({ method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });

/** The runs that are served: {name, classes, reads} of each. */
export const runs = async () => (await (await ask("/runs")).json()).runs;

export const network = async (query) => (await ask(address("/network", query))).json();

export const predict = async (body, query) => (await ask(address("/predict", query), image(body))).json();

/** Every layer's output for an image, as `unpack` gives it. */
export async function activations(body, query) {
  const options = image(body);
  options.headers.Accept = "application/octet-stream";
  return unpack(await (await ask(address("/activations", query), options)).arrayBuffer());
}

/** The lines of digits on an image, each character with its box. */
export const read = async (body, query) => (await ask(address("/read", query), image(body))).json();

export const unit = async (body, query) => (await ask(address("/unit", query), image(body))).json();

export const attribution = async (body, query) => (await ask(address("/attribution", query), image(body))).json();

export async function account(trial) {
  const options = { method: "POST", body: JSON.stringify(trial), headers: { "Content-Type": "application/json" } };
  return (await ask("/account", options)).json();
}

/** The head of an answer in bytes; its layers (by path) and steps get `codes`, one byte a value. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const bytes = (at, count) => new Uint8Array(buffer, 4 + length + at, count);
  const layers = new Map();
  for (const layer of head.layers) {
    layers.set(layer.path, { ...layer, codes: bytes(layer.at, layer.shape.reduce((a, b) => a * b, 1)) });
  }
  const steps = head.steps.map((step) => ({ ...step, codes: bytes(step.at, step.channels * step.height * step.width) }));
  return { ...head, layers, steps };
}
