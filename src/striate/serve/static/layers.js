/** The layers, one under another: a row of the account, and under it the maps as they are now. */

import { count, make, number, show, write } from "./elements.js";
import { onTheme, paint } from "./palette.js";

const GAP = 6;
/** Layers out of view are drawn after so many milliseconds without news. */
const LATER = 150;
const FIGURES = ["parameters", "connections", "MACs", "field"];

/** How large a map is drawn, in CSS pixels a value, and how far apart; `wide` is the room. */
function layout([maps, height, width], wide, columns) {
  if (height === 1 && width === 1) {
    if (columns) return { zoom: 13, gap: 1, columns };
    const zoom = maps <= 16 ? 30 : maps <= 256 ? 15 : 9;
    return { zoom, gap: 2, columns: Math.max(1, Math.min(maps, Math.floor((wide + 2) / (zoom + 2)))) };
  }
  const side = Math.max(height, width);
  const most = side > 16 ? 92 : side > 8 ? 72 : 56;
  const even = (wide - (maps - 1) * GAP) / maps / width;
  let zoom = Math.min(most / side, Math.max(even, (0.7 * most) / side));
  if (zoom >= 1) zoom = Math.floor(zoom);
  zoom = Math.min(zoom, wide / width);
  const fit = Math.max(1, Math.min(maps, Math.floor((wide + GAP) / (zoom * width + GAP))));
  return { zoom, gap: GAP, columns: Math.ceil(maps / Math.ceil(maps / fit)) };
}

/** A flat vector is drawn as maps of one value. */
const asMaps = (shape) => (shape.length === 3 ? shape : [shape[0], 1, 1]);

/** One layer: its row of figures and its canvas. */
export class Layer {
  /**
   * @param row a row of the account
   * @param most the largest figures of the network, for the bars
   * @param {(unit: object, pinned: boolean) => void} chosen called with a unit that is pointed at
   */
  constructor(row, most, chosen) {
    this.row = row;
    this.data = null;
    this.marked = null;
    this.chosen = chosen;
    this.canvas = make("canvas", { tabindex: 0, role: "img" });
    this.caption = make("p", { class: "caption" });
    this.scale = make("span", { class: "scale" });
    this.element = make(
      "section",
      { class: `layer ${row.kind}`, "data-testid": "layer", "data-path": row.path, id: `layer-${row.path}` },
      make("h3", {}, make("span", { class: "path" }, row.path), make("span", { class: "words" }, row.words)),
      make("span", { class: "output", title: "the shape of its output" }, show(row.output)),
      ...this.#figures(row, most),
      make("div", { class: "maps" }, this.canvas),
      make("div", { class: "below" }, this.scale, this.caption),
    );
    this.canvas.addEventListener("pointermove", (event) => this.#point(event, false));
    this.canvas.addEventListener("click", (event) => this.#point(event, true));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.room = 0;
    this.inView = true;
    this.sheet = new OffscreenCanvas(1, 1);
    new ResizeObserver(([entry]) => {
      this.room = Math.floor(entry.contentRect.width);
      this.draw();
    }).observe(this.canvas.parentElement);
    onTheme(() => this.draw());
  }

  #figures(row, most) {
    const values = [row.weights + row.biases, row.connections, row.macs];
    const found = values.map((value, at) => {
      const cell = make("span", { class: "figure", "data-of": FIGURES[at] }, value ? count(value) : "");
      if (value && FIGURES[at] !== "connections") {
        const bar = make("i");
        bar.style.width = `${Math.max(1.5, (100 * value) / most[at])}%`;
        cell.append(bar);
      }
      return cell;
    });
    const [high, wide] = row.receptive_field.size;
    return [...found, make("span", { class: "figure", "data-of": "field" }, high === wide ? `${high}` : `${high}×${wide}`)];
  }

  /** Take new values; draw them now if they are in view, else when there is time. */
  update(data) {
    this.data = data;
    clearTimeout(this.later);
    if (this.inView || !this.plan) this.draw();
    else this.later = setTimeout(() => this.draw(), LATER);
  }

  mark(unit) {
    this.marked = unit;
    this.draw();
  }

  draw() {
    if (!this.data || !this.room) return;
    const [maps, height, width] = asMaps(this.data.shape);
    const plan = layout([maps, height, width], this.room, this.row.columns);
    const ratio = devicePixelRatio;
    const rows = Math.ceil(maps / plan.columns);
    const across = plan.columns * (plan.zoom * width + plan.gap) - plan.gap;
    const down = rows * (plan.zoom * height + plan.gap) - plan.gap;
    const { canvas } = this;
    const size = [Math.round(across * ratio), Math.round(down * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      canvas.style.width = `${across}px`;
      canvas.style.height = `${down}px`;
    }
    this.plan = plan;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, across, down);
    context.imageSmoothingEnabled = plan.zoom < 1;
    const { sheet } = this;
    if (sheet.width !== width || sheet.height !== height * maps) [sheet.width, sheet.height] = [width, height * maps];
    sheet.getContext("2d").putImageData(paint(this.data.codes, width, height * maps), 0, 0);
    for (let map = 0; map < maps; map += 1) {
      const [left, top] = this.#corner(map, height, width);
      context.drawImage(sheet, 0, map * height, width, height, left, top, plan.zoom * width, plan.zoom * height);
    }
    if (this.marked) this.#outline(context, height, width);
    this.#describe(maps, height, width);
  }

  #corner(map, height, width) {
    const { zoom, gap, columns } = this.plan;
    return [(map % columns) * (zoom * width + gap), Math.floor(map / columns) * (zoom * height + gap)];
  }

  #outline(context, height, width) {
    const { map, row, column } = this.marked;
    const [left, top] = this.#corner(map, height, width);
    const zoom = this.plan.zoom;
    context.lineWidth = 2;
    context.strokeStyle = getComputedStyle(this.element).getPropertyValue("--mark");
    context.strokeRect(left + column * zoom - 1, top + row * zoom - 1, zoom + 2, zoom + 2);
  }

  #describe(maps, height, width) {
    const [all] = this.row.output;
    const what = height * width > 1 ? `${maps} maps of ${height} by ${width}` : `${maps} units`;
    const label = `${this.row.path}, ${this.row.words}: ${what}, up to ${number(this.data.scale, 2)}. Arrow keys choose a unit.`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
    write(this.scale, `±${number(this.data.scale, 2)}`);
    write(this.caption, maps < all ? `the first ${maps} of ${all} maps` : "");
  }

  #point(event, pinned) {
    if (!this.plan) return;
    const [maps, height, width] = asMaps(this.data.shape);
    const { zoom, gap, columns } = this.plan;
    const [x, y] = [event.offsetX, event.offsetY];
    const [right, down] = [Math.floor(x / (zoom * width + gap)), Math.floor(y / (zoom * height + gap))];
    const map = down * columns + right;
    const column = Math.floor((x - right * (zoom * width + gap)) / zoom);
    const row = Math.floor((y - down * (zoom * height + gap)) / zoom);
    if (right >= columns || map >= maps || column >= width || row >= height || row < 0 || column < 0) return;
    this.chosen({ path: this.row.path, map, row, column }, pinned);
  }

  /** Arrows walk through a map (or a vector), Page Up and Down through the maps. */
  #key(event) {
    if (!this.plan || event.ctrlKey || event.metaKey) return;
    const [maps, height, width] = asMaps(this.data.shape);
    const flat = height * width === 1;
    const at = this.marked ?? { path: this.row.path, map: 0, row: Math.floor(height / 2), column: Math.floor(width / 2) };
    let { map, row, column } = at;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in moves) {
      const [down, right] = moves[event.key];
      if (this.marked && flat) map += right + down * this.plan.columns;
      else if (this.marked) [row, column] = [row + down, column + right];
    } else if (event.key === "PageUp") map -= 1;
    else if (event.key === "PageDown") map += 1;
    else return;
    event.preventDefault();
    if (map < 0 || map >= maps || row < 0 || row >= height || column < 0 || column >= width) return;
    this.chosen({ path: this.row.path, map, row, column }, true);
  }
}
