/** The answers of `server.js` without a server: a worker computes them from the weights in the file. */

import { Answered } from "../compute/answered.js";

const text = (id) => document.getElementById(id).textContent;
const numbers = JSON.parse(text("striate-numbers"));
const worker = new Worker(URL.createObjectURL(new Blob([text("striate-worker")], { type: "text/javascript" })));
worker.postMessage({ numbers, weights: text("striate-weights") });

const waiting = new Map();
let asked = 0;

worker.onmessage = ({ data: { id, found, error, broken } }) => {
  const { then, fail } = waiting.get(id);
  waiting.delete(id);
  if (error) fail(new Answered(error));
  else if (broken) fail(new Error(broken));
  else then(found);
};

async function ask(name, body, query) {
  const bytes = body instanceof Blob ? new Uint8Array(await body.arrayBuffer()) : body;
  asked += 1;
  const id = asked;
  return new Promise((then, fail) => {
    waiting.set(id, { then, fail });
    worker.postMessage({ id, ask: name, bytes, query });
  });
}

export const runs = async () => numbers.runs.map(({ run, classes }) => ({ name: run, classes }));

export const network = async ({ run = "" }) => JSON.parse(text("striate-network")).find((each) => each.run === run);

export const predict = (body, query) => ask("predict", body, query);

export const activations = (body, query) => ask("activations", body, query);

export const unit = (body, query) => ask("unit", body, query);

export const attribution = (body, query) => ask("attribution", body, query);

export const account = (trial) => ask("account", null, trial);
