/** The pad: light ink on a dark board, kept as strokes, so that each can be undone. */

import { contextOf } from "./canvas.js";
import { drawBoard, drawCross, drawStroke, levelsOf, pgm } from "./marks.js";

/** @import { Context, Mark, Point, Size, Stroke } from "./marks.js" */

/** Levels up to this one, of 255, are no ink. */
const FAINT = 60;

/** A coordinate that stays on the pad. @param {number} share */
const kept = (share) => Math.max(0.04, Math.min(0.96, share));

export class Pad {
  tool = "pen";
  /** @type {Mark[]} */
  done = [];
  /** The stroke that is being drawn. @type {Stroke | null} */
  stroke = null;
  /** The pointer that draws it. @type {number | "keys" | null} */
  pointer = null;
  /** Where the pen is that the keyboard moves. @type {Point | null} */
  cursor = null;
  /** The drawing as it was last read. @type {Uint8ClampedArray | null} */
  levels = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed called after every change
   * @param {{ height: number, ratio?: number }} paper of the drawing that is sent: its height in pixels, its width over that
   */
  constructor(canvas, changed, { height, ratio = 1 }) {
    this.canvas = canvas;
    /** The size of the drawing that is sent. @type {Size} */
    this.paper = [height * ratio, height];
    this.changed = changed;
    this.paperContext = contextOf(new OffscreenCanvas(...this.paper), { willReadFrequently: true });
    this.context = contextOf(canvas);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#lift());
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  /** The marks since the last clear or the last image; an image stands alone. */
  get #visible() {
    const start = this.done.findLastIndex((mark) => mark.kind !== "stroke");
    return this.done.slice(Math.max(0, start)).filter((mark) => mark.kind === "stroke" || mark.kind === "image");
  }

  get image() {
    const [first] = this.#visible;
    return first?.kind === "image" ? first : null;
  }

  /** Whether nothing on it can be seen. */
  get blank() {
    return !this.image && !this.#levels().some((level) => level > FAINT);
  }

  /** The image file that was dropped here, or the drawing as a PGM. */
  content() {
    if (this.image) return this.image.file;
    return pgm(this.#levels(), this.paper);
  }

  #levels() {
    this.levels ??= levelsOf(this.paperContext, this.paper);
    return this.levels;
  }

  /** Show an image file. @param {Blob} file */
  async show(file) {
    const picture = await createImageBitmap(file).catch(() => null);
    this.#add({ kind: "image", file, picture });
  }

  undo() {
    if (!this.done.pop()) return;
    if (this.done.at(-1)?.kind === "wiped") this.done.pop();
    this.#redraw();
    this.changed();
  }

  clear() {
    if (!this.#visible.length) return;
    this.#add({ kind: "clear" });
  }

  /** @param {Mark} mark */
  #add(mark) {
    this.done.push(mark);
    this.#redraw();
    this.changed();
  }

  /** @type {(event: PointerEvent) => Point} */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  /** @param {Point} point */
  #begin(point) {
    if (this.image) this.done.push({ kind: "wiped" });
    this.stroke = { kind: "stroke", tool: this.tool, points: [point] };
    this.done.push(this.stroke);
    this.#redraw();
  }

  /** Draw a stroke on. @type {(stroke: Stroke, points: Point[]) => void} */
  #extend(stroke, points) {
    const part = { ...stroke, points: [...stroke.points.slice(-1), ...points] };
    stroke.points.push(...points);
    drawStroke(this.context, [this.canvas.width, this.canvas.height], part);
    drawStroke(this.paperContext, this.paper, part);
    this.levels = null;
    this.changed();
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || this.stroke) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.cursor = null;
    this.#begin(this.#at(event));
    this.changed();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.#extend(this.stroke, (events.length ? events : [event]).map((each) => this.#at(each)));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.pointer) return;
    this.#lift();
  }

  #lift() {
    if (!this.stroke) return;
    this.stroke = null;
    this.pointer = null;
    this.#redraw();
    this.changed();
  }

  /**
   * The pad from the keyboard: arrows move the pen, the space bar sets it down and lifts it.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const far = event.shiftKey ? 0.01 : 0.04;
    /** @type {Record<string, Point>} */
    const moves = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    if (event.key in moves) {
      const [x, y] = this.cursor ?? [0.5, 0.5];
      const [across, down] = moves[event.key];
      this.cursor = [kept(x + across), kept(y + down)];
      if (this.stroke) this.#extend(this.stroke, [this.cursor]);
      this.#redraw();
    } else if (event.key === " ") {
      this.cursor ??= [0.5, 0.5];
      if (this.stroke) this.#lift();
      else {
        this.pointer = "keys";
        this.#begin(this.cursor);
        this.changed();
      }
    } else if (event.key === "Escape" && this.cursor) {
      this.cursor = null;
      this.#lift();
      this.#redraw();
    } else return;
    event.preventDefault();
  }

  #redraw() {
    const width = Math.round(this.canvas.clientWidth * devicePixelRatio) || this.paper[0];
    /** @type {Size} */
    const shown = [width, Math.round((width * this.paper[1]) / this.paper[0])];
    if (this.canvas.width !== width) [this.canvas.width, this.canvas.height] = shown;
    this.#strokes(this.context, shown);
    this.#strokes(this.paperContext, this.paper);
    this.levels = null;
    if (this.image?.picture) this.#picture(this.image.picture);
    if (this.cursor) drawCross(this.context, shown, this.cursor, this.stroke !== null);
  }

  /** @type {(context: Context, size: Size) => void} */
  #strokes(context, size) {
    drawBoard(context, size);
    for (const mark of this.#visible) if (mark.kind === "stroke") drawStroke(context, size, mark);
  }

  /**
   * Where a picture of a size lies on the pad, in the pad's own pixels.
   * @type {(size: { width: number, height: number }) => { ratio: number, left: number, top: number }}
   */
  place({ width, height }) {
    const ratio = Math.min(this.canvas.width / width, this.canvas.height / height);
    return { ratio, left: (this.canvas.width - width * ratio) / 2, top: (this.canvas.height - height * ratio) / 2 };
  }

  /** @param {ImageBitmap} picture */
  #picture(picture) {
    const { ratio, left, top } = this.place(picture);
    this.context.imageSmoothingEnabled = ratio < 2;
    this.context.drawImage(picture, left, top, picture.width * ratio, picture.height * ratio);
  }
}
