/** A drawing or a photograph of one digit is brought to MNIST's form, in steps. The twin of striate/data/digits.py. */

import { Answered } from "./answered.js";
import { findPaper, liftInk, strokeWidth } from "./ink.js";
import { bounded, cut, each, median, placed, plane, resized, rint, thickened } from "./planes.js";

/** @import { Plane } from "./types.js" */
/**
 * A step of the way: its name, a note, and the picture after it.
 * @typedef {Plane & { name: string, note: string }} Step
 */

const SIDE = 28;
const BOX = 20;
const CENTRE = 14;
const LONGEST = 512;
const THINNEST = 1.7;
const FAINT = 40;

/**
 * The steps from a grey picture of one digit to 28 × 28, light on dark; the last has the result.
 * @param {Plane} picture
 * @returns {[...Step[], Step]}
 */
export function digitSteps(picture) {
  if (inForm(picture)) return [step("unchanged", picture, "28 × 28, light on dark, centred: MNIST's form")];
  const [grey, sizes] = shrunk(picture);
  /** @type {[...Step[], Step]} */
  const steps = [step("grey", grey, sizes)];
  let levels = grey;
  let paper = findPaper(levels);
  if (paper.noise > 2 && Math.min(levels.height, levels.width) >= 64) {
    levels = smoothed(grey);
    paper = findPaper(levels);
  }
  if (!paper.even) {
    const middle = median(paper.levels.values);
    const flat = each(levels.values, (value, at) => bounded(value - paper.levels.values[at] + middle, 0, 255));
    steps.push(step("background", plane(levels.height, levels.width, flat), "uneven light: a smooth surface taken away"));
  }
  let ink = liftInk(levels, paper);
  if (!ink) {
    throw new Answered({
      what: "no ink found.",
      expected: "Expected one digit that stands out from its background.",
      remedy: "Draw it darker, or photograph it closer and in more light.",
    });
  }
  steps.push(step("polarity", ink, paper.dark ? "dark on light: inverted" : "light on dark: kept"));
  ink = cropped(ink);
  steps.push(step("crop", ink, `the ink's box: ${ink.height} × ${ink.width}`));
  const [small, note] = scaled(ink);
  steps.push(step("scale", small, note));
  steps.push(step("centre", centred(small), "28 × 28, the centre of mass in the middle"));
  return steps;
}

/** @type {(name: string, levels: Plane, note: string) => Step} */
const step = (name, levels, note) => ({ name, note, ...plane(levels.height, levels.width, each(levels.values, rint)) });

/**
 * Whether an image is 28 × 28, dark around, with ink about as large as the box of 20 and centred by mass.
 * @param {Plane} grey
 */
function inForm(grey) {
  if (grey.height !== SIDE || grey.width !== SIDE) return false;
  /** @type {(row: number, column: number) => number} */
  const at = (row, column) => grey.values[row * SIDE + column];
  const ring = Array.from({ length: SIDE }, (_, place) => [at(0, place), at(SIDE - 1, place), at(place, 0), at(place, SIDE - 1)]).flat();
  if (median(ring) > FAINT || !grey.values.some((level) => level > FAINT)) return false;
  const box = cropped(grey);
  const longer = Math.max(box.height, box.width);
  return longer >= BOX - 4 && longer <= BOX && middle(grey).every((place) => Math.abs(place - CENTRE) <= 1);
}

/** The picture with no side longer than LONGEST, and a note of its sizes. @type {(grey: Plane) => [Plane, string]} */
function shrunk(grey) {
  const { height, width } = grey;
  const longer = Math.max(height, width);
  if (longer <= LONGEST) return [grey, `${height} × ${width}, one channel`];
  const [down, across] = [height, width].map((side) => Math.max(1, rint((side * LONGEST) / longer)));
  return [resized(grey, down, across, true), `${height} × ${width}, one channel, shrunk to ${down} × ${across}`];
}

/** Each pixel is the median of the nine around it; the edge is repeated beyond the edge. @param {Plane} grey */
function smoothed(grey) {
  const { height, width, values } = grey;
  const near = new Float32Array(9);
  return plane(height, width, values.map((_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    for (let tap = 0; tap < 9; tap += 1) {
      const down = bounded(row - 1 + Math.floor(tap / 3), 0, height - 1);
      near[tap] = values[down * width + bounded(column - 1 + (tap % 3), 0, width - 1)];
    }
    return near.sort()[4];
  }));
}

/** The smallest box around the ink. @param {Plane} ink */
function cropped(ink) {
  let [top, bottom, left, right] = [ink.height, -1, ink.width, -1];
  for (let row = 0, at = 0; row < ink.height; row += 1) {
    for (let column = 0; column < ink.width; column += 1, at += 1) {
      if (ink.values[at] <= FAINT) continue;
      if (row < top) top = row;
      bottom = row;
      if (column < left) left = column;
      if (column > right) right = column;
    }
  }
  return cut(ink, top, left, bottom - top + 1, right - left + 1);
}

/**
 * The ink with a longer side of 20, and a note. Thin strokes are thickened first, as they would fade when shrunk.
 * @type {(ink: Plane) => [Plane, string]}
 */
function scaled(ink) {
  let ratio = Math.max(ink.height, ink.width) / BOX;
  let note = `longer side ${BOX}`;
  const wide = strokeWidth(ink);
  const radius = rint((THINNEST * ratio - wide) / 2);
  let from = ink;
  if (radius > 0) {
    from = cropped(thickened(placed(ink, ink.height + 2 * radius, ink.width + 2 * radius, radius, radius), radius));
    ratio = Math.max(from.height, from.width) / BOX;
    note += `; strokes of ${wide.toFixed(0)} pixels thickened by ${2 * radius}`;
  }
  const [height, width] = [from.height, from.width].map((side) => Math.max(1, rint(side / ratio)));
  const small = resized(from, height, width, false);
  const gain = Math.min(2, 255 / Math.max(1, small.values.reduce((a, b) => Math.max(a, b), 0)));
  return [plane(height, width, each(small.values, (value) => bounded(value * gain, 0, 255))), note];
}

/** @param {Plane} small */
function centred(small) {
  const [row, column] = middle(small);
  const top = bounded(rint(CENTRE - row), 0, SIDE - small.height);
  return placed(small, SIDE, SIDE, top, bounded(rint(CENTRE - column), 0, SIDE - small.width));
}

/** (row, column) of the centre of mass. @param {Plane} image */
function middle({ width, values }) {
  let [mass, down, across] = [0, 0, 0];
  values.forEach((value, at) => {
    mass += value;
    down += value * Math.floor(at / width);
    across += value * (at % width);
  });
  return [down, across].map((sum) => sum / Math.max(1e-6, mass));
}
