/** The layers, one under another: a row of the account, and under it the maps as they are now. */

import { count, make, number, show, write } from "./elements.js";
import { colour, deep, onTheme, paint } from "./palette.js";
import { underway } from "./status.js";

const GAP = 6;
/** Layers out of view are drawn after so many milliseconds without news. */
const LATER = 150;
/** Of each layer so many maps are fetched. */
export const MAPS = 64;
/** An output that has the classes' names on it: its squares' sides, the least and the most, and the letters' size. */
const [LEAST, MOST, LETTERS] = [44, 76, 11];
const FIGURES = ["parameters", "connections", "MACs", "field"];

/** How large a map is drawn, in CSS pixels a value, and how far apart; `wide` is the room, `side` a square's, if given. */
function layout([maps, height, width], wide, columns, side) {
  if (side) return { zoom: side, gap: 4, columns: Math.max(1, Math.min(maps, Math.floor((wide + 4) / (side + 4)))) };
  if (height === 1 && width === 1) {
    if (columns) return { zoom: 13, gap: 1, columns };
    const zoom = maps <= 16 ? 30 : maps <= 256 ? 15 : 9;
    return { zoom, gap: 2, columns: Math.max(1, Math.min(maps, Math.floor((wide + 2) / (zoom + 2)))) };
  }
  const longer = Math.max(height, width);
  const most = longer > 16 ? 92 : longer > 8 ? 72 : 56;
  const even = (wide - (maps - 1) * GAP) / maps / width;
  let zoom = Math.min(most / longer, Math.max(even, (0.7 * most) / longer));
  if (zoom >= 1) zoom = Math.floor(zoom);
  zoom = Math.min(zoom, wide / width);
  const fit = Math.max(1, Math.min(maps, Math.floor((wide + GAP) / (zoom * width + GAP))));
  return { zoom, gap: GAP, columns: Math.ceil(maps / Math.ceil(maps / fit)) };
}

/** A flat vector is drawn as maps of one value. */
const asMaps = (shape) => (shape.length === 3 ? shape : [shape[0], 1, 1]);

/** The shape of what is fetched of an output. */
const fetched = ([maps, height = 1, width = 1]) => [height * width > 1 ? Math.min(maps, MAPS) : maps, height, width];

/** A number in at most five characters or so, where it is below 10,000. */
function brief(value) {
  const size = Math.abs(value);
  return number(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** A text that is cut where it is wider than `room`. */
function short(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length - 1;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** One layer: its row of figures and its canvas. */
export class Layer {
  /**
   * @param row a row of the account
   * @param most the largest figures of the network, for the bars
   * @param {(unit: object, pinned: boolean) => void} chosen called with a unit that is pointed at
   * @param {string[] | null} classes the classes' names, where the layer's units stand for them
   */
  constructor(row, most, chosen, classes) {
    this.row = row;
    this.classes = classes;
    this.data = undefined;
    this.marked = null;
    this.chosen = chosen;
    this.canvas = make("canvas", { tabindex: 0, role: "img" });
    this.caption = make("p", { class: "caption" });
    this.scale = make("span", { class: "scale" });
    this.element = make(
      "section",
      { class: "layer", "data-testid": "layer", "data-path": row.path, id: `layer-${row.path}` },
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
    this.later = 0;
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

  /** Take new values, null while nothing is drawn; show them now if they are in view, else when there is time. */
  update(data) {
    this.data = data;
    if (this.later) this.#arrived();
    if (this.inView || !this.plan) {
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

  mark(unit) {
    this.marked = unit;
    this.draw();
  }

  /** Maps, height and width of what is shown. */
  get #shape() {
    return this.data ? asMaps(this.data.shape) : fetched(this.row.output);
  }

  draw() {
    if (this.data === undefined || !this.room) return;
    const [maps, height, width] = this.#shape;
    const plan = layout([maps, height, width], this.room, this.row.columns, this.classes && this.#side());
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
    if (this.data) this.#values(context, maps, height, width);
    else this.#blanks(context, maps, height, width);
    if (this.classes) this.#names(context);
    if (this.marked) this.#outline(context, height, width);
    this.#describe(maps, height, width);
  }

  #values(context, maps, height, width) {
    const { sheet, plan } = this;
    if (sheet.width !== width || sheet.height !== height * maps) [sheet.width, sheet.height] = [width, height * maps];
    sheet.getContext("2d").putImageData(paint(this.data.codes, width, height * maps), 0, 0);
    for (let map = 0; map < maps; map += 1) {
      const [left, top] = this.#corner(map, height, width);
      context.drawImage(sheet, 0, map * height, width, height, left, top, plan.zoom * width, plan.zoom * height);
    }
  }

  /** While nothing is drawn a map is one even square. */
  #blanks(context, maps, height, width) {
    context.fillStyle = getComputedStyle(this.element).getPropertyValue("--cell");
    for (let map = 0; map < maps; map += 1) {
      context.fillRect(...this.#corner(map, height, width), this.plan.zoom * width, this.plan.zoom * height);
    }
  }

  /** The side of a square that has room for the classes' names. */
  #side() {
    const context = this.canvas.getContext("2d");
    context.font = `700 ${LETTERS}px system-ui, sans-serif`;
    return Math.max(LEAST, Math.min(MOST, 8 + Math.ceil(Math.max(...this.classes.map((name) => context.measureText(name).width)))));
  }

  /** On each square its class and, under that, its value. */
  #names(context) {
    const { zoom } = this.plan;
    context.textAlign = "center";
    this.classes.forEach((name, unit) => {
      const [left, top] = this.#corner(unit, 1, 1);
      const ground = this.data && colour(this.data.values[unit], this.data.scale);
      context.fillStyle = ground ? (deep(ground) ? "#fff" : "#000") : getComputedStyle(this.element).color;
      context.font = `700 ${LETTERS + 2}px system-ui, sans-serif`;
      context.fillText(short(context, name, zoom - 6), left + zoom / 2, top + zoom / 2 - 3);
      if (!this.data) return;
      context.font = `${LETTERS}px system-ui, sans-serif`;
      context.fillText(brief(this.data.values[unit]), left + zoom / 2, top + zoom / 2 + LETTERS + 1);
    });
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
    const values = this.data ? `up to ${number(this.data.scale, 2)}` : "nothing is drawn yet";
    const named = this.classes && this.data ? ` ${this.classes.map((name, at) => `${name}: ${brief(this.data.values[at])}`).join(", ")}.` : "";
    const label = `${this.row.path}, ${this.row.words}: ${what}, ${values}.${named} Arrow keys choose a unit.`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
    write(this.scale, this.data ? `±${number(this.data.scale, 2)}` : "nothing is drawn yet");
    write(this.caption, maps < all ? `the first ${maps} of ${all} maps` : this.classes && this.data ? this.#says() : "");
  }

  /** Which class its values speak for: of distances the smallest, else the largest. */
  #says() {
    const { values } = this.data;
    const distances = this.row.kind === "rbf";
    const best = values.reduce((top, value, at) => ((distances ? value < values[top] : value > values[top]) ? at : top), 0);
    return distances ? `squared distances to the classes’ centres: the nearest is ${this.classes[best]}` : `the largest value is that of ${this.classes[best]}`;
  }

  #point(event, pinned) {
    if (!this.plan) return;
    const [maps, height, width] = this.#shape;
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
    const [maps, height, width] = this.#shape;
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
