/** The names of classes on the squares of an output. */

import { contextOf } from "./canvas.js";
import { number } from "./elements.js";
import { colour, deep } from "./palette.js";
import { say } from "./say.js";

/** The least and the most of a square's side, and the size of the letters. */
const [LEAST, MOST, LETTERS] = [44, 76, 11];

/** A number in at most about five characters, where it is below 10,000. @param {number} value */
export function brief(value) {
  const size = Math.abs(value);
  return number(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/**
 * The side of a square that has room for the names.
 * @type {(canvas: HTMLCanvasElement, classes: string[]) => number}
 */
export function sideFor(canvas, classes) {
  const context = contextOf(canvas);
  context.font = `700 ${LETTERS}px system-ui, sans-serif`;
  return Math.max(LEAST, Math.min(MOST, 8 + Math.ceil(Math.max(...classes.map((name) => context.measureText(name).width)))));
}

/**
 * Write on a square its class and, below, its value. `plain` is the colour of the text while nothing is drawn.
 * @param {CanvasRenderingContext2D} context
 * @param {{ left: number, top: number, side: number }} square
 * @param {string} name
 * @param {{ value: number, scale: number } | null} shown
 * @param {string} plain
 */
export function label(context, { left, top, side }, name, shown, plain) {
  context.textAlign = "center";
  context.fillStyle = shown ? (deep(colour(shown.value, shown.scale)) ? "#fff" : "#000") : plain;
  context.font = `700 ${LETTERS + 2}px system-ui, sans-serif`;
  context.fillText(short(context, name, side - 6), left + side / 2, top + side / 2 - 3);
  if (!shown) return;
  context.font = `${LETTERS}px system-ui, sans-serif`;
  context.fillText(brief(shown.value), left + side / 2, top + side / 2 + LETTERS + 1);
}

/**
 * The text, cut where it is wider than `room`.
 * @type {(context: CanvasRenderingContext2D, text: string, room: number) => string}
 */
function short(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length - 1;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}

/**
 * A sentence that says which class the values speak for: of distances the smallest, else the largest.
 * @type {(values: number[], classes: string[], distances: boolean) => string}
 */
export function verdict(values, classes, distances) {
  const best = values.reduce((top, value, at) => ((distances ? value < values[top] : value > values[top]) ? at : top), 0);
  return distances ? say("squared distances to the classes’ centres: the nearest is {name}", { name: classes[best] }) : say("the largest value is that of {name}", { name: classes[best] });
}
