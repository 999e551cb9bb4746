/** Colours for numbers: 256 of them around 0, blue below and red above; paper at 0, so that silence is quiet. */

const LIGHT = { zero: [247, 247, 245], above: [178, 24, 43], below: [33, 102, 172] };
const DARK = { zero: [26, 29, 35], above: [255, 138, 92], below: [92, 176, 255] };

const dark = matchMedia("(prefers-color-scheme: dark)");
const whenChanged = [];
dark.addEventListener("change", () => {
  colours = mixed();
  whenChanged.forEach((each) => each());
});

/** Run `paint` whenever the page turns dark or light. */
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

/** The colours of codes, as the pixels of an ImageData. */
export function paint(codes, width, height) {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < codes.length; at += 1) words[at] = colours[codes[at]];
  return pixels;
}

/** A CSS colour for a value, `scale` being full. */
export function colour(value, scale) {
  const code = scale ? Math.max(0, Math.min(255, Math.round(128 + (127 * value) / scale))) : 128;
  const word = colours[code];
  return `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
}

/** Whether white reads better than black on a CSS colour as `colour` gives it. */
export function deep(css) {
  const [red, green, blue] = css.match(/\d+/g).map((level) => (level / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18;
}
