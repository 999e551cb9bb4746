/**
 * The page's words in the reader's language. The code has them in English; `korean.js` has them in Korean.
 *
 * The language is that of the address (`?lang=ko`), or of the file (`<html data-lang="ko">`), or else the first of the
 * browser's languages that there is.
 */

import { computed, words } from "./korean.js";
import { lecture } from "./korean-lecture.js";

/** @typedef {Record<string, string | number>} Values */

/** Every text in Korean. @type {Record<string, string>} */
const korean = { ...words, ...lecture };

/** The attributes that people read or hear. */
const ATTRIBUTES = ["aria-label", "title", "data-hint"];

/** The language of the page, "en" or "ko". */
export const language = chosen();

function chosen() {
  if (!globalThis.document) return "en"; // under Node, where tests ask other modules
  const asked = new URLSearchParams(location.search).get("lang") ?? document.documentElement.dataset.lang;
  const wishes = (asked ? [asked] : navigator.languages).map((wish) => wish.slice(0, 2).toLowerCase());
  return wishes.find((wish) => wish === "ko" || wish === "en") ?? "en";
}

/**
 * A text in the page's language; `{name}` stands for a value. @type {(text: string, values?: Values) => string}
 */
export function say(text, values = {}) {
  return filled((language === "ko" && korean[text]) || text, values);
}

/** @type {(text: string, values: Values) => string} */
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/** A part of a form as an expression; `(s)` may be there or not. @param {string} text */
function literal(text) {
  return text.split("(s)").map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")).join("s?");
}

/** The forms of computed texts, each as an expression that finds its values. @type {[RegExp, string][]} */
const forms = Object.entries(computed).map(([form, told]) => {
  const parts = form.split(/\{(\w+)\}/g).map((part, at) => (at % 2 ? `(?<${part}>.+?)` : literal(part)));
  return [new RegExp(`^${parts.join("")}$`), told];
});

/**
 * A text that was computed, here or on the server, in the page's language: each of its parts between semicolons. A part
 * of a form that is not known stays as it is.
 * @param {string} text
 */
export function retold(text) {
  if (language !== "ko") return text;
  return text.split("; ").map((part) => {
    for (const [form, told] of forms) {
      const found = form.exec(part);
      if (found) return filled(told, inKorean(found.groups ?? {}));
    }
    return part;
  }).join("; ");
}

/** Values, those of them that are words in Korean. @type {(values: Record<string, string>) => Values} */
const inKorean = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, korean[value] ?? value]));

/** Put the words that stand in the page's HTML into its language. */
export function translate() {
  if (language === "en") return;
  document.documentElement.lang = language;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.nodeValue?.trim();
    if (text && !node.parentElement?.closest("script, style")) node.nodeValue = node.nodeValue?.replace(text, () => say(text)) ?? "";
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[${name}]`)) element.setAttribute(name, say(element.getAttribute(name) ?? ""));
  }
}
