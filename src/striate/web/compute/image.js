/** The bytes of an image file as the network's input, as striate.data.image_file and .preprocess make it. */

import { Answered } from "./answered.js";
import { digitSteps } from "./digit.js";
import { placed, plane, resized, rint } from "./planes.js";

const LUMA = [0.299, 0.587, 0.114];
const MOST_PIXELS = 16e6;
/** The side of the windows on a line. */
const WINDOW = 32;
/** The longer side, in pixels, that a picture of a step is shrunk to. */
const PICTURE = 96;

/**
 * The input's values, and the steps on the way.
 * @param {Uint8Array} bytes an image file
 * @param way the preprocessing, as the file has it
 * @param {boolean} prepared whether a drawing is brought to MNIST's form
 */
export async function read(bytes, way, prepared) {
  const planes = pgm(bytes) ?? (await decoded(bytes));
  let [steps, fitted] = [];
  if (way.form !== "picture" && prepared) {
    const made = digitSteps(grey(planes));
    const digit = made.at(-1);
    steps = made.map((step) => ({ ...step, planes: [step] }));
    fitted = pack([way.form === "line" ? placed(digit, WINDOW, WINDOW, (WINDOW - digit.height) / 2, (WINDOW - digit.width) / 2) : digit], way);
  } else {
    fitted = pack(planes, way);
    const show = (all) => `${all[0].height} × ${all[0].width}, ${all.length === 1 ? "grey" : "RGB"}`;
    steps = [{ name: "picture", note: show(planes), planes }, { name: "input", note: show(fitted), planes: fitted }];
  }
  const size = fitted[0].values.length;
  const input = new Float32Array(fitted.length * size);
  const factor = Math.fround((way.high - way.low) / 255);
  fitted.forEach(({ values }, channel) => values.forEach((value, at) => { input[channel * size + at] = Math.fround(value * factor) + way.low; }));
  return { input, steps: steps.map(small) };
}

/** What the pad gives: "P5 width height 255" and a level for each pixel. */
function pgm(bytes) {
  const head = /^P5 (\d+) (\d+) 255\n/.exec(String.fromCharCode(...bytes.subarray(0, 24)));
  return head && [plane(Number(head[2]), Number(head[1]), Float32Array.from(bytes.subarray(head[0].length)))];
}

/** Its one plane of grey, or its three of red, green and blue, upright, on white where it is transparent. */
async function decoded(bytes) {
  const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const picture = await createImageBitmap(new Blob([bytes]), options).catch(() => null);
  const refuse = (what) => {
    throw new Answered({
      what,
      expected: "Expected an image file, such as PNG or JPEG.",
      remedy: "Choose the picture as PNG or JPEG, in a smaller size if it is large.",
    });
  };
  if (!picture) refuse("not an image of a known format.");
  const { height, width } = picture;
  if (height * width > MOST_PIXELS) refuse(`too large: ${width} × ${height} pixels, at most ${MOST_PIXELS.toLocaleString("en")} are decoded.`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
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

/** Red, green and blue in grey, as Pillow mixes them. */
function grey(planes) {
  if (planes.length === 1) return planes[0];
  const [red, green, blue] = planes.map(({ values }) => values);
  const mixed = red.map((level, at) => Math.floor((level * 19595 + green[at] * 38470 + blue[at] * 7471 + 32768) / 65536));
  return plane(planes[0].height, planes[0].width, mixed);
}

/** The planes in the network's channels and size. */
function pack(planes, { shape, fit, size }) {
  const [channels, ...wanted] = shape;
  const mixed = planes.length === channels ? planes : channels === 3 ? [planes[0], planes[0], planes[0]] : [luma(planes)];
  return mixed.map((each) => {
    const first = fit === "pad" && size ? sized(each, size) : each;
    if (fit !== "pad" || first.height > wanted[0] || first.width > wanted[1]) return sized(first, wanted);
    const [top, left] = [wanted[0] - first.height, wanted[1] - first.width].map((room) => Math.floor(room / 2));
    return placed(first, ...wanted, top, left);
  });
}

function luma(planes) {
  const [red, green, blue] = planes.map(({ values }) => values);
  const mixed = red.map((level, at) => rint(LUMA[0] * level + LUMA[1] * green[at] + LUMA[2] * blue[at]));
  return plane(planes[0].height, planes[0].width, mixed);
}

function sized(from, [height, width]) {
  if (from.height === height && from.width === width) return from;
  const out = resized(from, height, width, false);
  return plane(height, width, out.values.map(rint));
}

/** A step's picture, as levels of a byte, plane by plane, small enough to be shown. */
function small({ name, note, planes }) {
  const [{ height, width }] = planes;
  const shrink = Math.min(1, PICTURE / Math.max(height, width));
  const sides = [height, width].map((side) => Math.max(1, Math.round(side * shrink)));
  const codes = new Uint8Array(planes.length * sides[0] * sides[1]);
  planes.forEach((each, channel) => codes.set(resized(each, ...sides, true).values, channel * sides[0] * sides[1]));
  return { name, note, channels: planes.length, height: sides[0], width: sides[1], codes };
}
