/** Maps as squares with numbers in them, and a named figure. */

import { make } from "./elements.js";

/** A number with a minus sign. @param {number} value */
export const written = (value) => String(value).replace("-", "−");

/**
 * A map whose values are seen as numbers and as colours; `marked` says which squares are framed.
 * @param {number[][]} values
 * @param {string} label for those who do not see it
 * @param {(row: number, column: number) => boolean} [marked]
 */
export function cells(values, label, marked = () => false) {
  const most = Math.max(1, ...values.flat().map(Math.abs));
  const squares = values.flatMap((line, row) => line.map((value, column) => coloured(make("span", {
    class: marked(row, column) ? "marked" : null,
  }, written(value)), value / most)));
  const grid = make("div", { class: "cells", role: "img", "aria-label": label }, ...squares);
  grid.style.setProperty("--across", String(values[0].length));
  return grid;
}

/**
 * Give a square the colour of a value from -1 to 1.
 * @template {HTMLElement} T
 * @param {T} square
 * @param {number} share
 */
export function coloured(square, share) {
  const alpha = 0.45 * Math.abs(share);
  if (share) square.style.backgroundColor = share > 0 ? `rgb(255 140 0 / ${alpha})` : `rgb(61 130 255 / ${alpha})`;
  return square;
}

/** A part of a figure with its name above. @type {(name: string, ...children: Node[]) => HTMLElement} */
export const named = (name, ...children) => make("div", { class: "part" }, make("h3", {}, name), ...children);

/**
 * Buttons of which one is pressed.
 * @template T
 * @param {string} label
 * @param {[T, string][]} choices
 * @param {T} chosen
 * @param {(value: T) => void} act
 */
export function choice(label, choices, chosen, act) {
  const buttons = choices.map(([value, text]) => {
    const button = make("button", { type: "button", "aria-pressed": String(value === chosen) }, text);
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      act(value);
    });
    return button;
  });
  return make("div", { class: "choice", role: "group", "aria-label": label }, make("span", {}, label), ...buttons);
}
