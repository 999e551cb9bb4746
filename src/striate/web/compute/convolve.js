/**
 * Convolutions. The pixels of a window are gathered into a row; then two windows are multiplied by four filters at a
 * time, so that each value that is loaded is used several times.
 */

/** @import { Axis, Conv, Tensors, Values } from "./types.js" */

/**
 * out[first + unit · step] = the unit's weights · read, for `units` units whose weights begin at `from`.
 * @type {(out: Values, first: number, step: number, weight: Values, from: number, units: number, read: Float64Array) => void}
 */
export function dots(out, first, step, weight, from, units, read) {
  for (let unit = 0; unit < units; unit += 1) out[first + unit * step] = dot(weight, from + unit * read.length, read);
}

/** @type {(weight: Values, from: number, read: Float64Array) => number} */
function dot(weight, from, read) {
  let sum = 0;
  for (let at = 0; at < read.length; at += 1) sum += read[at] * weight[from + at];
  return sum;
}

/**
 * The same for two windows, whose outputs lie side by side.
 * @type {(out: Values, first: number, step: number, weight: Values, from: number, units: number, one: Float64Array, two: Float64Array) => void}
 */
function pairs(out, first, step, weight, from, units, one, two) {
  const { length } = one;
  let unit = 0;
  for (; unit + 4 <= units; unit += 4) {
    const a = from + unit * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    let a1 = 0, b1 = 0, c1 = 0, d1 = 0, a2 = 0, b2 = 0, c2 = 0, d2 = 0;
    for (let at = 0; at < length; at += 1) {
      const u = one[at];
      const v = two[at];
      const p = weight[a + at];
      const q = weight[b + at];
      const r = weight[c + at];
      const s = weight[d + at];
      a1 += u * p;
      b1 += u * q;
      c1 += u * r;
      d1 += u * s;
      a2 += v * p;
      b2 += v * q;
      c2 += v * r;
      d2 += v * s;
    }
    const to = first + unit * step;
    out[to] = a1;
    out[to + step] = b1;
    out[to + 2 * step] = c1;
    out[to + 3 * step] = d1;
    out[to + 1] = a2;
    out[to + step + 1] = b2;
    out[to + 2 * step + 1] = c2;
    out[to + 3 * step + 1] = d2;
  }
  for (; unit < units; unit += 1) {
    out[first + unit * step] = dot(weight, from + unit * length, one);
    out[first + unit * step + 1] = dot(weight, from + unit * length, two);
  }
}

/**
 * The output of a convolution.
 * @type {(out: Values, step: Conv, read: Values, tensors: Tensors) => Values}
 */
export function convolve(out, step, read, { weight, bias }) {
  const [high, wide] = step.axes;
  const [filters] = step.output;
  const size = high.output * wide.output;
  const padded = pad(read, step.inputs[0][0], high, wide);
  const each = step.inputs[0][0] / step.groups;
  const inEach = filters / step.groups;
  const kernels = step.table ? dense(step, step.table, weight) : weight;
  const taps = offsets(each, high, wide, padded);
  const windows = [new Float64Array(taps.length), new Float64Array(taps.length)];
  const corner = cornerOf(high, wide, padded);
  for (let group = 0; group < step.groups; group += 1) {
    const start = group * each * padded.plane;
    const from = group * inEach * taps.length;
    for (let place = 0; place < size; place += 2) {
      const first = group * inEach * size + place;
      gather(windows[0], padded.values, start + corner(place), taps);
      if (place + 1 < size) {
        gather(windows[1], padded.values, start + corner(place + 1), taps);
        pairs(out, first, size, kernels, from, inEach, windows[0], windows[1]);
      } else dots(out, first, size, kernels, from, inEach, windows[0]);
    }
  }
  if (bias) for (let at = 0; at < out.length; at += 1) out[at] += bias[Math.floor(at / size)];
  return out;
}

/**
 * The slopes by the input of a convolution, from the slopes by its output.
 * @type {(step: Conv, own: Values, tensors: Tensors) => Values}
 */
export function spread(step, own, { weight }) {
  const [high, wide] = step.axes;
  const [[maps], [filters]] = [step.inputs[0], step.output];
  const size = high.output * wide.output;
  const { plane, across } = room(high, wide);
  const [each, inEach] = [maps / step.groups, filters / step.groups];
  const kernels = step.table ? dense(step, step.table, weight) : weight;
  const taps = offsets(each, high, wide, { plane, across });
  const corner = cornerOf(high, wide, { across });
  const values = new Float32Array(maps * plane);
  const window = new Float64Array(taps.length);
  for (let group = 0; group < step.groups; group += 1) {
    for (let place = 0; place < size; place += 1) {
      window.fill(0);
      weigh(window, kernels, group * inEach, inEach, (filter) => own[filter * size + place]);
      const start = group * each * plane + corner(place);
      for (let at = 0; at < taps.length; at += 1) values[start + taps[at]] += window[at];
    }
  }
  const out = new Float32Array(maps * high.size * wide.size);
  for (let map = 0, to = 0; map < maps; map += 1) {
    for (let row = 0; row < high.size; row += 1, to += wide.size) {
      const from = map * plane + (row + high.before) * across + wide.before;
      out.set(values.subarray(from, from + wide.size), to);
    }
  }
  return out;
}

/**
 * window += the sum of `count` kernels, each times its slope. Kernels of slope 0 are left out; four are added at a time.
 * @type {(window: Float64Array, kernels: Values, first: number, count: number, slopeOf: (filter: number) => number) => void}
 */
function weigh(window, kernels, first, count, slopeOf) {
  const { length } = window;
  const some = [];
  for (let filter = first; filter < first + count; filter += 1) if (slopeOf(filter)) some.push(filter);
  let next = 0;
  for (; next + 4 <= some.length; next += 4) {
    const [a, b, c, d] = [some[next] * length, some[next + 1] * length, some[next + 2] * length, some[next + 3] * length];
    const [p, q, r, s] = [slopeOf(some[next]), slopeOf(some[next + 1]), slopeOf(some[next + 2]), slopeOf(some[next + 3])];
    for (let at = 0; at < length; at += 1) {
      window[at] += p * kernels[a + at] + q * kernels[b + at] + r * kernels[c + at] + s * kernels[d + at];
    }
  }
  for (; next < some.length; next += 1) {
    const [from, slope] = [some[next] * length, slopeOf(some[next])];
    for (let at = 0; at < length; at += 1) window[at] += slope * kernels[from + at];
  }
}

/** A function that gives where a window begins on a padded map. @type {(high: Axis, wide: Axis, size: { across: number }) => (place: number) => number} */
const cornerOf = (high, wide, { across }) => (place) => Math.floor(place / wide.output) * high.stride * across + (place % wide.output) * wide.stride;

/** @type {(window: Float64Array, values: Values, corner: number, taps: Int32Array) => void} */
function gather(window, values, corner, taps) {
  for (let at = 0; at < taps.length; at += 1) window[at] = values[corner + taps[at]];
}

/** The weights of a convolution with a table as those without one: 0 where a filter does not read a map. @type {(step: Conv, table: number[][], weight: Values) => Values} */
function dense(step, table, weight) {
  const [maps] = step.inputs[0];
  const taps = step.axes[0].kernel * step.axes[1].kernel;
  const out = new Float32Array(step.output[0] * maps * taps);
  let link = 0;
  table.forEach((sources, filter) => {
    for (const map of sources) {
      out.set(weight.subarray(link * taps, (link + 1) * taps), (filter * maps + map) * taps);
      link += 1;
    }
  });
  return out;
}

/** The size of a map with its padding, as far as a window reads, and the length of its rows. @type {(high: Axis, wide: Axis) => { plane: number, across: number }} */
function room(high, wide) {
  const [down, across] = [high, wide].map((axis) =>
    Math.max(axis.before + axis.size, (axis.output - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1));
  return { plane: down * across, across };
}

/** @type {(read: Values, maps: number, high: Axis, wide: Axis) => { values: Values, plane: number, across: number }} */
function pad(read, maps, high, wide) {
  const { plane, across } = room(high, wide);
  if (plane === high.size * wide.size) return { values: read, plane, across };
  const values = new Float32Array(maps * plane);
  for (let map = 0; map < maps; map += 1) {
    for (let row = 0; row < high.size; row += 1) {
      const from = (map * high.size + row) * wide.size;
      values.set(read.subarray(from, from + wide.size), map * plane + (row + high.before) * across + wide.before);
    }
  }
  return { values, plane, across };
}

/** The distance of each pixel of a window from its first. @type {(maps: number, high: Axis, wide: Axis, size: { plane: number, across: number }) => Int32Array} */
function offsets(maps, high, wide, { plane, across }) {
  const out = new Int32Array(maps * high.kernel * wide.kernel);
  for (let map = 0, at = 0; map < maps; map += 1) {
    for (let row = 0; row < high.kernel; row += 1) {
      for (let column = 0; column < wide.kernel; column += 1, at += 1) {
        out[at] = map * plane + row * high.dilation * across + column * wide.dilation;
      }
    }
  }
  return out;
}
