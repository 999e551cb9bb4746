/** Colours of numbers: 256 of them, blue below 0 and red above; 0 has nearly the colour of the page. */

/** @typedef {{ zero: number[], above: number[], below: number[] }} Ends red, green and blue at 0 and at both ends */

/** @type {Ends} */
const LIGHT = { zero: [247, 247, 245], above: [178, 24, 43], below: [33, 102, 172] };
/** @type {Ends} */
const DARK = { zero: [26, 29, 35], above: [255, 138, 92], below: [92, 176, 255] };

const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {(() => void)[]} */
const whenChanged = [];
dark.addEventListener("change", () => {
  colours = mixed();
  whenChanged.forEach((each) => each());
});

/** Call `paint` whenever the page turns dark or light. @param {() => void} paint */
export const onTheme = (paint) => whenChanged.push(paint);

function mixed() {
  const { zero, above, below } = dark.matches ? DARK : LIGHT;
  const table = new Uint32Array(256);
  for (let code = 0; code < 256; code += 1) {
    const share = Math.min(1, Math.abs(code - 128) / 127) ** 0.8;
    const end = code < 128 ? below : above;
    const [red, green, blue] = zero.map((from, at) => Math.round(from + share * (end[at] - from)));
    table[code] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return table;
}

let colours = mixed();

/** Codes as pixels. @type {(codes: Uint8Array, width: number, height: number) => ImageData} */
export function paint(codes, width, height) {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < words.length; at += 1) words[at] = colours[codes[at]];
  return pixels;
}

/** The CSS colour of a value; `scale` has the full colour. @type {(value: number, scale: number) => string} */
export function colour(value, scale) {
  const code = scale ? Math.max(0, Math.min(255, Math.round(128 + (127 * value) / scale))) : 128;
  const word = colours[code];
  return `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
}

/** Whether white reads better than black on a colour that `colour` gave. @param {string} css */
export function deep(css) {
  const [red, green, blue] = (css.match(/\d+/g) ?? []).map((level) => (Number(level) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18;
}
