/** Activation functions: the value, the slope and the formula of each. Some have a parameter of their own, `alpha`. */

/** @import { ActivationFunction } from "./types.js" */

/** @type {(value: number, least: number, most: number) => number} */
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
/** @type {(a: number) => number} */
const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** The error function, by a series whose terms are all positive, so that no digits cancel. @param {number} x */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** The normal distribution. @type {(a: number) => number} */
const normal = (a) => (1 + erf(a / Math.SQRT2)) / 2;
/** The density of the normal distribution. @type {(a: number) => number} */
const density = (a) => Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);

/** The argument of the tanh that approximates the normal distribution. @type {(a: number) => number} */
const inner = (a) => Math.sqrt(2 / Math.PI) * (a + 0.044715 * a ** 3);
/** That approximation. @type {(a: number) => number} */
const almostNormal = (a) => (1 + Math.tanh(inner(a))) / 2;
/** Its slope. @type {(a: number) => number} */
const almostDensity = (a) => ((1 - Math.tanh(inner(a)) ** 2) / 2) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * a * a);

/** The output for an input `a`. @type {Record<ActivationFunction, (a: number, alpha: number) => number>} */
export const FUNCTIONS = {
  relu: (a) => Math.max(0, a),
  tanh: Math.tanh,
  scaled_tanh: (a) => 1.7159 * Math.tanh((2 / 3) * a),
  sigmoid,
  leaky_relu: (a, alpha) => (a < 0 ? alpha * a : a),
  relu6: (a) => clamp(a, 0, 6),
  elu: (a, alpha) => (a < 0 ? alpha * Math.expm1(a) : a),
  silu: (a) => a * sigmoid(a),
  gelu: (a) => a * normal(a),
  gelu_tanh: (a) => a * almostNormal(a),
  hard_sigmoid: (a) => clamp(a + 3, 0, 6) / 6,
  hard_swish: (a) => (a * clamp(a + 3, 0, 6)) / 6,
};

/** The slope at an input `a` whose output is `y`. @type {Record<ActivationFunction, (a: number, y: number, alpha: number) => number>} */
export const SLOPES = {
  relu: (a, y) => (y > 0 ? 1 : 0),
  tanh: (a, y) => 1 - y ** 2,
  scaled_tanh: (a, y) => 1.7159 * (2 / 3) * (1 - (y / 1.7159) ** 2),
  sigmoid: (a, y) => y * (1 - y),
  leaky_relu: (a, y, alpha) => (a > 0 ? 1 : alpha),
  relu6: (a) => (a > 0 && a < 6 ? 1 : 0),
  elu: (a, y, alpha) => (a > 0 ? 1 : alpha * Math.exp(a)),
  silu: (a) => sigmoid(a) * (1 + a * (1 - sigmoid(a))),
  gelu: (a) => normal(a) + a * density(a),
  gelu_tanh: (a) => almostNormal(a) + a * almostDensity(a),
  hard_sigmoid: (a) => (a > -3 && a < 3 ? 1 / 6 : 0),
  hard_swish: (a) => (a < -3 ? 0 : a > 3 ? 1 : a / 3 + 0.5),
};

/** The formula, with {a} for the input and {alpha} for the parameter. @type {Record<ActivationFunction, string>} */
export const FORMULAS = {
  relu: "max(0, {a})",
  tanh: "tanh({a})",
  scaled_tanh: "1.7159 · tanh(⅔ · {a})",
  sigmoid: "1 / (1 + exp(−({a})))",
  leaky_relu: "max(0, {a}) + {alpha} · min(0, {a})",
  relu6: "min(max(0, {a}), 6)",
  elu: "max(0, {a}) + {alpha} · (exp(min(0, {a})) − 1)",
  silu: "{a} / (1 + exp(−({a})))",
  gelu: "{a} · Φ({a})",
  gelu_tanh: "{a} · Φ({a}), Φ by a tanh",
  hard_sigmoid: "min(max(0, {a} + 3), 6) / 6",
  hard_swish: "{a} · min(max(0, {a} + 3), 6) / 6",
};
