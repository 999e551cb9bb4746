/** Convolutions: each window's pixels in a row, held against four filters at a time. */

/** out[first + unit · step] = the unit's weights · read, for `units` units whose weights begin at `from`. */
export function dots(out, first, step, weight, from, units, read) {
  const length = read.length;
  let unit = 0;
  for (; unit + 4 <= units; unit += 4) {
    const a = from + unit * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    let [one, two, three, four] = [0, 0, 0, 0];
    for (let at = 0; at < length; at += 1) {
      const value = read[at];
      one += value * weight[a + at];
      two += value * weight[b + at];
      three += value * weight[c + at];
      four += value * weight[d + at];
    }
    const to = first + unit * step;
    out[to] = one;
    out[to + step] = two;
    out[to + 2 * step] = three;
    out[to + 3 * step] = four;
  }
  for (; unit < units; unit += 1) {
    let sum = 0;
    for (let at = 0, from2 = from + unit * length; at < length; at += 1) sum += read[at] * weight[from2 + at];
    out[first + unit * step] = sum;
  }
}

export function convolve(out, step, read, { weight, bias }) {
  const [high, wide] = step.axes;
  const [filters] = step.output;
  const size = high.output * wide.output;
  const padded = pad(read, step.inputs[0][0], high, wide);
  const each = step.inputs[0][0] / step.groups;
  const inEach = filters / step.groups;
  const kernels = step.table ? dense(step, weight) : weight;
  const taps = offsets(each, high, wide, padded);
  const window = new Float64Array(taps.length);
  for (let group = 0; group < step.groups; group += 1) {
    const start = group * each * padded.plane;
    for (let row = 0, place = 0; row < high.output; row += 1) {
      for (let column = 0; column < wide.output; column += 1, place += 1) {
        const corner = start + row * high.stride * padded.across + column * wide.stride;
        for (let at = 0; at < taps.length; at += 1) window[at] = padded.values[corner + taps[at]];
        dots(out, group * inEach * size + place, size, kernels, group * inEach * taps.length, inEach, window);
      }
    }
  }
  if (bias) for (let at = 0; at < out.length; at += 1) out[at] += bias[Math.floor(at / size)];
  return out;
}

/** The weights of a convolution with a table as an ordinary one has them: 0 where a filter does not see a map. */
function dense(step, weight) {
  const [maps] = step.inputs[0];
  const taps = step.axes[0].kernel * step.axes[1].kernel;
  const out = new Float32Array(step.output[0] * maps * taps);
  let link = 0;
  step.table.forEach((sources, filter) => {
    for (const map of sources) {
      out.set(weight.subarray(link * taps, (link + 1) * taps), (filter * maps + map) * taps);
      link += 1;
    }
  });
  return out;
}

/** Maps with zeros around them, as far as a window reads. */
function pad(read, maps, high, wide) {
  const [down, across] = [high, wide].map((axis) =>
    Math.max(axis.before + axis.size, (axis.output - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1));
  const plane = down * across;
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

/** Where the pixels of a window lie, from its first. */
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
