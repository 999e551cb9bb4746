/** The page: the drawing goes to the server, or to its stand-in in a file, and every layer's output comes back. */

import { Answered } from "../compute/answered.js";
import { listen } from "./controls.js";
import { find } from "./elements.js";
import { Examples } from "./examples.js";
import { MAPS } from "./grid.js";
import { Input } from "./input.js";
import { latest } from "./latest.js";
import { Lecture } from "./lecture.js";
import { Line } from "./line.js";
import { Pad } from "./pad.js";
import { onTheme } from "./palette.js";
import { Reasons } from "./reasons.js";
import { Runs } from "./runs.js";
import { Sandbox } from "./sandbox.js";
import { translate } from "./say.js";
import { Selection } from "./selection.js";
import * as server from "./server.js";
import { announce, explainError, meter } from "./status.js";
import { Steps } from "./steps.js";
import { Subject } from "./subject.js";
import { View } from "./view.js";

/** @import { Answer } from "./types.js" */

/** The height of the drawing that is sent, in pixels. A digit's is 4 times MNIST's, soon prepared on a phone, too. */
const PAPER = { digit: 112, picture: 224 };

translate();
new Lecture().begin();
/** The view of each run that was shown, by name. @type {Map<string, View>} */
const views = new Map();
const served = await server.runs().catch(refuse);
const runs = served.filter(({ board }) => !board); // of Go there is another page
const several = served.length > 1; // then each request names its run
const first = await viewOf(runs[0].name).catch(refuse);

const pad = new Pad(find("#pad", HTMLCanvasElement), () => refresh(), { height: PAPER[first.network.preprocessing.form === "picture" ? "picture" : "digit"] });
const subject = new Subject(pad, first);
const steps = new Steps(find("#steps"));
const input = new Input(find("#input", HTMLCanvasElement), first.network.preprocessing);
const selection = new Selection(subject, input, fail);
const reasons = new Reasons(subject, input, fail);
const examples = new Examples((file) => pad.show(file), (run) => server.examples({ run }).catch(none));
const beside = runs.length > 1 ? new Runs(find("#runs"), runs, turnTo) : null;

/** Say why there is no page, and end. @type {(error: unknown) => never} */
function refuse(error) {
  explainError(error, find("#loading-error"));
  throw error;
}

/** No examples, where the server can give none. @param {unknown} error */
function none(error) {
  if (!(error instanceof Answered)) throw error;
  return [];
}

/** The view of a run. @type {(name: string) => Promise<View>} */
async function viewOf(name) {
  const known = views.get(name);
  if (known) return known;
  const run = several ? name : undefined;
  const view = new View(run, await server.network({ run }), {
    choose: (unit, click) => selection.choose(unit, click),
    explain: (chosen) => {
      document.body.classList.toggle("explaining", chosen !== null);
      reasons.refresh();
    },
    seen: () => refresh(),
  });
  views.set(name, view);
  return view;
}

let asked = 0;
let shown = 0;
/** Ask for the layers' outputs. While one answer is on its way, the next is computed; an answer that is overtaken is dropped. */
const refresh = latest(async () => {
  asked += 1;
  const [order, { view }] = [asked, subject];
  if (pad.blank) {
    shown = order;
    empty();
    compare();
    return;
  }
  const overtaken = () => order < shown || view !== subject.view;
  try {
    const found = await server.activations(pad.content(), { ...subject.query, paths: view.paths, maps: MAPS });
    if (overtaken()) return;
    shown = order;
    show(found);
    compare();
  } catch (error) {
    if (overtaken()) return;
    shown = order;
    fail(error);
    if (view.run) beside?.update(view.run, null);
    compare();
  }
}, 2);

/** Ask the other runs for their predictions. */
const compare = latest(async () => {
  const others = runs.filter(({ name }) => name !== subject.view.run);
  if (!beside) return;
  const blank = pad.blank;
  await Promise.all(others.map(async ({ name }) => {
    try {
      beside.update(name, blank ? null : await server.predict(pad.content(), { ...subject.query, run: name }));
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      beside.update(name, null);
    }
  }));
});

/** Show the layers of another run. @param {string} name */
async function turnTo(name) {
  const next = await viewOf(name);
  if (next === subject.view) return;
  leave();
  subject.view.leave();
  subject.view = next;
  input.preprocessing = next.network.preprocessing;
  next.show();
  examples.show(next.run);
  beside?.choose(name);
  refresh();
}

/** Nothing is drawn: no map has colours. The network is not asked, as its answer to nothing would fill them all. */
function empty() {
  const { view } = subject;
  for (const layer of view.layers.values()) layer.update(null);
  input.update({ shape: view.network.input });
  steps.update([]);
  view.scores.update(null);
  announce(null);
  if (view.run) beside?.update(view.run, null);
  follow();
}

/** @param {Answer} found */
function show(found) {
  const { view } = subject;
  performance.mark("striate-frame");
  input.update(found.input);
  for (const [path, data] of found.layers) view.layer(path).update(data);
  steps.update(found.steps);
  view.scores.update(found.probabilities);
  announce(found);
  if (view.run) beside?.update(view.run, found);
  meter(found.milliseconds);
  follow();
}

/** Ask again about the unit and the class that are chosen. */
function follow() {
  if (selection.unit) selection.refresh();
  if (subject.view.scores.class) reasons.refresh();
}

/** @param {unknown} error */
function fail(error) {
  subject.view.scores.update(null);
  steps.update([]);
  explainError(error);
}

/** Give up the unit and the class. */
function leave() {
  selection.release();
  subject.view.scores.choose(null);
}

// The pad shows once it listens, in the place where it stays: nothing below waits.
for (const part of [find("main"), find("footer")]) part.hidden = false;
first.show();
if (first.run) beside?.choose(first.run);
onTheme(() => selection.refresh());
listen(pad, { refresh, leave });
examples.show(first.run);
const reader = runs.find(({ reads }) => reads);
if (reader) new Line(find("#line"), (content) => server.read(content, { run: several ? reader.name : undefined }));
new Sandbox(find("#sandbox"), (trial) => server.account(trial, { run: first.run }), first.network.trials).begin();
refresh();
