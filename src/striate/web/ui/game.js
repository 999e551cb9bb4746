/** A game of Go as the page keeps it: stones that were there at first, and moves. The server knows the rules. */

/** @import { Move, Player, PositionAnswer } from "./types.js" */

const LETTERS = "abcdefghijklmnopqrstuvwxy";
/** The komi where a record names none: that of Chinese rules. */
const KOMI = 7.5;
const COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ";
/** @type {Record<Player, Player>} */
export const OTHER = { black: "white", white: "black" };

/** The name of a point, counted row by row from above. @type {(point: number, size: number) => string} */
export const nameOf = (point, size) => `${COLUMNS[point % size]}${size - Math.floor(point / size)}`;

/** The point of a name; -1 for a pass. @type {(name: string, size: number) => number} */
export function pointOf(name, size) {
  if (name === "pass") return -1;
  return (size - Number(name.slice(1))) * size + COLUMNS.indexOf(name[0]);
}

export class Game {
  /** 0 empty, 1 black, 2 white. @type {number[]} */
  first = [];
  /** @type {Move[]} */
  moves = [];
  /** Moves that were taken back, the next one last. @type {Move[]} */
  undone = [];
  /** What the last move did away with: `undone`, and how many moves there are with it. @type {{ moves: number, undone: Move[] } | null} */
  #before = null;
  /** The player to move, where the user has chosen one; null for the player whose turn it is. @type {Player | null} */
  turn = null;
  komi = KOMI;
  comment = "";

  /** @param {number} size */
  constructor(size) {
    this.size = size;
  }

  /** Who plays next. */
  get player() {
    const last = this.moves.at(-1);
    return this.turn ?? (last ? OTHER[last.colour] : "black");
  }

  /** Begin anew. */
  clear() {
    this.#before = null;
    Object.assign(this, { first: [], moves: [], undone: [], turn: null, komi: KOMI, comment: "" });
  }

  /** Take over a game that the server read. @param {PositionAnswer} found */
  take(found) {
    const { first, moves, komi, comment } = found;
    const last = moves.at(-1);
    const turn = last && OTHER[last.colour] === found.to_play ? null : found.to_play;
    this.#before = null;
    Object.assign(this, { first: first.some(Boolean) ? first : [], moves, undone: [], turn, komi: komi ?? KOMI, comment });
  }

  /** @param {Move} move */
  add(move) {
    this.moves = [...this.moves, move];
    this.#before = { moves: this.moves.length, undone: this.undone };
    this.undone = [];
    this.turn = null;
  }

  /** Go back to the position before a move that the server refused. @param {PositionAnswer} found */
  refused({ moves, to_play }) {
    if (this.#before?.moves === moves.length + 1) this.undone = this.#before.undone;
    Object.assign(this, { moves, turn: to_play });
  }

  /** Whether there was a move to take back. */
  back() {
    const last = this.moves.at(-1);
    if (!last) return false;
    this.moves = this.moves.slice(0, -1);
    this.undone.push(last);
    this.turn = last.colour;
    return true;
  }

  /** Whether there was a move that had been taken back. */
  forward() {
    const next = this.undone.pop();
    if (!next) return false;
    this.moves = [...this.moves, next];
    this.turn = null;
    return true;
  }

  /** The game as SGF. */
  sgf() {
    const { size } = this;
    /** @type {(point: number) => string} */
    const at = (point) => (point < 0 ? "[]" : `[${LETTERS[point % size]}${LETTERS[Math.floor(point / size)]}]`);
    /** @type {(property: string, colour: number) => string} */
    const placed = (property, colour) => {
      const points = this.first.flatMap((stone, point) => (stone === colour ? [at(point)] : []));
      return points.length ? property + points.join("") : "";
    };
    const moves = this.moves.map(({ colour, name }) => `;${colour === "black" ? "B" : "W"}${at(pointOf(name, size))}`);
    const turn = this.turn ? `;PL[${this.turn === "black" ? "B" : "W"}]` : "";
    return `(;GM[1]FF[4]SZ[${size}]KM[${this.komi}]${placed("AB", 1)}${placed("AW", 2)}${moves.join("")}${turn})`;
  }

  content() {
    return new TextEncoder().encode(this.sgf());
  }
}
