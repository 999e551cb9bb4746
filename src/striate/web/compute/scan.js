/** Splits the notation into tokens: the twin of striate/description/notation/scan.py. */

import { Answered } from "./answered.js";

/** @typedef {{ kind: string, text: string, start: number }} Token */

const TOKENS = new RegExp(
  String.raw`(?<space>(?:[ \t\r]|#[^\n]*)+)|(?<line>\n)|(?<sizes>\d+(?:[x×]\d+)+)|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)`
    + String.raw`|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<text>"(?:[^"\\\n]|\\.)*")|(?<mark>[:,;|()*/])|(?<other>.)`,
  "y",
);
/** The number of characters of a line that an error shows. */
const PAGE = 72;

/** How an error calls a token. @param {Token} token */
export function called({ kind, text }) {
  return kind === "end" ? "the end" : kind === "line" ? "the end of the line" : `'${text}'`;
}

/** Reads a text once, token by token. */
export class Scanner {
  place = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /** The next token, which is not taken. @returns {Token} */
  peek() {
    let found = this.#match();
    if (found?.kind === "space") {
      this.place = found.start + found.text.length;
      found = this.#match();
    }
    return found ?? { kind: "end", text: "", start: this.text.length };
  }

  /** @returns {Token | null} */
  #match() {
    TOKENS.lastIndex = this.place;
    const found = TOKENS.exec(this.text);
    if (!found) return null;
    const kind = Object.entries(found.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? "other";
    return { kind, text: found[0], start: found.index };
  }

  /** Take the next token. */
  take() {
    const token = this.peek();
    this.place = token.start + token.text.length;
    return token;
  }

  /** Whether the next tokens are these; if so they are taken. @param {string[]} texts */
  takes(...texts) {
    const before = this.place;
    if (texts.every((text) => this.take().text.toLowerCase() === text.toLowerCase())) return true;
    this.place = before;
    return false;
  }

  /** Take any line ends that come next. */
  lines() {
    while (this.peek().kind === "line") this.take();
  }

  /**
   * Throw an Answered at a token: line and column, and the line with a mark under the place.
   * @type {(token: Token, what: string, expected?: string, remedy?: string) => never}
   */
  fail(token, what, expected = "", remedy = "") {
    const before = this.text.slice(0, token.start);
    const number = before.split("\n").length;
    const column = token.start - (before.lastIndexOf("\n") + 1);
    const line = this.text.split("\n")[number - 1].trimEnd();
    const where = `line ${number}, column ${column + 1}: ${what}`;
    const first = line.length > PAGE ? Math.max(0, column - PAGE / 2) : 0;
    const long = Math.max(1, Math.min(token.text.trimEnd().length, first + PAGE - column, line.length - column));
    const under = " ".repeat(column - first + (first ? 1 : 0)) + "^".repeat(long);
    const marked = line ? `${where}\n  ${first ? "…" : ""}${line.slice(first, first + PAGE)}\n  ${under}` : where;
    throw new Answered({ where: "", what: marked, expected, remedy });
  }
}
