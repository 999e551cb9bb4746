/** Refuses layers whose numbers Python's description refuses: the twin of striate/description/checks.py and its users. */

/** @import { Word } from "./types.js" */

const SIZES = ["filters", "kernel", "stride", "dilation", "groups", "units", "channels", "factor", "size", "padding"];
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
  for (const field of SIZES) {
    const least = field === "padding" ? 0 : 1;
    if ([given[field]].flat().some((each) => typeof each === "number" && each < least)) {
      refuse(`${word.class} ${field} is ${given[field]}.`, `It must be a whole number of at least ${least}.`);
    }
  }
  const { filters, groups = 1, table, centres, rate, momentum } = given;
  if (filters % groups) refuse(`Conv groups is ${groups} for ${filters} filters.`, "The groups must divide the filters.");
  if (table && groups !== 1) refuse("Conv has both groups and a table.", "Give one of them: a table can say what groups say.");
  if (table && table.length !== filters) refuse(`Conv table has ${table.length} rows for ${filters} filters.`, "It must have one row for each filter.");
  table?.forEach((/** @type {number[]} */ maps, /** @type {number} */ row) => {
    if (maps.some((map, at) => at > 0 && map <= maps[at - 1])) refuse(`Conv table[${row}] is ${shown(maps)}.`, "A filter sees at least one map, ascending, each once.");
  });
  if (centres && (!centres[0].length || centres.some((/** @type {string[]} */ row) => row.length !== centres[0].length))) {
    refuse("RBF centres are not rows of one length.", "Give one vector for each unit, all of the input's length.");
  }
  if (rate >= 1) refuse(`Dropout rate is ${decimal(rate)}.`, BELOW_1);
  if (momentum >= 1.000001) refuse(`BatchNorm momentum is ${decimal(momentum)}.`, BELOW_1);
}
