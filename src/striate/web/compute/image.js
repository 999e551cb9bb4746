/** The bytes of an image file as the network's input: the twin of striate/data/image_file.py and preprocess.py. */

import { Answered } from "./answered.js";
import { digitSteps } from "./digit.js";
import { cut, placed, plane, resized, rint } from "./planes.js";
import { ofChannel } from "./range.js";

/** @import { Interpolation, Picture, Plane, Preprocessing } from "./types.js" */
/** A step of the way, in one channel or three. @typedef {{ name: string, note: string, planes: Plane[] }} Step */

/** The weights of red, green and blue in grey (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114];
const MOST_PIXELS = 16e6;
/** The side of the windows that slide along a line. */
const WINDOW = 32;
/** The longest side, in pixels, of a step's picture. */
const PICTURE = 112;

/**
 * The input's values, and the steps on the way.
 * @param {Uint8Array<ArrayBuffer>} bytes an image file
 * @param {Preprocessing} way
 * @param {boolean} prepared whether a drawing is brought to MNIST's form
 */
export async function read(bytes, way, prepared) {
  const planes = pgm(bytes) ?? (await decoded(bytes));
  const { fitted, steps } = way.form !== "picture" && prepared ? digit(planes, way) : picture(planes, way);
  const size = fitted[0].values.length;
  const input = new Float32Array(fitted.length * size);
  fitted.forEach(({ values }, channel) => {
    const [low, high] = [ofChannel(way.low, channel), ofChannel(way.high, channel)];
    const factor = Math.fround((high - low) / 255);
    values.forEach((value, at) => { input[channel * size + at] = Math.fround(value * factor) + low; });
  });
  return { input, steps: steps.map(small) };
}

/** A digit in MNIST's form. @type {(planes: Plane[], way: Preprocessing) => { fitted: Plane[], steps: Step[] }} */
function digit(planes, way) {
  const made = digitSteps(grey(planes));
  const last = made[made.length - 1];
  const fitted = way.form === "line" ? placed(last, WINDOW, WINDOW, (WINDOW - last.height) / 2, (WINDOW - last.width) / 2) : last;
  return { fitted: pack([fitted], way), steps: made.map((step) => ({ ...step, planes: [step] })) };
}

/** A picture as it is. @type {(planes: Plane[], way: Preprocessing) => { fitted: Plane[], steps: Step[] }} */
function picture(planes, way) {
  const fitted = pack(planes, way);
  /** @type {(all: Plane[]) => string} */
  const show = (all) => `${all[0].height} × ${all[0].width}, ${all.length === 1 ? "grey" : "RGB"}`;
  return { fitted, steps: [{ name: "picture", note: show(planes), planes }, { name: "input", note: show(fitted), planes: fitted }] };
}

/**
 * A PGM, which the pad gives: "P5 width height 255" and a level for each pixel; null for another format.
 * @param {Uint8Array} bytes
 */
function pgm(bytes) {
  const head = /^P5 (\d+) (\d+) 255\n/.exec(String.fromCharCode(...bytes.subarray(0, 24)));
  return head && [plane(Number(head[2]), Number(head[1]), new Float32Array(bytes.subarray(head[0].length)))];
}

/** @param {string} what */
const refused = (what) => new Answered({
  what,
  expected: "Expected an image file, such as PNG or JPEG.",
  remedy: "Choose the picture as PNG or JPEG, in a smaller size if it is large.",
});

/**
 * One plane of grey, or three of red, green and blue, upright, on white where the picture is transparent.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function decoded(bytes) {
  const picture = await createImageBitmap(new Blob([bytes]), { premultiplyAlpha: "none", colorSpaceConversion: "none" }).catch(() => null);
  if (!picture) throw refused("not an image of a known format.");
  const { height, width } = picture;
  if (height * width > MOST_PIXELS) throw refused(`too large: ${width} × ${height} pixels, at most ${MOST_PIXELS.toLocaleString("en")} are decoded.`);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }));
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const planes = [0, 1, 2].map((channel) => {
    const out = plane(height, width);
    for (let at = 0; at < out.values.length; at += 1) {
      const share = data[4 * at + 3] / 255;
      out.values[at] = Math.round(255 + share * (data[4 * at + channel] - 255));
    }
    return out;
  });
  const [red, green, blue] = planes.map(({ values }) => values);
  return red.every((level, at) => level === green[at] && level === blue[at]) ? planes.slice(0, 1) : planes;
}

/** Red, green and blue mixed to grey as Pillow does it. @param {Plane[]} planes */
function grey(planes) {
  if (planes.length === 1) return planes[0];
  const [red, green, blue] = planes.map(({ values }) => values);
  const mixed = red.map((level, at) => Math.floor((level * 19595 + green[at] * 38470 + blue[at] * 7471 + 32768) / 65536));
  return plane(planes[0].height, planes[0].width, mixed);
}

/** The planes in the network's channels and size. @type {(planes: Plane[], way: Preprocessing) => Plane[]} */
function pack(planes, { shape: [channels, height, width], fit, size, shorter, interpolation }) {
  const mixed = planes.length === channels ? planes : channels === 3 ? [planes[0], planes[0], planes[0]] : [luma(planes)];
  return mixed.map((each) => {
    if (fit === "crop" && shorter) return middle(each, [height, width], shorter, interpolation);
    const first = before(each, [height, width], fit, size, interpolation);
    if (fit === "resize" || first.height > height || first.width > width) return sized(first, [height, width], interpolation);
    return placed(first, height, width, Math.floor((height - first.height) / 2), Math.floor((width - first.width) / 2));
  });
}

/**
 * A plane before it is put in the middle of the input, or resized to it: in the size of the data, or letterboxed as
 * large as it fits.
 * @type {(from: Plane, wanted: [number, number], fit: string, size: [number, number] | null, interpolation: Interpolation) => Plane}
 */
function before(from, [height, width], fit, size, interpolation) {
  if (fit === "pad" || fit === "resize") return size ? sized(from, size, interpolation) : from;
  if (fit !== "letterbox") throw new Error(`preprocessing: no way to fit ${fit}`);
  const across = Math.floor((2 * from.width * height + from.height) / (2 * from.height));
  const down = Math.floor((2 * from.height * width + from.width) / (2 * from.width));
  const inner = from.height * width >= from.width * height ? [height, Math.max(1, across)] : [Math.max(1, down), width];
  return sized(from, [inner[0], inner[1]], interpolation);
}

/** Red, green and blue mixed to grey as Striate's preprocessing does it. @param {Plane[]} planes */
function luma(planes) {
  const [red, green, blue] = planes.map(({ values }) => values);
  const mixed = red.map((level, at) => rint(LUMA[0] * level + LUMA[1] * green[at] + LUMA[2] * blue[at]));
  return plane(planes[0].height, planes[0].width, mixed);
}

/**
 * The middle of a plane once its shorter side has `shorter` pixels.
 * @type {(from: Plane, size: [number, number], shorter: number, interpolation: Interpolation) => Plane}
 */
function middle(from, [height, width], shorter, interpolation) {
  const least = Math.min(from.height, from.width);
  const longer = Math.floor((shorter * Math.max(from.height, from.width)) / least);
  if (shorter * longer > MOST_PIXELS) throw refused(`too long and narrow: ${from.height} × ${from.width} pixels.`);
  const whole = sized(from, from.height <= from.width ? [shorter, longer] : [longer, shorter], interpolation);
  return cut(whole, rint((whole.height - height) / 2), rint((whole.width - width) / 2), height, width);
}

/** @type {(from: Plane, size: [number, number], interpolation: Interpolation) => Plane} */
function sized(from, [height, width], interpolation) {
  if (from.height === height && from.width === width) return from;
  const out = resized(from, height, width, interpolation === "bicubic", interpolation); // which Pillow rounds after each axis
  return plane(height, width, out.values.map((value) => Math.min(255, Math.max(0, rint(value)))));
}

/** A step's picture, small enough to be shown. @type {(step: Step) => Picture} */
function small({ name, note, planes }) {
  const [{ height, width }] = planes;
  const shrink = Math.min(1, PICTURE / Math.max(height, width));
  const [down, across] = [height, width].map((side) => Math.max(1, Math.round(side * shrink)));
  const codes = new Uint8Array(planes.length * down * across);
  planes.forEach((each, channel) => codes.set(resized(each, down, across, true).values, channel * down * across));
  return { name, note, channels: planes.length, height: down, width: across, codes };
}
