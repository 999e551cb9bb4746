/** Planes of levels, row by row; and numbers rounded and sorted as numpy does it. */

/** @import { Interpolation, Plane } from "./types.js" */

/** @type {(height: number, width: number, values?: Float32Array) => Plane} */
export const plane = (height, width, values = new Float32Array(height * width)) => ({ height, width, values });

/** Rounded to the nearest whole number, halves to the even one. @param {number} value */
export function rint(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** @type {(value: number, low: number, high: number) => number} */
export const bounded = (value, low, high) => Math.max(low, Math.min(high, value));

/**
 * The values that a test keeps. The typed arrays' own `filter` and `map` are several times slower than these loops.
 * @type {(values: Float32Array, keeps: (value: number, at: number) => boolean | number) => Float32Array}
 */
export function only(values, keeps) {
  const out = new Float32Array(values.length);
  let count = 0;
  for (let at = 0; at < values.length; at += 1) {
    if (!keeps(values[at], at)) continue;
    out[count] = values[at];
    count += 1;
  }
  return out.subarray(0, count);
}

/**
 * What `make` gives for each value.
 * @type {(values: Float32Array, make: (value: number, at: number) => number) => Float32Array}
 */
export function each(values, make) {
  const out = new Float32Array(values.length);
  for (let at = 0; at < out.length; at += 1) out[at] = make(values[at], at);
  return out;
}

/**
 * Percentiles, interpolated between two values.
 * @param {ArrayLike<number>} values
 * @param {number[]} shares in per cent
 */
export function percentiles(values, ...shares) {
  const own = new Float32Array(values);
  return shares.map((share) => {
    const place = (share / 100) * (own.length - 1);
    const at = Math.floor(place);
    const below = select(own, at);
    if (place === at) return below;
    let above = Infinity;
    for (let next = at + 1; next < own.length; next += 1) if (own[next] < above) above = own[next];
    return below + (place - at) * (above - below);
  });
}

/**
 * The value at a place if all were sorted (Hoare's selection): it is moved there, with no larger one before it.
 * @type {(values: Float32Array, place: number) => number}
 */
function select(values, place) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left += 1;
      while (values[right] > pivot) right -= 1;
      if (left > right) break;
      const held = values[left];
      values[left] = values[right];
      values[right] = held;
      left += 1;
      right -= 1;
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else break;
  }
  return values[place];
}

/** @type {(values: ArrayLike<number>) => number} */
export const median = (values) => percentiles(values, 50)[0];

/** A part of a plane. @type {(from: Plane, top: number, left: number, rows: number, columns: number) => Plane} */
export function cut({ width, values }, top, left, rows, columns) {
  const out = plane(rows, columns);
  for (let row = 0; row < rows; row += 1) {
    const from = (top + row) * width + left;
    out.values.set(values.subarray(from, from + columns), row * columns);
  }
  return out;
}

/**
 * The plane at a place of a larger one that is 0 around it.
 * @type {(from: Plane, height: number, width: number, top: number, left: number) => Plane}
 */
export function placed(from, height, width, top, left) {
  const out = plane(height, width);
  for (let row = 0; row < from.height; row += 1) {
    out.values.set(from.values.subarray(row * from.width, (row + 1) * from.width), (top + row) * width + left);
  }
  return out;
}

/**
 * The plane, of levels from 0 up, with every stroke wider by `radius` pixels on each side.
 * @type {(from: Plane, radius: number) => Plane}
 */
export function thickened(from, radius) {
  const { height, width } = from;
  /** @type {(values: Float32Array, count: number, length: number, step: number, next: number) => Float32Array} */
  const pass = (values, count, length, step, next) => {
    const out = new Float32Array(values.length);
    for (let line = 0; line < count; line += 1) {
      for (let at = 0; at < length; at += 1) {
        const value = values[line * next + at * step];
        if (!value) continue; // most of a drawing
        const last = line * next + Math.min(length - 1, at + radius) * step;
        for (let near = line * next + Math.max(0, at - radius) * step; near <= last; near += step) {
          if (value > out[near]) out[near] = value;
        }
      }
    }
    return out;
  };
  return plane(height, width, pass(pass(from.values, width, height, width, 1), height, width, 1, width));
}

/**
 * The plane at another size: antialiased, first along the rows. With `levels` the result is whole levels, as Pillow
 * computes them.
 * @type {(from: Plane, height: number, width: number, levels: boolean, interpolation?: Interpolation) => Plane}
 */
export function resized(from, height, width, levels, interpolation = "bilinear") {
  return columnsResized(rowsResized(from, width, levels, interpolation), height, levels, interpolation);
}

/** How far each kernel reaches, and its weight at a distance; the cubic one is Keys's with a = −0.5, as Pillow's. */
const KERNELS = {
  bilinear: { reach: 1, weight: (/** @type {number} */ distance) => Math.max(0, 1 - distance) },
  bicubic: {
    reach: 2,
    weight: (/** @type {number} */ distance) => {
      if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
      return distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 : 0;
    },
  },
};

/** Pillow's fixed-point weights have 22 bits after the point. */
const BITS = 2 ** 22;

/**
 * How an axis is resized: for each place the first place that it reads, and its `taps` weights, 0 beyond its reach.
 * @typedef {{ first: Int32Array, taps: number, weights: Float64Array }} Filters
 */

/** @type {(size: number, wanted: number, levels: boolean, interpolation: Interpolation) => Filters} */
function filters(size, wanted, levels, interpolation) {
  const { reach, weight: kernel } = KERNELS[interpolation];
  const scale = size / wanted;
  const stretch = Math.max(1, scale);
  const support = reach * stretch;
  const taps = Math.min(size, Math.ceil(2 * support) + 1);
  const first = new Int32Array(wanted);
  const weights = new Float64Array(wanted * taps);
  for (let place = 0; place < wanted; place += 1) {
    const centre = (place + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(size, Math.trunc(centre + support + 0.5)) - begin;
    const own = weights.subarray(place * taps, place * taps + count);
    let sum = 0;
    for (let at = 0; at < count; at += 1) {
      own[at] = kernel(Math.abs((at + begin - centre + 0.5) / stretch));
      sum += own[at];
    }
    for (let at = 0; at < count; at += 1) own[at] = levels ? Math.floor((own[at] / sum) * BITS + 0.5) : own[at] / sum;
    first[place] = begin;
  }
  return { first, taps, weights };
}

/** @type {(sum: number) => number} */
const level = (sum) => bounded(Math.floor((sum + BITS / 2) / BITS), 0, 255);

/** @type {(from: Plane, width: number, levels: boolean, interpolation: Interpolation) => Plane} */
function rowsResized(from, width, levels, interpolation) {
  if (width === from.width) return from;
  const out = plane(from.height, width);
  const { first, taps, weights } = filters(from.width, width, levels, interpolation);
  for (let row = 0; row < from.height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const count = Math.min(taps, from.width - first[column]);
      let sum = 0;
      for (let at = 0; at < count; at += 1) sum += weights[column * taps + at] * from.values[row * from.width + first[column] + at];
      out.values[row * width + column] = levels ? level(sum) : sum;
    }
  }
  return out;
}

/** @type {(from: Plane, height: number, levels: boolean, interpolation: Interpolation) => Plane} */
function columnsResized(from, height, levels, interpolation) {
  if (height === from.height) return from;
  const { width } = from;
  const out = plane(height, width);
  const { first, taps, weights } = filters(from.height, height, levels, interpolation);
  for (let row = 0; row < height; row += 1) {
    const count = Math.min(taps, from.height - first[row]);
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let at = 0; at < count; at += 1) sum += weights[row * taps + at] * from.values[(first[row] + at) * width + column];
      out.values[row * width + column] = levels ? level(sum) : sum;
    }
  }
  return out;
}
