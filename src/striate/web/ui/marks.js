/** The marks on the pad: how they are drawn, and how the drawing is read. */

/** A point as shares of the pad's width and height. @typedef {[number, number]} Point */
/** @typedef {{ kind: "stroke", tool: string, points: Point[] }} Stroke */
/** An image file; `picture` is null where the browser cannot decode it. @typedef {{ kind: "image", file: Blob, picture: ImageBitmap | null }} Picture */
/** What was done on the pad; "wiped" is an image that gave way to a stroke. @typedef {Stroke | Picture | { kind: "clear" | "wiped" }} Mark */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */
/** Width and height in pixels. @typedef {[number, number]} Size */

/** The widths of the pen and the eraser, as shares of the pad's height. */
const [PEN, ERASER] = [0.08, 0.17];
const INK = "#f4f2ec";
const BOARD = "#101216";

/** Cover the whole pad with the board's colour. @type {(context: Context, size: Size) => void} */
export function drawBoard(context, size) {
  context.fillStyle = BOARD;
  context.fillRect(0, 0, ...size);
}

/** @type {(context: Context, size: Size, stroke: Stroke) => void} */
export function drawStroke(context, [width, height], { tool, points }) {
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = (tool === "pen" ? PEN : ERASER) * height;
  context.strokeStyle = tool === "pen" ? INK : BOARD;
  context.beginPath();
  const [[x, y], ...rest] = points;
  context.moveTo(x * width, y * height);
  if (!rest.length) context.lineTo(x * width + 0.01, y * height);
  for (const [right, down] of rest) context.lineTo(right * width, down * height);
  context.stroke();
}

/** The cross that the keyboard moves; in another colour while it draws. @type {(context: Context, size: Size, cursor: Point, draws: boolean) => void} */
export function drawCross(context, size, cursor, draws) {
  const [x, y] = cursor.map((each, axis) => each * size[axis]);
  const arm = 0.05 * size[1];
  context.lineWidth = Math.max(1, size[1] / 140);
  context.strokeStyle = draws ? "#ff8a5c" : "#5cb0ff";
  context.beginPath();
  context.moveTo(x - arm, y);
  context.lineTo(x + arm, y);
  context.moveTo(x, y - arm);
  context.lineTo(x, y + arm);
  context.stroke();
}

/** The drawing as levels from 0, the board, to 255, ink. @type {(context: Context, size: Size) => Uint8ClampedArray} */
export function levelsOf(context, size) {
  const { data } = context.getImageData(0, 0, ...size);
  const [board, ink] = [BOARD, INK].map((colour) => parseInt(colour.slice(1, 3), 16));
  const levels = new Uint8ClampedArray(data.length / 4);
  for (let at = 0; at < levels.length; at += 1) levels[at] = ((data[4 * at] - board) * 255) / (ink - board);
  return levels;
}

/** Levels as a PGM file. @type {(levels: Uint8ClampedArray, size: Size) => Uint8Array<ArrayBuffer>} */
export function pgm(levels, [width, height]) {
  const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
  const file = new Uint8Array(head.length + width * height);
  file.set(head);
  file.set(levels, head.length);
  return file;
}
