/**
 * The answers of `server.js` without a server: a worker computes them from the weights in the file. None reads lines of
 * digits.
 */

import { Answered } from "../compute/answered.js";

/** @import { ErrorLines } from "../compute/types.js" */
/** @import { Body } from "./types.js" */
/** @typedef {typeof import("./server.js")} Server */
/** @typedef {{ then: (found: any) => void, fail: (error: Error) => void }} Waiting */

/** The text of a script of the file. @param {string} id */
const text = (id) => document.getElementById(id)?.textContent ?? "";

/** @type {{ runs: { run: string, classes: string[] }[] }} */
const numbers = JSON.parse(text("striate-numbers"));
const worker = new Worker(URL.createObjectURL(new Blob([text("striate-worker")], { type: "text/javascript" })));
worker.postMessage({ numbers, weights: text("striate-weights") });

/** The questions that have no answer yet, by number. @type {Map<number, Waiting>} */
const waiting = new Map();
let asked = 0;

/** @param {MessageEvent<{ id: number, found?: any, error?: ErrorLines, broken?: string }>} event */
worker.onmessage = ({ data: { id, found, error, broken } }) => {
  const question = waiting.get(id);
  waiting.delete(id);
  if (error) question?.fail(new Answered(error));
  else if (broken) question?.fail(new Error(broken));
  else question?.then(found);
};

/** @type {(name: string, body: Body | null, query: object) => Promise<any>} */
async function ask(name, body, query) {
  const bytes = body instanceof Blob ? new Uint8Array(await body.arrayBuffer()) : body;
  asked += 1;
  const id = asked;
  return new Promise((then, fail) => {
    waiting.set(id, { then, fail });
    worker.postMessage({ id, ask: name, bytes, query });
  });
}

/** @type {Server["runs"]} */
export const runs = async () => numbers.runs.map(({ run, classes }) => ({ name: run, classes }));

/** @type {Server["network"]} */
export const network = async ({ run = "" }) => JSON.parse(text("striate-network")).find((/** @type {{ run: string }} */ each) => each.run === run);

/** @type {Server["examples"]} */
export const examples = async ({ run = "" }) => JSON.parse(text("striate-examples"))[run];

/** @type {Server["predict"]} */
export const predict = (body, query) => ask("predict", body, query);

/** @type {Server["activations"]} */
export const activations = (body, query) => ask("activations", body, query);

/** @type {Server["unit"]} */
export const unit = (body, query) => ask("unit", body, query);

/** @type {Server["attribution"]} */
export const attribution = (body, query) => ask("attribution", body, query);

/** @type {Server["account"]} */
export const account = (trial) => ask("account", null, trial);
