/** The board: stones, the map of moves, the field of a unit; a point is chosen by the pointer or the keyboard. */

import { sized } from "./canvas.js";
import { nameOf } from "./game.js";
import { say } from "./say.js";

/** @import { Field, PositionAnswer } from "./types.js" */
/** @import { Rectangle } from "../compute/types.js" */

const COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ";
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const HEAT = "#c22f1d";
/** The probability that has the full colour, where none is larger. */
const LEAST = 0.05;

export class Board {
  /** @type {PositionAnswer | null} */
  position = null;
  /** A probability for each point; null for no map. @type {number[] | null} */
  heat = null;
  /** The points of the best moves, the best first. @type {number[]} */
  best = [];
  /** @type {Field | null} */
  field = null;
  /** The points of a plane of the input, which get dots. @type {number[]} */
  dots = [];
  /** The point that the keyboard chose. @type {number | null} */
  cursor = null;
  room = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} size
   * @param {(point: number) => void} chosen called with a point on which a stone is to be placed
   */
  constructor(canvas, size, chosen) {
    this.canvas = canvas;
    this.size = size;
    canvas.addEventListener("click", (event) => {
      const point = this.#at(event);
      this.cursor = null;
      if (point !== null) chosen(point);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event, chosen));
    canvas.addEventListener("blur", () => this.#move(null));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** The CSS pixels between two lines. */
  get step() {
    return this.canvas.clientWidth / (this.size + 1.4);
  }

  /** The place of a line, in CSS pixels. @param {number} line */
  #place(line) {
    return (line + 1.2) * this.step;
  }

  /** @type {(event: MouseEvent) => number | null} */
  #at(event) {
    const [column, row] = [event.offsetX, event.offsetY].map((at) => Math.round(at / this.step - 1.2));
    const inside = column >= 0 && column < this.size && row >= 0 && row < this.size;
    return inside ? row * this.size + column : null;
  }

  /** @param {number | null} point */
  #move(point) {
    this.cursor = point;
    this.draw();
  }

  /** @type {(event: KeyboardEvent, chosen: (point: number) => void) => void} */
  #key(event, chosen) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      const middle = Math.floor(this.size / 2);
      const [row, column] = this.cursor === null ? [middle, middle] : [Math.floor(this.cursor / this.size), this.cursor % this.size];
      const [down, right] = this.cursor === null ? [0, 0] : ARROWS[event.key];
      /** @type {(at: number) => number} */
      const kept = (at) => Math.max(0, Math.min(this.size - 1, at));
      this.#move(kept(row + down) * this.size + kept(column + right));
    } else if ((event.key === "Enter" || event.key === " ") && this.cursor !== null) chosen(this.cursor);
    else return;
    event.preventDefault();
  }

  draw() {
    const wide = this.canvas.clientWidth;
    if (!wide) return;
    const ratio = devicePixelRatio;
    const pixels = Math.round(wide * ratio);
    if (this.canvas.width !== pixels) [this.canvas.width, this.canvas.height] = [pixels, pixels];
    const context = sized(this.canvas, pixels / ratio, pixels / ratio);
    [this.canvas.style.width, this.canvas.style.height] = ["", ""];
    this.#lines(context);
    if (this.heat) this.#heat(context, this.heat);
    this.position?.stones.forEach((stone, point) => stone && this.#stone(context, point, stone));
    this.#marks(context);
    if (this.field) this.#field(context, this.field);
    this.#describe();
  }

  /** @type {(context: CanvasRenderingContext2D, point: number) => [number, number]} */
  #centre(_, point) {
    return [this.#place(point % this.size), this.#place(Math.floor(point / this.size))];
  }

  /** @type {(context: CanvasRenderingContext2D, point: number, radius: number) => void} */
  #disc(context, point, radius) {
    context.beginPath();
    context.arc(...this.#centre(context, point), radius * this.step, 0, 2 * Math.PI);
    context.fill();
  }

  /** @param {CanvasRenderingContext2D} context */
  #lines(context) {
    const { size, step } = this;
    context.strokeStyle = context.fillStyle = "#4d3a12";
    context.lineWidth = 1;
    context.font = `${Math.max(8, 0.36 * step)}px system-ui, sans-serif`;
    [context.textAlign, context.textBaseline] = ["center", "middle"];
    for (let line = 0; line < size; line += 1) {
      const [at, end, start] = [this.#place(line), this.#place(size - 1), this.#place(0)];
      context.beginPath();
      context.moveTo(at, start);
      context.lineTo(at, end);
      context.moveTo(start, at);
      context.lineTo(end, at);
      context.stroke();
      context.fillText(COLUMNS[line], at, 0.45 * step);
      context.fillText(String(size - line), 0.45 * step, at);
    }
    for (const point of stars(size)) this.#disc(context, point, 0.1);
  }

  /** @type {(context: CanvasRenderingContext2D, heat: number[]) => void} */
  #heat(context, heat) {
    const most = Math.max(LEAST, ...heat); // where nothing is likely, nothing glows
    context.fillStyle = HEAT;
    heat.forEach((share, point) => {
      if (this.position?.stones[point] || share < 0.0005) return;
      context.globalAlpha = 0.85 * Math.sqrt(share / most);
      this.#disc(context, point, 0.46);
    });
    context.globalAlpha = 1;
  }

  /** @type {(context: CanvasRenderingContext2D, point: number, stone: number) => void} */
  #stone(context, point, stone) {
    context.fillStyle = stone === 1 ? "#161616" : "#fafafa";
    this.#disc(context, point, 0.47);
    context.strokeStyle = "#161616";
    context.lineWidth = 1;
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context */
  #marks(context) {
    const { position, step } = this;
    if (position && position.last !== null && position.last >= 0) {
      context.fillStyle = "#2f80ed";
      this.#disc(context, position.last, 0.17);
    }
    context.font = `600 ${0.52 * step}px system-ui, sans-serif`;
    if (this.heat) {
      this.best.forEach((point, at) => {
        context.fillStyle = "#111";
        context.fillText(String(at + 1), ...this.#centre(context, point));
      });
    }
    context.fillStyle = "#7b2cbf";
    for (const point of this.dots) this.#disc(context, point, 0.2);
    if (this.cursor !== null) {
      const [x, y] = this.#centre(context, this.cursor);
      context.strokeStyle = "#0a58ca";
      context.lineWidth = 2.5;
      context.strokeRect(x - 0.5 * step, y - 0.5 * step, step, step);
    }
  }

  /** The points that a unit sees; dashed where it reaches into the padding. @type {(context: CanvasRenderingContext2D, found: Field) => void} */
  #field(context, { field, unclipped }) {
    /** @type {(where: Rectangle) => void} */
    const outline = ({ rows, columns }) => {
      const [left, top] = [this.#place(columns[0] - 0.5), this.#place(rows[0] - 0.5)];
      context.strokeRect(left, top, this.#place(columns[1] + 0.5) - left, this.#place(rows[1] + 0.5) - top);
    };
    context.strokeStyle = "#0a58ca";
    if (JSON.stringify(field) !== JSON.stringify(unclipped)) {
      context.lineWidth = 1.5;
      context.setLineDash([5, 4]);
      outline(unclipped);
      context.setLineDash([]);
    }
    if (!field) return;
    context.lineWidth = 3;
    outline(field);
  }

  #describe() {
    const { position, cursor, size } = this;
    const stones = position?.stones ?? [];
    const words = [say("empty"), say("black"), say("white")];
    const here = cursor === null ? "" : ` ${nameOf(cursor, size)}, ${words[stones[cursor] ?? 0]}.`;
    const [black, white] = [1, 2].map((colour) => stones.filter((stone) => stone === colour).length);
    this.canvas.setAttribute("aria-label", say("Board of {size} by {size}: {black} black stones, {white} white.", { size, black, white }) + here);
  }
}

/** The star points. @param {number} size */
function stars(size) {
  if (size < 7) return [];
  const edge = size < 13 ? 2 : 3;
  const lines = [edge, size - 1 - edge, ...(size % 2 ? [(size - 1) / 2] : [])];
  return lines.flatMap((row) => lines.map((column) => row * size + column));
}
