/** Exercises without end, with answers from the account: the twin of striate/exercises. A seed gives the same in both. */

import { account } from "./account.js";
import { windowsOf } from "./axis.js";
import { Chance } from "./chance.js";
import { sketched } from "./sketch.js";
import { way } from "./way.js";

/** @import { Exercise, Shape, Sketch, Topic } from "./types.js" */
/** @typedef {{ input: Shape, layers: Sketch[] }} Drawn */

/** The topics, in the order in which they take turns. @type {Topic[]} */
export const TOPICS = ["size", "parameters", "macs", "field"];
export const LARGEST_SEED = 2 ** 31 - 1;

const CHANNELS = [1, 3, 4, 6, 8, 16, 32, 64];
const FILTERS = [2, 4, 6, 8, 12, 16, 20, 32, 64];
const KERNELS = [1, 2, 3, 3, 4, 5, 5, 7, 11];
const UNITS = [10, 10, 64, 84, 100, 120];

/** Exercise `number`, from 1 on, of a seed. @type {(seed: number, number: number) => Exercise} */
export function exercise(seed, number) {
  const topic = TOPICS[(number - 1) % TOPICS.length];
  const { input, layers } = drawn(topic, new Chance(seed, number));
  const steps = sketched(layers, input);
  const { rows, totals } = account(steps, input);
  const last = rows[rows.length - 1];
  const answers = { size: last.output, parameters: [totals.parameters], macs: [totals.macs], field: [last.receptive_field.size[0]] };
  const weighted = layers.filter(({ kind }) => kind === "conv" || kind === "linear").length;
  const several = topic === "parameters" || topic === "macs" ? weighted > 1 : layers.length > 1;
  return { seed, number, topic, input, layers, several, answer: answers[topic], rows, steps: way(topic, steps) };
}

/** @type {(topic: Topic, chance: Chance) => Drawn} */
function drawn(topic, chance) {
  const several = chance.below(3) === 0;
  switch (topic) {
    case "size": return several ? windows(chance, 24 + chance.below(41), 2 + chance.below(2)) : oneWindow(chance);
    case "parameters":
    case "macs": return several ? classifier(chance) : oneWithWeights(chance);
    case "field": return windows(chance, 96 + 32 * chance.below(5), 2 + chance.below(3));
    default: throw new Error(`unknown topic: ${topic}`);
  }
}

/** @param {Chance} chance @returns {Drawn} */
function oneWindow(chance) {
  const channels = chance.oneOf(CHANNELS);
  const height = 7 + chance.below(58);
  const width = chance.below(4) === 0 ? 7 + chance.below(58) : height;
  const input = [channels, height, width];
  if (chance.below(4) === 0) {
    const kind = chance.oneOf(/** @type {const} */ (["max", "average"]));
    const kernel = 2 + chance.below(2);
    return { input, layers: [{ kind: "pool", function: kind, kernel, stride: 2 + chance.below(2) }] };
  }
  const kernel = chance.oneOf(upTo(KERNELS, Math.min(height, width)));
  const padding = chance.below(Math.floor(kernel / 2) + 1);
  const filters = chance.oneOf(FILTERS);
  return { input, layers: [{ kind: "conv", filters, kernel, stride: 1 + chance.below(4), padding }] };
}

/** @param {Chance} chance @returns {Drawn} */
function oneWithWeights(chance) {
  const channels = chance.oneOf(CHANNELS);
  const side = 4 + chance.below(13);
  const input = [channels, side, side];
  if (chance.below(3) === 0) return { input, layers: [{ kind: "flatten" }, { kind: "linear", filters: chance.oneOf(UNITS) }] };
  const kernel = chance.oneOf(upTo([1, 3, 3, 5, 5, 7], side));
  const filters = chance.oneOf(FILTERS);
  const padding = Math.floor(kernel / 2) * chance.below(2);
  const even = channels % 2 === 0 && filters % 2 === 0;
  const groups = even && chance.below(4) === 0 ? 2 : 1;
  return { input, layers: [{ kind: "conv", filters, kernel, stride: 1, padding, groups, bias: chance.below(5) > 0 }] };
}

/** @type {(chance: Chance, side: number, depth: number) => Drawn} */
function windows(chance, side, depth) {
  const channels = chance.oneOf([1, 3]);
  return { input: [channels, side, side], layers: stack(chance, side, depth) };
}

/** @param {Chance} chance @returns {Drawn} */
function classifier(chance) {
  const channels = chance.oneOf([1, 3]);
  const side = chance.oneOf([16, 20, 28, 32]);
  const layers = stack(chance, side, 2 + chance.below(2));
  return { input: [channels, side, side], layers: [...layers, { kind: "flatten" }, { kind: "linear", filters: chance.oneOf(UNITS) }] };
}

/** @type {(chance: Chance, side: number, depth: number) => Sketch[]} */
function stack(chance, side, depth) {
  /** @type {Sketch[]} */
  const layers = [];
  let size = side;
  /** @type {(kernel: number, stride: number, padding: number) => void} */
  const shrink = (kernel, stride, padding) => {
    size = windowsOf({ size, kernel, stride, before: padding, after: padding, dilation: 1, ceil: false, output: 0 });
  };
  while (layers.length < depth) {
    if (layers[layers.length - 1]?.kind === "conv" && size >= 4 && chance.below(2) === 0) {
      layers.push({ kind: "pool", function: "max", kernel: 2, stride: 2 });
      shrink(2, 2, 0);
    } else {
      const kernel = chance.oneOf(upTo([1, 3, 3, 3, 5, 5, 7], size));
      const stride = kernel > 1 && chance.below(4) === 0 ? 2 : 1;
      const padding = Math.floor(kernel / 2) * chance.below(2);
      layers.push({ kind: "conv", filters: chance.oneOf([4, 6, 8, 12, 16]), kernel, stride, padding });
      shrink(kernel, stride, padding);
    }
  }
  return layers;
}

/** @type {(kernels: number[], most: number) => number[]} */
const upTo = (kernels, most) => kernels.filter((kernel) => kernel <= most);

/**
 * The numbers of an answer as people type them, null where it has not the form of one: striate/exercises/answers.py.
 * @type {(topic: Topic, text: string) => number[] | null}
 */
export function readAnswer(topic, text) {
  const plain = text.trim();
  if (topic === "size") {
    const found = /^\(?\s*(\d{1,9})\s*[x×*,; ]\s*(\d{1,9})\s*[x×*,; ]\s*(\d{1,9})\s*\)?$/i.exec(plain);
    return found && found.slice(1).map(Number);
  }
  const grouped = /^\d{1,3}(?:([,. _'])\d{3})(?:\1\d{3})*$/.test(plain);
  const digits = /^\d+$/.test(plain) ? plain : grouped ? plain.replace(/\D/g, "") : "";
  return digits && digits.length <= 15 ? [Number(digits)] : null;
}
