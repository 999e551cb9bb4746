/** The layers, one below another: a row of the account, and below it the maps as they are now. */

import { contextOf, sized } from "./canvas.js";
import { count, make, number, show, write } from "./elements.js";
import { cornerOf, extentOf, gridOf, moved, shownOf, unitAt } from "./grid.js";
import { brief, label, sideFor, verdict } from "./labels.js";
import { onTheme, paint } from "./palette.js";
import { say } from "./say.js";
import { underway } from "./status.js";

/** @import { Place } from "../compute/types.js" */
/** @import { Grid } from "./grid.js" */
/** @import { Output, Row, Unit } from "./types.js" */

/** After how many milliseconds without news layers out of view are drawn. */
const LATER = 150;
const FIGURES = ["parameters", "connections", "MACs", "field"];

/** One layer: its row of figures and its canvas. */
export class Layer {
  /** The values, null while nothing is drawn; undefined before the first update. @type {Output | null | undefined} */
  data = undefined;
  /** @type {Place | null} */
  marked = null;
  /** The grid as it was last drawn. @type {Grid | null} */
  grid = null;
  room = 0;
  inView = true;
  /** The timer of a later drawing; 0 for none. */
  later = 0;

  /**
   * @param {Row} row
   * @param {number[]} most the largest figures of the network, for the bars
   * @param {(unit: Unit, pinned: boolean) => void} chosen called with a unit that is pointed at
   * @param {string[] | null} classes the classes' names, where the layer's units stand for them
   */
  constructor(row, most, chosen, classes) {
    this.row = row;
    this.classes = classes;
    this.chosen = chosen;
    this.canvas = make("canvas", { tabindex: 0, role: "img" });
    this.caption = make("p", { class: "caption" });
    this.scale = make("span", { class: "scale" });
    this.sheet = new OffscreenCanvas(1, 1);
    const maps = make("div", { class: "maps" }, this.canvas);
    this.element = make(
      "section",
      { class: "layer", "data-testid": "layer", "data-path": row.path, id: `layer-${row.path}` },
      make("h3", {}, make("span", { class: "path" }, row.path), make("span", { class: "words" }, row.words)),
      make("span", { class: "output", title: say("the shape of its output") }, show(row.output)),
      ...figures(row, most),
      maps,
      make("div", { class: "below" }, this.scale, this.caption),
    );
    this.canvas.addEventListener("pointermove", (event) => this.#point(event, false));
    this.canvas.addEventListener("click", (event) => this.#point(event, true));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(([entry]) => {
      this.room = Math.floor(entry.contentRect.width);
      this.draw();
    }).observe(maps);
    onTheme(() => this.draw());
  }

  /**
   * Take new values, null while nothing is drawn; show them now if they are in view, else later.
   * @param {Output | null} data
   */
  update(data) {
    this.data = data;
    if (this.later) this.#arrived();
    if (this.inView || !this.grid) {
      this.draw();
      return;
    }
    underway(1);
    this.later = setTimeout(() => {
      this.#arrived();
      this.draw();
    }, LATER);
  }

  #arrived() {
    clearTimeout(this.later);
    this.later = 0;
    underway(-1);
  }

  /** Frame a unit; null for none. @param {Place | null} unit */
  mark(unit) {
    this.marked = unit;
    this.draw();
  }

  /** Maps, height and width of what is shown. */
  get #shape() {
    return shownOf(this.data ? this.data.shape : this.row.output);
  }

  draw() {
    if (this.data === undefined || !this.room) return;
    const shape = this.#shape;
    const grid = gridOf(shape, this.room, { columns: this.row.columns, side: this.classes && sideFor(this.canvas, this.classes) });
    this.grid = grid;
    const context = sized(this.canvas, ...extentOf(grid, shape));
    context.imageSmoothingEnabled = grid.zoom < 1;
    if (this.data) this.#values(context, grid, this.data);
    else this.#blanks(context, grid);
    const plain = this.classes && !this.data?.values ? getComputedStyle(this.element).color : "";
    this.classes?.forEach((name, unit) => {
      const [left, top] = cornerOf(grid, shape, unit);
      const shown = this.data?.values ? { value: this.data.values[unit], scale: this.data.scale } : null;
      label(context, { left, top, side: grid.zoom }, name, shown, plain);
    });
    if (this.marked) this.#outline(context, grid, this.marked);
    this.#describe();
  }

  /** @type {(context: CanvasRenderingContext2D, grid: Grid, data: Output) => void} */
  #values(context, grid, data) {
    const { sheet } = this;
    const shape = this.#shape;
    const [maps, height, width] = shape;
    if (sheet.width !== width || sheet.height !== height * maps) [sheet.width, sheet.height] = [width, height * maps];
    contextOf(sheet).putImageData(paint(data.codes, width, height * maps), 0, 0);
    for (let map = 0; map < maps; map += 1) {
      const [left, top] = cornerOf(grid, shape, map);
      context.drawImage(sheet, 0, map * height, width, height, left, top, grid.zoom * width, grid.zoom * height);
    }
  }

  /**
   * While nothing is drawn every map is a square of one colour.
   * @type {(context: CanvasRenderingContext2D, grid: Grid) => void}
   */
  #blanks(context, grid) {
    const shape = this.#shape;
    context.fillStyle = getComputedStyle(this.element).getPropertyValue("--cell");
    for (let map = 0; map < shape[0]; map += 1) {
      context.fillRect(...cornerOf(grid, shape, map), grid.zoom * shape[2], grid.zoom * shape[1]);
    }
  }

  /** @type {(context: CanvasRenderingContext2D, grid: Grid, unit: Place) => void} */
  #outline(context, grid, { map, row, column }) {
    const [left, top] = cornerOf(grid, this.#shape, map);
    const { zoom } = grid;
    context.lineWidth = 2;
    context.strokeStyle = getComputedStyle(this.element).getPropertyValue("--mark");
    context.strokeRect(left + column * zoom - 1, top + row * zoom - 1, zoom + 2, zoom + 2);
  }

  #describe() {
    const { row, data, classes } = this;
    const [maps, height, width] = this.#shape;
    const [all] = row.output;
    const many = height * width > 1;
    const what = many ? say("{maps} maps of {height} by {width}", { maps, height, width }) : say("{units} units", { units: maps });
    const values = data ? say("up to {value}", { value: number(data.scale, 2) }) : say("nothing is drawn yet");
    const exact = classes && data?.values;
    const named = exact ? ` ${classes.map((name, at) => `${name}: ${brief(exact[at])}`).join(", ")}.` : "";
    const text = `${row.path}, ${row.words}: ${what}, ${values}.${named} ${say("Arrow keys choose a unit.")}`;
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
    write(this.scale, data ? `±${number(data.scale, 2)}` : say("nothing is drawn yet"));
    write(this.caption, exact ? verdict(exact, classes, row.kind === "rbf") : maps < all ? cut(maps, all, many) : "");
  }

  /** @type {(event: MouseEvent, pinned: boolean) => void} */
  #point(event, pinned) {
    const unit = this.grid && unitAt(this.grid, this.#shape, event.offsetX, event.offsetY);
    if (unit) this.chosen({ path: this.row.path, ...unit }, pinned);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.grid || event.ctrlKey || event.metaKey) return;
    const unit = moved(this.grid, this.#shape, this.marked, event.key);
    if (unit === undefined) return;
    event.preventDefault();
    if (unit) this.chosen({ path: this.row.path, ...unit }, true);
  }
}

/** That only the first maps or units are shown. @type {(maps: number, all: number, many: boolean) => string} */
function cut(maps, all, many) {
  const part = { shown: count(maps), all: count(all) };
  return many ? say("the first {shown} of {all} maps", part) : say("the first {shown} of {all} units", part);
}

/**
 * The cells of a layer's parameters, connections, MACs and receptive field.
 * @type {(row: Row, most: number[]) => HTMLElement[]}
 */
function figures(row, most) {
  const cells = [row.weights + row.biases, row.connections, row.macs].map((value, at) => {
    const cell = make("span", { class: "figure", "data-of": FIGURES[at], "data-label": say(FIGURES[at]) }, value ? count(value) : "");
    if (value && FIGURES[at] !== "connections") {
      const bar = make("i");
      bar.style.width = `${Math.max(1.5, (100 * value) / most[at])}%`;
      cell.append(bar);
    }
    return cell;
  });
  const [high, wide] = row.receptive_field.size;
  return [...cells, make("span", { class: "figure", "data-of": "field", "data-label": say("field") }, high === wide ? `${high}` : `${high}×${wide}`)];
}
