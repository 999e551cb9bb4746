/** Elements, and numbers as people read them. */

/** An element with attributes, class first, and children. */
export function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((each) => each !== null && each !== undefined));
  return element;
}

/** Set a text only where it changes: the page need not be laid out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const find = (selector) => document.querySelector(selector);

export const show = (shape) => shape.join("×");

export const count = (value) => value.toLocaleString("en");

/** A number with so many decimals and a true minus. */
export const number = (value, decimals = 3) => value.toFixed(decimals).replace("-", "−");

/** A probability in per cent; 0 and 100 are never said, for a computed one is 0 or 1 by rounding only. */
export function percent(probability) {
  const text = (100 * probability).toFixed(1);
  if (text === "100.0") return "> 99.9 %";
  if (text === "0.0") return "< 0.1 %";
  return `${text} %`;
}
