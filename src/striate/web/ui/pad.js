/** The pad: light ink on a dark board, kept as strokes, so that each can be taken back. */

const PAPER = 224;
const PEN = 0.08;
const ERASER = 0.17;
/** Levels up to this, of 255, are no ink. */
const FAINT = 60;
const INK = "#f4f2ec";
const BOARD = "#101216";

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas what is drawn on
   * @param {() => void} changed called after every change
   * @param {number} ratio how many times as wide as high it is
   */
  constructor(canvas, changed, ratio = 1) {
    this.canvas = canvas;
    this.paper = [PAPER * ratio, PAPER];
    this.changed = changed;
    this.tool = "pen";
    this.done = [];
    this.stroke = null;
    this.cursor = null;
    this.paperContext = new OffscreenCanvas(...this.paper).getContext("2d", { willReadFrequently: true });
    this.context = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#lift());
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  /** The marks since the last clear, or the last image; an image stands alone. */
  get #visible() {
    const start = this.done.findLastIndex((mark) => mark.kind !== "stroke");
    return this.done.slice(Math.max(0, start)).filter((mark) => mark.kind === "stroke" || mark.kind === "image");
  }

  get image() {
    const [first] = this.#visible;
    return first?.kind === "image" ? first : null;
  }

  /** Whether there is nothing on it that could be seen. */
  get blank() {
    return !this.image && !this.#levels().some((level) => level > FAINT);
  }

  /** The bytes of an image file: the one that was dropped here, or the drawing as a PGM. */
  content() {
    if (this.image) return this.image.file;
    const [width, height] = this.paper;
    const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
    const file = new Uint8Array(head.length + width * height);
    file.set(head);
    file.set(this.#levels(), head.length);
    return file;
  }

  /** The drawing as levels from 0, the board, to 255, ink. */
  #levels() {
    if (this.levels) return this.levels;
    const { data } = this.paperContext.getImageData(0, 0, ...this.paper);
    const [paper, ink] = [BOARD, INK].map((colour) => parseInt(colour.slice(1, 3), 16));
    this.levels = new Uint8ClampedArray(data.length / 4);
    for (let at = 0; at < this.levels.length; at += 1) this.levels[at] = ((data[4 * at] - paper) * 255) / (ink - paper);
    return this.levels;
  }

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

  #add(mark) {
    this.done.push(mark);
    this.#redraw();
    this.changed();
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #begin(point) {
    if (this.image) this.done.push({ kind: "wiped" });
    this.stroke = { kind: "stroke", tool: this.tool, points: [point] };
    this.done.push(this.stroke);
    this.#redraw();
  }

  #extend(points) {
    const from = this.stroke.points.at(-1);
    this.stroke.points.push(...points);
    const part = { ...this.stroke, points: [from, ...points] };
    this.#draw(this.context, [this.canvas.width, this.canvas.height], part);
    this.#draw(this.paperContext, this.paper, part);
    this.levels = null;
    this.changed();
  }

  #down(event) {
    if (event.button !== 0 || this.stroke) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.cursor = null;
    this.#begin(this.#at(event));
    this.changed();
  }

  #move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.#extend((events.length ? events : [event]).map((each) => this.#at(each)));
  }

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

  /** The pad from the keyboard: arrows move the pen, the space bar sets it down and lifts it. */
  #key(event) {
    const far = event.shiftKey ? 0.01 : 0.04;
    const moves = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    if (event.key in moves) {
      const [x, y] = this.cursor ?? [0.5, 0.5];
      const [across, down] = moves[event.key];
      this.cursor = [x + across, y + down].map((each) => Math.max(0.04, Math.min(0.96, each)));
      if (this.stroke) this.#extend([this.cursor]);
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
    const shown = [width, Math.round((width * this.paper[1]) / this.paper[0])];
    if (this.canvas.width !== width) [this.canvas.width, this.canvas.height] = shown;
    for (const [context, size] of [[this.context, shown], [this.paperContext, this.paper]]) {
      context.fillStyle = BOARD;
      context.fillRect(0, 0, ...size);
      for (const mark of this.#visible) this.#draw(context, size, mark);
    }
    this.levels = null;
    if (this.cursor) this.#cross(shown);
  }

  #draw(context, size, mark) {
    if (mark.kind === "image") {
      if (context === this.context) this.#picture(mark.picture);
      return;
    }
    const [width, height] = size;
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = (mark.tool === "pen" ? PEN : ERASER) * height;
    context.strokeStyle = mark.tool === "pen" ? INK : BOARD;
    context.beginPath();
    const [[x, y], ...rest] = mark.points;
    context.moveTo(x * width, y * height);
    if (!rest.length) context.lineTo(x * width + 0.01, y * height);
    for (const [right, down] of rest) context.lineTo(right * width, down * height);
    context.stroke();
  }

  /** Where a picture of some size lies on the pad: {ratio, left, top}, in the pad's own pixels. */
  place({ width, height }) {
    const ratio = Math.min(this.canvas.width / width, this.canvas.height / height);
    return { ratio, left: (this.canvas.width - width * ratio) / 2, top: (this.canvas.height - height * ratio) / 2 };
  }

  #picture(picture) {
    if (!picture) return;
    const { ratio, left, top } = this.place(picture);
    this.context.imageSmoothingEnabled = ratio < 2;
    this.context.drawImage(picture, left, top, picture.width * ratio, picture.height * ratio);
  }

  #cross(size) {
    const [x, y] = this.cursor.map((each, axis) => each * size[axis]);
    const arm = 0.05 * size[1];
    this.context.lineWidth = Math.max(1, size[1] / 140);
    this.context.strokeStyle = this.stroke ? "#ff8a5c" : "#5cb0ff";
    this.context.beginPath();
    this.context.moveTo(x - arm, y);
    this.context.lineTo(x + arm, y);
    this.context.moveTo(x, y - arm);
    this.context.lineTo(x, y + arm);
    this.context.stroke();
  }
}
