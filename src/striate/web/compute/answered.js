/** @import { ErrorLines } from "./types.js" */

/** A deliberate error with its three lines: where and what went wrong, what was expected, what to do. */
export class Answered extends Error {
  /** @param {ErrorLines} error */
  constructor(error) {
    super([error.where ? `${error.where}: ${error.what}` : error.what, error.expected, error.remedy].filter(Boolean).join("\n"));
    this.error = error;
    this.lines = this.message.split("\n");
  }
}
