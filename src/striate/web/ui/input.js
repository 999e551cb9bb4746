/** The network's input, enlarged: with the receptive field of a unit on it, or with what speaks for a class. */

const MARGIN = 12;

export class Input {
  constructor(canvas, preprocessing) {
    this.canvas = canvas;
    this.preprocessing = preprocessing;
    this.data = this.field = this.attribution = null;
    this.room = 0;
    new ResizeObserver(([entry]) => {
      this.room = entry.contentRect.width;
      this.draw();
    }).observe(canvas.parentElement);
  }

  update(data) {
    this.data = data;
    this.draw();
  }

  /** @param field {field, unclipped} of a unit, or null */
  frame(field) {
    this.field = field;
    this.draw();
  }

  /** @param values for each pixel how much it speaks for a class, or null */
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
    const ratio = devicePixelRatio;
    const [across, down] = [room, zoom * height + 2 * MARGIN];
    if (this.canvas.width !== Math.round(across * ratio) || this.canvas.height !== Math.round(down * ratio)) {
      [this.canvas.width, this.canvas.height] = [Math.round(across * ratio), Math.round(down * ratio)];
      this.canvas.style.width = `${across}px`;
      this.canvas.style.height = `${down}px`;
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, across, down);
    context.imageSmoothingEnabled = false;
    const picture = new OffscreenCanvas(width, height);
    picture.getContext("2d").putImageData(this.#pixels(height, width), 0, 0);
    context.drawImage(picture, MARGIN, MARGIN, zoom * width, zoom * height);
    if (this.attribution) this.#tint(context, zoom, height, width);
    if (this.field) this.#frame(context, zoom);
  }

  /** The levels that the values came from, 0 to 255. */
  #pixels(height, width) {
    const { low, high } = this.preprocessing;
    const { codes, scale, shape } = this.data;
    const value = codes ? (at) => ((codes[at] - 128) / 127) * scale : () => low; // nothing is drawn
    const pixels = new ImageData(width, height);
    for (let at = 0; at < height * width; at += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const level = value((shape[0] === 3 ? channel * height * width : 0) + at);
        pixels.data[4 * at + channel] = (255 * (level - low)) / (high - low);
      }
      pixels.data[4 * at + 3] = 255;
    }
    return pixels;
  }

  #tint(context, zoom, height, width) {
    const most = Math.max(...this.attribution.flat().map(Math.abs));
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const value = this.attribution[row][column];
        context.globalAlpha = most ? 0.85 * (Math.abs(value) / most) ** 0.7 : 0;
        context.fillStyle = value > 0 ? "#ff6a3d" : "#3d9bff";
        context.fillRect(MARGIN + column * zoom, MARGIN + row * zoom, zoom + 0.5, zoom + 0.5);
      }
    }
    context.globalAlpha = 1;
  }

  #frame(context, zoom) {
    const { field, unclipped } = this.field;
    const rectangle = ({ rows, columns }) => [
      MARGIN + columns[0] * zoom,
      MARGIN + rows[0] * zoom,
      (columns[1] - columns[0] + 1) * zoom,
      (rows[1] - rows[0] + 1) * zoom,
    ];
    context.strokeStyle = "#ffb020";
    if (JSON.stringify(field) !== JSON.stringify(unclipped)) {
      context.lineWidth = 1.5;
      context.setLineDash([4, 3]);
      context.strokeRect(...rectangle(unclipped));
      context.setLineDash([]);
    }
    if (!field) return;
    context.lineWidth = 2.5;
    context.strokeRect(...rectangle(field));
  }
}
