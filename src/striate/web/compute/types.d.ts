/**
 * The types of what the page computes with. A network is as `striate/web/numbers.py` writes it; a test holds the kinds
 * and the activation functions against Python's.
 */

/** (channels, height, width) of maps, or (features,) of a flat vector. */
export type Shape = number[];
/** Values map by map and row by row. */
export type Values = Float32Array;
/** A layer's parameters and fixed values by name, as in the PyTorch module. */
export type Tensors = Record<string, Values>;

/** A window that moves along one axis. */
export interface Axis {
  size: number;
  kernel: number;
  stride: number;
  before: number;
  after: number;
  dilation: number;
  ceil: boolean;
  output: number;
}

/** The axes of a window: height and width. */
export type Axes = [Axis, Axis];

export type ActivationFunction =
  | "relu"
  | "tanh"
  | "scaled_tanh"
  | "sigmoid"
  | "leaky_relu"
  | "relu6"
  | "elu"
  | "silu"
  | "gelu"
  | "gelu_tanh"
  | "hard_sigmoid"
  | "hard_swish";

interface Common {
  path: string;
  /** The auxiliary head that the layer belongs to; empty for a layer that runs in prediction. */
  head: string;
  /** The steps that it reads; -1 is the network's input. */
  sources: number[];
  inputs: Shape[];
  output: Shape;
  /** Of a typed layer also what it reads, maps or a vector or either, and its class in Python. */
  properties: { flattens: boolean; reads?: string; class?: string };
  /** Where each tensor begins among all weights, and how many values it has. */
  tensors?: Record<string, [number, number]>;
  axes?: Axes;
  /** Whether the padding is "same". */
  same?: boolean;
  filters?: number;
  groups?: number;
  table?: number[][] | null;
  bias?: boolean;
}

export type Conv = Common & { kind: "conv"; axes: Axes; filters: number; groups: number; table: number[][] | null };
export type Pool = Common & { kind: "pool"; axes: Axes; function: "max" | "average"; count_padding: boolean };
export type Subsample = Common & { kind: "subsample"; axes: Axes };
export type Windowed = Conv | Pool | Subsample;
export type Activation = Common & { kind: "activation"; function: ActivationFunction; alpha: number };
export type BatchNorm = Common & { kind: "batch_norm"; epsilon: number; epsilon_text: string };
export type LocalResponseNorm = Common & { kind: "local_response_norm"; size: number; alpha: number; beta: number; k: number };
export type Upsample = Common & { kind: "upsample"; factor: [number, number] };
export type Shuffle = Common & { kind: "shuffle"; groups: number };
export type Gate = Common & { kind: "gate" };
/** The kinds whose steps carry no numbers of their own. */
type Plain =
  | "softmax"
  | "dropout"
  | "flatten"
  | "global_average_pool"
  | "position_bias"
  | "scale"
  | "residual"
  | "branches";

/** A layer of the plan. */
export type Step =
  | Windowed
  | Activation
  | BatchNorm
  | LocalResponseNorm
  | Upsample
  | Shuffle
  | Gate
  | (Common & { kind: "linear"; filters: number })
  | (Common & { kind: "rbf"; filters: number; features: number })
  | (Common & { kind: "pad_channels"; channels: number })
  | { [K in Plain]: Common & { kind: K } }[Plain];

/** A network without weights. */
export interface Described {
  name: string;
  input: Shape;
  steps: Step[];
}

/** A word of the notation: its layer, the values after it, and its options. */
export interface Word {
  kind: string;
  class: string;
  /** Each a field, a form, and whether it must be there. */
  values: [string, string, boolean][];
  /** Each a word, a field, a form, and the value that the word alone stands for. */
  options: [string, string, string, unknown][];
  preset: Record<string, unknown>;
  usage: string;
  reads: string;
  flattens: boolean;
}

/** The notation, as `striate/web/notation.py` writes it. */
export interface Notation {
  words: Record<string, Word>;
  forms: Record<string, string>;
  nested: string[];
  headers: string[];
  others: Record<string, string>;
  limits: { number: number; depth: number; digits: number };
}

/** A layer that was typed in: the layers that it holds, or its word with what was given. */
export interface Layer {
  kind: string;
  name: string;
  parts: Layer[][];
  word?: Word;
  given?: Record<string, any>;
}

export interface Preprocessing {
  shape: [number, number, number];
  fit: "pad" | "resize" | "crop" | "letterbox";
  /** The values of a pixel of 0 (`low`) and of 255 (`high`): a number, or one for each channel. */
  low: number | number[];
  high: number | number[];
  form: "digits" | "line" | "picture";
  size: [number, number] | null;
  /** The pixels that the shorter side gets before the middle is cut out; null unless `fit` is "crop". */
  shorter: number | null;
  interpolation: Interpolation;
}

export type Interpolation = "bilinear" | "bicubic";

/** A network with all that prediction needs but the weights. */
export interface Numbers extends Described {
  /** The step that gives the scores: the logits, where a softmax follows. */
  last: number;
  /** "minus" where the scores are distances: the smaller, the likelier. */
  scores: "plain" | "minus";
  temperature: number;
  classes: string[];
  preprocessing: Preprocessing;
  macs: number;
}

/** The output of every step by its number; -1 is the input. */
export type Outputs = Map<number, Values>;

/** A unit of a layer; row and column are 0 in a flat vector. */
export interface Place {
  map: number;
  row: number;
  column: number;
}

/** The first and the last row and column. */
export interface Rectangle {
  rows: number[];
  columns: number[];
}

/** Levels row by row. */
export interface Plane {
  height: number;
  width: number;
  values: Float32Array;
}

/** A step of the way from a picture to the input, as levels of 0 to 255, channel by channel. */
export interface Picture {
  name: string;
  note: string;
  channels: number;
  height: number;
  width: number;
  codes: Uint8Array;
}

/** Part of a unit's value: what it read, the weights on it, and the value they make. */
export interface Term {
  label: string;
  patch: number[][];
  weights: number[][] | null;
  value: number;
}

/** How a unit came by its value. */
export interface Explanation {
  value: number;
  formula: string;
  terms: Term[];
  /** The terms that are not listed: how many they are, and their sum. */
  others: { count: number; value: number };
  bias: number | null;
}

/** The class with the highest probability, and the probability of each class. */
export interface Prediction {
  class: string;
  probability: number;
  probabilities: Record<string, number>;
}

/** The three lines of an error, and where it happened. */
export interface ErrorLines {
  where?: string;
  what: string;
  expected?: string;
  remedy?: string;
}

/** Other numbers for a layer. */
export interface Change {
  filters?: number;
  kernel?: number;
  stride?: number;
  padding?: number;
}

/** Numbers to try: another input, and changes by the path of a layer. */
export interface Trial {
  input?: Shape;
  changes?: Record<string, Change>;
}

/** A row of the account of a trial. */
export interface TrialRow {
  path: string;
  kind: Step["kind"];
  head: string;
  filters: number | null;
  kernel: [number, number] | null;
  stride: [number, number] | null;
  padding: [number, number, number, number] | null;
  dilation: [number, number] | null;
  input: Shape;
  output: Shape;
  weights: number;
  biases: number;
  connections: number;
  macs: number;
  receptive_field: { size: number[] };
  unseen: { rows: number; columns: number; padding_rows: number; padding_columns: number };
}

/** A layer whose windows leave something unread along an axis, and what would fit. */
export interface Misfit {
  path: string;
  axis: string;
  formula: string;
  output: number;
  unseen: string;
  padding_only: boolean;
  fits: string[];
  network_inputs: number[];
}

export interface TrialAccount {
  input: Shape;
  rows: TrialRow[];
  totals: { parameters: number; macs: number; connections: number };
}

/** The account and the fit of a trial; or the problem, where its layers do not fit or no layer can have such numbers. */
export type TrialAnswer =
  | { problem: null; account: TrialAccount; fit: { layers_with_windows: number; misfits: Misfit[] } }
  | { problem: ErrorLines; account: null; fit: null };

/** A layer of a network that is only counted: its numbers, and its path where it is not its kind with a number. */
export type Sketch = { path?: string } & (
  | { kind: "conv"; filters: number; kernel: number; stride?: number; padding?: number; groups?: number; bias?: boolean; table?: number[][] | null }
  | { kind: "pool"; function: "max" | "average"; kernel: number; stride: number }
  | { kind: "subsample"; kernel: number }
  | { kind: "flatten" }
  | { kind: "linear"; filters: number }
  | { kind: "rbf"; filters: number; features: number }
);

export type Topic = "size" | "parameters" | "macs" | "field";

/** One formula on the way to an answer: of which layer, what it gives, the expression, and its value. */
export interface WayStep {
  path: string;
  what: "size" | "height" | "width" | "values" | "parameters" | "MACs" | "field" | "sum";
  expression: string;
  value: number;
}

export interface Exercise {
  seed: number;
  number: number;
  topic: Topic;
  input: Shape;
  layers: Sketch[];
  /** Whether it asks about several layers. */
  several: boolean;
  /** Channels, height and width of a size; one number otherwise. */
  answer: number[];
  rows: TrialRow[];
  steps: WayStep[];
}
