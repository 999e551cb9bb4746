/** Which pixels speak for a class: the twin of striate/web/attribution.py. */

import { gradient } from "./backward.js";
import { ofChannel } from "./range.js";

/** @import { Model } from "./model.js" */
/** @import { Values } from "./types.js" */

/** About how many MACs an answer takes. */
const MACS = 1e9;
/** The bounds of how many times the network is run for an answer. */
const [FEWEST, MOST] = [16, 256];
/** At most at how many points between a blank image and the image the gradient is taken. */
const POINTS = 64;
/** After how many milliseconds of computing other messages are handled. */
const TURN = 25;

/**
 * For each pixel, row by row, how much it speaks for a class (above 0) or against it (below 0).
 * @param {Model} model
 * @param {Values} input
 * @param {number} number of the class
 * @param {string} method "occlusion" or "integrated-gradients"
 */
export async function attribution(model, input, number, method) {
  const runs = Math.floor(Math.min(MOST, Math.max(FEWEST, MACS / model.numbers.macs)));
  const [, height, width] = model.numbers.preprocessing.shape;
  const found = await (method === "occlusion" ? occlusion : integratedGradients)(model, input, number, runs);
  return Array.from({ length: height }, (_, row) => Array.from(found.subarray(row * width, (row + 1) * width)));
}

/**
 * Patches are hidden one after another (Zeiler and Fergus, 2014).
 * @type {(model: Model, input: Values, number: number, most: number) => Promise<Float64Array>}
 */
async function occlusion(model, input, number, most) {
  const { shape, low } = model.numbers.preprocessing;
  const [channels, height, width] = shape;
  const { side, stride } = patches(height, width, most);
  /** @type {(values: Values) => number} */
  const score = (values) => model.scores(model.run(values))[number];
  const whole = score(input);
  const [fall, count] = [new Float64Array(height * width), new Float64Array(height * width)];
  const turn = turns();
  for (const top of corners(height, side, stride)) {
    for (const left of corners(width, side, stride)) {
      const covered = input.slice();
      each(channels, height, width, { top, left, side }, (at) => { covered[at] = ofChannel(low, Math.floor(at / (height * width))); });
      const value = whole - score(covered);
      each(1, height, width, { top, left, side }, (at) => {
        fall[at] += value;
        count[at] += 1;
      });
      await turn();
    }
  }
  return fall.map((sum, at) => sum / count[at]);
}

/**
 * The gradients on the way from a blank image, channels added up (Sundararajan and others, 2017).
 * @type {(model: Model, input: Values, number: number, runs: number) => Promise<Float64Array>}
 */
async function integratedGradients(model, input, number, runs) {
  const { shape, low } = model.numbers.preprocessing;
  const size = shape[1] * shape[2];
  const points = Math.min(POINTS, runs);
  const found = new Float64Array(size);
  const blank = input.map((_, at) => ofChannel(low, Math.floor(at / size)));
  const turn = turns();
  for (let point = 0; point < points; point += 1) {
    const share = (point + 0.5) / points;
    const slopes = gradient(model, model.run(input.map((value, at) => blank[at] + share * (value - blank[at]))), number);
    slopes.forEach((slope, at) => { found[at % size] += ((input[at] - blank[at]) * slope) / points; });
    await turn();
  }
  return found;
}

/** A function that lets other messages be handled once they have waited for TURN. */
function turns() {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN) return;
    await new Promise((then) => { setTimeout(then); });
    began = performance.now();
  };
}

/**
 * The side of a patch, and the least stride with which at most `most` patches cover an image.
 * @type {(height: number, width: number, most: number) => { side: number, stride: number }}
 */
function patches(height, width, most) {
  let side = Math.max(1, Math.floor(Math.min(height, width) / 6));
  let stride = 1;
  while ([height, width].reduce((all, size) => all * (1 + Math.ceil((size - side) / stride)), 1) > most) {
    stride += 1;
    side = Math.max(side, stride);
  }
  return { side, stride };
}

/**
 * Where patches begin: `stride` apart, and one at the end, so that every pixel is covered.
 * @type {(size: number, side: number, stride: number) => number[]}
 */
function corners(size, side, stride) {
  const last = Math.max(0, size - side);
  return [...Array.from({ length: Math.ceil(last / stride) }, (_, at) => at * stride), last];
}

/**
 * Call `act` with the index of every value of a patch.
 * @type {(channels: number, height: number, width: number, patch: { top: number, left: number, side: number }, act: (at: number) => void) => void}
 */
function each(channels, height, width, { top, left, side }, act) {
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = top; row < Math.min(height, top + side); row += 1) {
      for (let column = left; column < Math.min(width, left + side); column += 1) act((channel * height + row) * width + column);
    }
  }
}
