/** Elements of the page, and numbers as people read them. */

/** @import { Shape } from "../compute/types.js" */

/**
 * The first element of a selector. Throws where there is none, or where it is no element of the class `kind`.
 * @template {Element} [T=HTMLElement]
 * @param {string} selector
 * @param {{ new (): T, name: string }} [kind]
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function find(selector, kind, within = document) {
  const found = within.querySelector(selector);
  const wanted = kind ?? HTMLElement;
  if (!(found instanceof wanted)) throw new Error(`the page has no ${wanted.name} ${selector}`);
  return /** @type {T} */ (found);
}

/** Find the parts of a section, which have `data-part`. @param {HTMLElement} root */
export const partsOf = (root) =>
  /**
   * @template {Element} [T=HTMLElement]
   * @param {string} name
   * @param {{ new (): T, name: string }} [kind]
   * @returns {T}
   */
  (name, kind) => find(`[data-part="${name}"]`, kind, root);

/** @typedef {string | number | boolean | null | undefined} Attribute */
/** @typedef {Node | string | null | undefined} Child */

/**
 * A new HTML element with attributes and children. Attributes and children that are null are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * A new SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 */
export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/**
 * @template {Element} T
 * @param {T} element
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 * @returns {T}
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((each) => each !== null && each !== undefined));
  return element;
}

/**
 * Set a text only where it changes, so that the page need not be laid out again.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {(shape: Shape) => string} */
export const show = (shape) => shape.join("×");

const COMMAS = new Intl.NumberFormat("en");
/** A count with commas. @type {(value: number) => string} */
export const count = (value) => COMMAS.format(value);

/** A number with decimals and a minus sign. @type {(value: number, decimals?: number) => string} */
export const number = (value, decimals = 3) => value.toFixed(decimals).replace("-", "−");

/** A probability in per cent; never 0 or 100, which a computed one is by rounding only. @param {number} probability */
export function percent(probability) {
  const text = (100 * probability).toFixed(1);
  if (text === "100.0") return "> 99.9 %";
  if (text === "0.0") return "< 0.1 %";
  return `${text} %`;
}
