/** The types of what the page shows. Python writes them: `striate/web/describe.py` and `striate/serve/app.py`. */

import type { Explanation, Place, Prediction, Preprocessing, Rectangle, Picture, Shape, Step, TrialRow } from "../compute/types.js";

/** A row of the account: one step of the plan. */
export interface Row extends TrialRow {
  kind: Step["kind"];
  words: string;
  fixed: number;
  /** The rows that it reads; -1 is the network's input. */
  sources: number[];
  /** How many values of a flat vector make a row of the picture that it is; null where it is none. */
  columns: number | null;
}

/** A network with its account. */
export interface Network {
  network: string;
  source: string;
  trained: boolean;
  input: Shape;
  rows: Row[];
  /** The row whose output is the scores. */
  last: number;
  totals: { parameters: number; connections: number; macs: number };
  classes: string[];
  preprocessing: Preprocessing;
  /** The networks that can be tried. */
  trials: string[];
  /** The methods of attribution. */
  methods: string[];
  /** The lines of the board of a network that plays Go, and the names of its planes. */
  board: number | null;
  planes: string[];
}

export type Player = "black" | "white";

/** A move of a game: the name of its point, or pass. */
export interface Move {
  colour: Player;
  name: string;
}

/** A game of Go and the position at its end; points are counted row by row from above. */
export interface PositionAnswer {
  size: number;
  stones: number[];
  first: number[];
  moves: Move[];
  to_play: Player;
  last: number | null;
  captured: [number, number];
  legal: number[];
  komi: number | null;
  comment: string;
  broken: string;
}

/** A run that is served, and whether it reads lines of digits. */
export interface Run {
  name: string;
  classes: string[];
  reads?: boolean;
  board?: number | null;
}

/** A picture to try: its class, and a PNG file in base64. */
export interface Example {
  class: string;
  picture: string;
}

/** The image of a question: an image file, or the drawing. */
export type Body = Uint8Array<ArrayBuffer> | Blob;

/** The parameters that all questions about an image have. */
export interface Query {
  run: string | undefined;
  steps: "on" | "off";
}

/** A layer's output: a value is (code - 128) / 127 · scale; `values` has short vectors exactly. */
export interface Output {
  path: string;
  shape: Shape;
  scale: number;
  codes: Uint8Array;
  values?: number[];
}

/** The answer to an image: the network's input, and every layer's output by path. */
export interface Answer extends Prediction {
  input: Output;
  layers: Map<string, Output>;
  steps: Picture[];
  milliseconds: number;
}

/** A unit of a layer. */
export interface Unit extends Place {
  path: string;
}

/** The pixels that a unit reads, null where it reads padding only, and the same if padding counted as pixels. */
export interface Field {
  field: Rectangle | null;
  unclipped: Rectangle;
}

export type UnitAnswer = Unit & Explanation & Field;

/** A line of digits on an image. */
export interface LineAnswer {
  text: string;
  confidence: number;
  characters: { name: string; confidence: number; box: number[] }[];
}
