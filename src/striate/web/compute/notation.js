/**
 * Reads a network from the notation: the twin of striate/description/notation/reading.py. The words come from Python's
 * table; a text that Python refuses is refused here, too, at the same place.
 */

import { Answered } from "./answered.js";
import { called, Scanner } from "./scan.js";
import { requireSound } from "./sound.js";

/** @import { Layer, Notation, Word } from "./types.js" */
/** @import { Token } from "./scan.js" */

const SHAPE = "A network begins with its input, channels x height x width, and a colon: 3x32x32: conv 16 5x5, relu, ...";
const SEPARATOR = "Layers are set apart by commas or new lines.";
/** @type {Record<string, string>} */
const STANDS_IN = {
  "|": "It stands in residual(layers | shortcut) only.",
  ";": "It stands in branches(layers; layers) only.",
};
const EMPTY = "A branch without layers ends at once: branches(; layers), or branches(name: (); layers).";
/** A row of a table; what stands between two semicolons of centres. */
const MAPS = /^([0-9]+|([0-9]{1,9},)+([0-9]{1,9})?)$/;
const VALUES = /^([+-]*|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/;
/** Where a mark stands, or else other words. @type {(mark: string, other: string) => string} */
const place = (mark, other) => (Object.hasOwn(STANDS_IN, mark) ? STANDS_IN[mark] : other);

/** The most layers of a network that is typed in, nested ones included. */
const LAYERS = 1000;

export class Reader {
  layers = 0;

  /**
   * @param {string} text
   * @param {Notation} notation
   */
  constructor(text, notation) {
    this.scanner = new Scanner(text);
    this.notation = notation;
  }

  /** The input and the layers. Throws an Answered with line and column. */
  network() {
    const { scanner } = this;
    this.#header();
    const first = scanner.take();
    const input = this.#sizes(first, "the input");
    if (input.length !== 3 || input.includes(0)) scanner.fail(first, first.kind === "end" ? "there is no network." : `${called(first)} is not the size of an input.`, SHAPE);
    if (!scanner.takes(":")) scanner.fail(scanner.peek(), `${called(scanner.peek())} where a colon was expected.`, SHAPE);
    const layers = this.#layers(1);
    const token = scanner.peek();
    if (token.kind !== "end") scanner.fail(token, `${called(token)} closes nothing.`, place(token.text, "Its '(' is missing."));
    return { input, layers };
  }

  /** Take what stands before the input, which changes no figure: name, paper, place, departures. */
  #header() {
    const { scanner } = this;
    scanner.lines();
    while (this.notation.headers.includes(scanner.peek().text.toLowerCase())) {
      const word = scanner.take();
      const token = scanner.take();
      if (token.kind !== "text" && word.text.toLowerCase() !== "name") scanner.fail(token, `${word.text} is ${called(token)}.`, 'Its text stands in double quotes: "...".');
      const rest = /^[A-Za-z0-9_-]*/.exec(scanner.text.slice(scanner.place));
      if (token.kind === "word" && rest) scanner.place += rest[0].length;
      if (word.text.toLowerCase() === "paper") this.#whole("the year of the paper", "COUNT");
      scanner.lines();
    }
  }

  /** Read layers up to a closing mark or the end of the text. @param {number} level @returns {Layer[]} */
  #layers(level) {
    const { scanner } = this;
    const { depth } = this.notation.limits;
    scanner.lines();
    if (level > depth) scanner.fail(scanner.peek(), `layers that are ${level} levels deep.`, `${depth} is the most.`);
    /** @type {Layer[]} */
    const found = [];
    for (;;) {
      found.push(...this.#layer(level));
      if (this.#ends()) return found;
      const token = scanner.peek();
      if (token.kind !== "line" && token.text !== ",") scanner.fail(token, `${called(token)} follows a layer.`, SEPARATOR);
      scanner.lines();
      const comma = scanner.takes(",");
      scanner.lines();
      if (!comma && this.#ends()) return found;
    }
  }

  #ends() {
    const { kind, text } = this.scanner.peek();
    return kind === "end" || [")", "|", ";"].includes(text);
  }

  /** One layer, repeated by the count before it. @param {number} level @returns {Layer[]} */
  #layer(level) {
    const { scanner } = this;
    const token = scanner.peek();
    const name = token.kind === "word" && scanner.takes(token.text, ":") ? token.text : "";
    const first = scanner.peek();
    const before = this.layers;
    if (first.kind !== "number" || !scanner.takes(first.text, "*")) return [{ ...this.#kind(level), name }];
    const times = this.#counted(first, "the number before '*'", "COUNT");
    if (times === 0) scanner.fail(first, "a layer that stands there 0 times.", "The number before '*' is at least 1.");
    const layer = this.#kind(level);
    this.#count(first, (times - 1) * (this.layers - before));
    return Array.from({ length: times }, (_, at) => ({ ...layer, name: name && `${name}${at + 1}` }));
  }

  /** @type {(token: Token, more: number) => void} */
  #count(token, more) {
    this.layers += more;
    if (this.layers > LAYERS) this.scanner.fail(token, "too many layers.", `The sandbox takes ${LAYERS.toLocaleString("en")} at most.`);
  }

  /** @param {number} level @returns {Layer} */
  #kind(level) {
    const { scanner } = this;
    const { words, nested, others } = this.notation;
    const token = scanner.take();
    const word = token.text.toLowerCase();
    this.#count(token, 1);
    if (word === "(") {
      const layers = this.#layers(level + 1);
      this.#close(token);
      return { kind: "block", name: "", parts: [layers] };
    }
    if (nested.includes(word)) return this.#nested(token, word, level);
    if (token.kind === "word" && Object.hasOwn(words, word)) return this.#simple(token, word, words[word]);
    const all = [...Object.keys(words), ...nested];
    const other = Object.hasOwn(others, word) && all.includes(others[word]) ? `Did you mean '${others[word]}'?` : "";
    if (token.kind === "word") scanner.fail(token, `${called(token)} is no layer.`, `The layers are: ${all.join(", ")}; and ( ) for a block.`, other);
    return scanner.fail(token, `${called(token)} where a layer was expected.`, "Such as: conv 16 5x5 pad 2.");
  }

  /** @type {(token: Token, word: string, level: number) => Layer} */
  #nested(token, word, level) {
    const { scanner } = this;
    if (word === "auxiliary" && scanner.peek().kind === "number") scanner.take();
    const opening = scanner.take();
    if (opening.text !== "(") scanner.fail(opening, `${called(opening)} after ${called(token)}.`, `Its layers stand in parentheses: ${word}(...).`);
    const parts = [this.#part(word, level + 1)];
    const between = { residual: "|", branches: ";" }[word];
    while (between && scanner.peek().text === between) {
      const bar = scanner.take();
      if (word === "residual" && parts.length === 2) scanner.fail(bar, "a residual with two bars.", "It has a body and one shortcut.");
      parts.push(this.#part(word, level + 1));
    }
    this.#close(opening);
    if (word === "branches" && parts.length === 1) scanner.fail(token, "branches of which there is one.", "At least two, set apart by ';'.");
    return { kind: word, name: "", parts };
  }

  /** The layers of one part; only a part of branches may have none. @type {(word: string, level: number) => Layer[]} */
  #part(word, level) {
    const { scanner } = this;
    if (word !== "branches") return this.#layers(level);
    scanner.lines();
    if ([";", ")"].includes(scanner.peek().text)) return [];
    const begun = scanner.place;
    const token = scanner.peek();
    const name = token.kind === "word" && scanner.takes(token.text, ":") ? token.text : "";
    if (scanner.takes("(")) {
      scanner.lines();
      if (scanner.takes(")")) {
        scanner.lines();
        return [{ kind: "block", name, parts: [[]] }];
      }
    }
    scanner.place = begun;
    return this.#layers(level);
  }

  /** @param {Token} opening */
  #close(opening) {
    const token = this.scanner.take();
    if (token.kind === "end") this.scanner.fail(opening, "'(' is never closed.", "A ')' closes it.");
    if (token.text !== ")") this.scanner.fail(token, `${called(token)} where a ')' was expected.`, place(token.text, EMPTY));
  }

  /** @type {(token: Token, text: string, word: Word) => Layer} */
  #simple(token, text, word) {
    const { scanner } = this;
    /** @type {Record<string, any>} */
    const given = { ...word.preset };
    for (const [field, form, required] of word.values) {
      if (required || ["number", "sizes"].includes(scanner.peek().kind)) given[field] = this.#value(form, `the ${field} of ${text}`);
    }
    for (let start = scanner.peek(); ["word", "number", "sizes"].includes(start.kind) || start.text === "/"; start = scanner.peek()) {
      const option = word.options.find(([each]) => scanner.takes(...each.split(" ")));
      if (!option) return this.#noOption(start, text, word);
      const [, field, form, value] = option;
      if (field in given) scanner.fail(start, `${text} gives its ${field} twice.`, "Each stands once.");
      given[field] = form === "NOTHING" ? value : this.#value(form, `the ${field} of ${text}`);
    }
    requireSound(word, given, (what, expected) => scanner.fail(token, what, expected));
    return { kind: word.kind, name: "", parts: [], word, given };
  }

  /** @type {(token: Token, text: string, word: Word) => never} */
  #noOption(token, text, word) {
    const expected = `It is written: ${word.usage}`;
    if (Object.hasOwn(this.notation.words, token.text.toLowerCase())) {
      this.scanner.fail(token, `${called(token)} is no option of ${text}.`, expected, `A comma before ${called(token)} is missing.`);
    }
    const other = this.notation.others[token.text.toLowerCase()];
    const near = word.options.some(([each]) => each === other) ? `Did you mean '${other}'?` : "";
    return this.scanner.fail(token, token.kind === "word" ? `${called(token)} is no option of ${text}.` : `${called(token)} is one number too many.`, expected, near);
  }

  /** @type {(form: string, what: string) => any} */
  #value(form, what) {
    switch (form) {
      case "COUNT": return this.#whole(what, form);
      case "NUMBER": return this.#number(what);
      case "KERNEL":
      case "PAIR": return this.#pair(what, form);
      case "SIDES": {
        const first = this.#pair(what, form);
        if (typeof first !== "number" || this.scanner.peek().kind !== "number") return first;
        return [first, this.#whole(what, form), this.#whole(what, form), this.#whole(what, form)];
      }
      case "TABLE": return this.#pieces(what, form).map((piece) => (piece.includes(",") ? piece.split(",").filter(Boolean) : [...piece]).map(Number));
      case "CENTRES": return this.#pieces(what, form).join(" ").split(";").map((row) => row.split(/\s+/).filter(Boolean).flatMap((part) => (/^[+-]+$/.test(part) ? [...part] : [part])));
      default: throw new Answered({ what: `${what} cannot be read on this page.`, expected: "It reads numbers, sizes and tables.", remedy: "Use `striate account`." });
    }
  }

  /** The pieces between parentheses. @type {(what: string, form: string) => string[]} */
  #pieces(what, form) {
    const { scanner } = this;
    const opening = scanner.take();
    if (opening.text !== "(") this.#unexpected(opening, what, form);
    const { text } = scanner;
    let end = scanner.place;
    while (end < text.length && text[end] !== ")") { // one in a comment closes nothing
      end = text[end] === "#" ? (text.indexOf("\n", end) + 1 || text.length) : end + 1;
    }
    if (end === text.length) scanner.fail(opening, "'(' is never closed.", "A ')' closes it.");
    const inside = text.slice(scanner.place, end).replaceAll(/#[^\n]*/g, (comment) => " ".repeat(comment.length));
    const pieces = [...inside.matchAll(/\S+/g)];
    const wrong = pieces.find(([piece]) => !(form === "TABLE" ? MAPS.test(piece) : piece.split(";").every((part) => VALUES.test(part))));
    if (wrong) {
      const token = { kind: "other", text: wrong[0], start: scanner.place + wrong.index };
      const [where, expected] = form === "TABLE" ? ["a table", "It has"] : ["the centres of RBF units", "Expected:"];
      scanner.fail(token, `'${wrong[0]}' in ${where}.`, `${expected} ${this.notation.forms[form]}.`);
    }
    scanner.place = end + 1;
    return pieces.map(([piece]) => piece);
  }

  /** @type {(what: string, form: string) => number | number[]} */
  #pair(what, form) {
    const token = this.scanner.peek();
    if (token.kind !== "sizes") return this.#whole(what, form);
    const sizes = this.#sizes(this.scanner.take(), what);
    return sizes.length === 2 ? sizes : this.#unexpected(token, what, form);
  }

  /** @type {(what: string, form: string) => number} */
  #whole(what, form) {
    return this.#counted(this.scanner.take(), what, form);
  }

  /** @type {(token: Token, what: string, form: string) => number} */
  #counted(token, what, form) {
    const { number, digits } = this.notation.limits;
    if (token.kind !== "number" || !/^\d+$/.test(token.text)) this.#unexpected(token, what, form);
    if (token.text.length > digits || Number(token.text) > number) {
      this.scanner.fail(token, `${what}: ${called(token)} is too large.`, `It may be ${number.toLocaleString("en")} at most.`);
    }
    return Number(token.text);
  }

  /** @param {string} what */
  #number(what) {
    const token = this.scanner.take();
    if (token.kind !== "number") this.#unexpected(token, what, "NUMBER");
    const { digits } = this.notation.limits;
    if (token.text.length > digits) this.scanner.fail(token, "a number that long.", `It may have ${digits} characters at most.`);
    return Number(token.text);
  }

  /** The numbers of a size such as 3x5; none for any other token. @type {(token: Token, what: string) => number[]} */
  #sizes(token, what) {
    const sizes = token.kind === "sizes" ? token.text.split(/[x×]/).map(Number) : [];
    const { number } = this.notation.limits;
    if (sizes.some((each) => each > number)) this.scanner.fail(token, `${what}: ${called(token)} is too large.`, `A size may be ${number.toLocaleString("en")} at most.`);
    return sizes;
  }

  /** @type {(token: Token, what: string, form: string) => never} */
  #unexpected(token, what, form) {
    return this.scanner.fail(token, `${called(token)} where ${what} was expected.`, `It is ${this.notation.forms[form]}.`);
  }
}
