/** The network's input, enlarged: with the receptive field of a unit, or with the pixels that speak for a class. */

import { ofChannel } from "../compute/range.js";
import { contextOf, sized } from "./canvas.js";

/** @import { Preprocessing, Rectangle } from "../compute/types.js" */
/** @import { Field, Output } from "./types.js" */

const MARGIN = 12;

export class Input {
  /**
   * The input's values; without codes while nothing is drawn.
   * @type {Pick<Output, "shape"> & Partial<Output> | null}
   */
  data = null;
  /** @type {Field | null} */
  field = null;
  /** @type {number[][] | null} */
  attribution = null;
  room = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Preprocessing} preprocessing
   */
  constructor(canvas, preprocessing) {
    this.canvas = canvas;
    this.preprocessing = preprocessing;
    new ResizeObserver(([entry]) => {
      this.room = entry.contentRect.width;
      this.draw();
    }).observe(canvas.parentElement ?? canvas);
  }

  /** @param {Pick<Output, "shape"> & Partial<Output>} data */
  update(data) {
    this.data = data;
    this.draw();
  }

  /** Frame the field of a unit; null for none. @param {Field | null} field */
  frame(field) {
    this.field = field;
    this.draw();
  }

  /** Show for each pixel how much it speaks for a class; null for nothing. @param {number[][] | null} values */
  explain(values) {
    this.attribution = values;
    this.draw();
  }

  draw() {
    if (!this.data) return;
    const [, height, width] = this.data.shape;
    const { room } = this;
    const zoom = (room - 2 * MARGIN) / Math.max(height, width);
    if (zoom <= 0) return;
    const context = sized(this.canvas, room, zoom * height + 2 * MARGIN);
    context.imageSmoothingEnabled = false;
    const picture = new OffscreenCanvas(width, height);
    contextOf(picture).putImageData(this.#pixels(this.data, height, width), 0, 0);
    context.drawImage(picture, MARGIN, MARGIN, zoom * width, zoom * height);
    if (this.attribution) tint(context, this.attribution, zoom);
    if (this.field) frame(context, this.field, zoom);
  }

  /**
   * The pixels that the values came from.
   * @type {(data: Pick<Output, "shape"> & Partial<Output>, height: number, width: number) => ImageData}
   */
  #pixels({ codes, scale = 0, shape }, height, width) {
    const { low, high } = this.preprocessing;
    const value = codes ? (/** @type {number} */ at) => ((codes[at] - 128) / 127) * scale : null;
    const pixels = new ImageData(width, height);
    for (let at = 0; at < height * width; at += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const own = shape[0] === 3 ? channel : 0;
        const [least, most] = [ofChannel(low, own), ofChannel(high, own)];
        const level = value ? value(own * height * width + at) : least;
        pixels.data[4 * at + channel] = (255 * (level - least)) / (most - least);
      }
      pixels.data[4 * at + 3] = 255;
    }
    return pixels;
  }
}

/** @type {(context: CanvasRenderingContext2D, values: number[][], zoom: number) => void} */
function tint(context, values, zoom) {
  const most = values.flat().reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  values.forEach((line, row) => line.forEach((value, column) => {
    context.globalAlpha = most ? 0.85 * (Math.abs(value) / most) ** 0.7 : 0;
    context.fillStyle = value > 0 ? "#ff6a3d" : "#3d9bff";
    context.fillRect(MARGIN + column * zoom, MARGIN + row * zoom, zoom + 0.5, zoom + 0.5);
  }));
  context.globalAlpha = 1;
}

/** @type {(context: CanvasRenderingContext2D, field: Field, zoom: number) => void} */
function frame(context, { field, unclipped }, zoom) {
  /** @type {(where: Rectangle) => void} */
  const outline = ({ rows, columns }) => context.strokeRect(
    MARGIN + columns[0] * zoom,
    MARGIN + rows[0] * zoom,
    (columns[1] - columns[0] + 1) * zoom,
    (rows[1] - rows[0] + 1) * zoom,
  );
  context.strokeStyle = "#ffb020";
  if (JSON.stringify(field) !== JSON.stringify(unclipped)) {
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    outline(unclipped);
    context.setLineDash([]);
  }
  if (!field) return;
  context.lineWidth = 2.5;
  outline(field);
}
