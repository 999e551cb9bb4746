/**
 * The worker of a page under Node. It reads the networks and weights of a page's file, then answers a question a line.
 * Python decodes the pictures, as Node cannot.
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const page = readFileSync(file, "utf-8");
const part = (id) => page.split(`id="${id}">`)[1].split("</script>")[0];
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));

let picture = null;
globalThis.createImageBitmap = async () => {
  if (!picture) throw new Error("it cannot be decoded");
  return picture;
};
globalThis.OffscreenCanvas = class {
  getContext() {
    return { drawImage: (drawn) => { this.drawn = drawn; }, getImageData: () => ({ data: bytesOf(this.drawn.data) }) };
  }
};

const plain = (key, value) => {
  if (value instanceof Float32Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (value instanceof Uint8Array) return [...value];
  return value instanceof Map ? Object.fromEntries(value) : value;
};
globalThis.postMessage = (answer) => process.stdout.write(`${JSON.stringify(answer, plain)}\n`);
globalThis.onmessage = null;
await import(pathToFileURL(`${folder}/main.js`));
await globalThis.onmessage({ data: { numbers: JSON.parse(part("striate-numbers")), weights: part("striate-weights") } });

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, bytes, query, picture: decoded } = JSON.parse(line);
  picture = decoded;
  await globalThis.onmessage({ data: { id: 0, ask, bytes: bytesOf(bytes), query } });
}
