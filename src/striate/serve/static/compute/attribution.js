/** Which pixels speak for a class, by hiding patches one after another (Zeiler and Fergus, 2014). */

/** About so many MACs are spent on an answer, in ... */
const MACS = 1e9;
/** ... at least and at most so many runs of the network. */
const [FEWEST, MOST] = [16, 256];
/** After so many milliseconds others are let in. */
const TURN = 25;

/** For each pixel, how much it speaks for the class of that number (above 0) or against it. */
export async function occlusion(model, input, number, macs) {
  const { shape, low } = model.numbers.preprocessing;
  const [channels, height, width] = shape;
  const most = Math.min(MOST, Math.max(FEWEST, MACS / macs));
  const { side, stride } = patches(height, width, most);
  const score = (values) => model.scores(model.run(values))[number];
  const whole = score(input);
  const [fall, count] = [new Float64Array(height * width), new Float64Array(height * width)];
  let began = performance.now();
  for (const top of corners(height, side, stride)) {
    for (const left of corners(width, side, stride)) {
      const covered = input.slice();
      each(channels, height, width, { top, left, side }, (at) => { covered[at] = low; });
      const value = whole - score(covered);
      each(1, height, width, { top, left, side }, (at) => {
        fall[at] += value;
        count[at] += 1;
      });
      if (performance.now() - began > TURN) {
        await new Promise((then) => { setTimeout(then); });
        began = performance.now();
      }
    }
  }
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => fall[row * width + column] / count[row * width + column]));
}

/** The side of a patch, and the least stride with which at most so many cover an image; wider where they must be. */
function patches(height, width, most) {
  let side = Math.max(1, Math.floor(Math.min(height, width) / 6));
  let stride = 1;
  while ([height, width].reduce((all, size) => all * (1 + Math.ceil((size - side) / stride)), 1) > most) {
    stride += 1;
    side = Math.max(side, stride);
  }
  return { side, stride };
}

/** Where squares begin: `stride` apart, and one at the end, so that every pixel is covered. */
function corners(size, side, stride) {
  const last = Math.max(0, size - side);
  return [...Array.from({ length: Math.ceil(last / stride) }, (_, at) => at * stride), last];
}

function each(channels, height, width, { top, left, side }, act) {
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = top; row < Math.min(height, top + side); row += 1) {
      for (let column = left; column < Math.min(width, left + side); column += 1) act((channel * height + row) * width + column);
    }
  }
}
