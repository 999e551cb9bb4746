/** Refuses layers whose numbers Python's description refuses: the twin of striate/description/checks.py and its users. */

/** @import { Word } from "./types.js" */

const COUNTS = ["filters", "groups"];
const SIZES = ["kernel", "dilation", "stride", "units", "channels", "factor", "size", "padding"];
const NUMBERS = ["alpha", "beta", "k", "epsilon"];
/** The largest 32-bit float. */
const MAGNITUDE = 3.4028234663852886e38;
/** How many numbers of a row an error shows. */
const SHOWN = 8;
const BELOW_1 = "It must be a number of at least 0 and below 1.";

/** A rate as Python writes it. @param {number} rate */
const decimal = (rate) => (rate === Infinity ? "inf" : Number.isInteger(rate) ? rate.toFixed(1) : String(rate));
/** The first numbers of a row as Python shows them. @param {number[]} row */
const shown = (row) => `(${row.slice(0, SHOWN).join(", ")}${row.length > SHOWN ? ", ..." : ""})`;

/**
 * Call `refuse`, which does not return, where a layer with the `given` values of a word cannot be.
 * @param {Word} word
 * @param {Record<string, any>} given
 * @param {(what: string, expected: string) => never} refuse
 */
export function requireSound(word, given, refuse) {
  /** @type {(fields: string[]) => void} */
  const sizes = (fields) => fields.forEach((field) => {
    const least = field === "padding" ? 0 : 1;
    const wrong = [given[field]].flat().find((each) => typeof each === "number" && each < least);
    if (wrong !== undefined) refuse(`${word.class} ${field} is ${wrong}.`, `It must be a whole number of at least ${least}.`);
  });
  sizes(COUNTS);
  const { filters, groups = 1, table, centres, rate, momentum } = given;
  if (filters % groups) refuse(`Conv groups is ${groups} for ${filters} filters.`, "The groups must divide the filters.");
  if (table && groups !== 1) refuse("Conv has both groups and a table.", "Give one of them: a table can say what groups say.");
  if (table && table.length !== filters) refuse(`Conv table has ${table.length} rows for ${filters} filters.`, "It must have one row for each filter.");
  table?.forEach((/** @type {number[]} */ maps, /** @type {number} */ row) => {
    if (maps.some((map, at) => at > 0 && map <= maps[at - 1])) refuse(`Conv table[${row}] is ${shown(maps)}.`, "A filter sees at least one map, ascending, each once.");
  });
  sizes(SIZES);
  for (const field of NUMBERS) {
    const least = given[field] === Infinity ? "It must be a number of at least 0." : "It must be finite, within ±3.4e+38.";
    if (given[field] > MAGNITUDE) refuse(`${word.class} ${field} is ${decimal(given[field])}.`, least);
  }
  if (centres && (!centres[0].length || centres.some((/** @type {string[]} */ row) => row.length !== centres[0].length))) {
    refuse("RBF centres are not rows of one length.", "Give one vector for each unit, all of the input's length.");
  }
  if (rate >= 1) refuse(`Dropout rate is ${decimal(rate)}.`, BELOW_1);
  if (momentum >= 1.000001) refuse(`BatchNorm momentum is ${decimal(momentum)}.`, BELOW_1);
}
