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

/** A share in per cent, never rounded up to all or down to nothing. */
export function percent(share) {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}
