/** The page: what is drawn goes to the server, or to what stands for it, and what every layer made of it comes back. */

import { Answered } from "../compute/answered.js";
import { find, write } from "./elements.js";
import { Input } from "./input.js";
import { Inspector } from "./inspector.js";
import { MAPS } from "./layers.js";
import { Line } from "./line.js";
import { onTheme } from "./palette.js";
import { Pad } from "./pad.js";
import { Runs } from "./runs.js";
import { Sandbox } from "./sandbox.js";
import * as server from "./server.js";
import { announce, explainError, meter, underway } from "./status.js";
import { Steps } from "./steps.js";
import { View } from "./view.js";

/** After so many milliseconds without an answer the page says that it waits. */
const PATIENCE = 200;

const views = new Map();
const runs = await server.runs().catch(refuse);
const several = runs.length > 1;
let view = await viewOf(runs[0].name).catch(refuse);

let unit = null;
let pinned = false;

const pad = new Pad(find("[data-testid=pad]"), () => refresh());
const steps = new Steps(find("#steps"));
const input = new Input(find("#input"), view.network.preprocessing);
const inspector = new Inspector(find("#unit"));
const beside = several ? new Runs(find("#runs"), runs, turnTo) : null;

/** Say why there is no page, and end. */
function refuse(error) {
  explainError(error, find("#loading-error"));
  throw error;
}

/** What is shown of a run; made once. */
async function viewOf(name) {
  if (!views.has(name)) {
    const run = several ? name : undefined;
    views.set(name, new View(run, await server.network({ run }), { choose, explain, seen: () => refresh() }));
  }
  return views.get(name);
}

/** Run `work` again and again while it is asked for, `most` at a time; what is asked for meanwhile is run once. */
function latest(work, most = 1) {
  let wanted = false;
  let running = 0;
  return async () => {
    wanted = true;
    if (running === most) return;
    running += 1;
    underway(1);
    while (wanted) {
      wanted = false;
      await work();
    }
    underway(-1);
    running -= 1;
  };
}

let asked = 0;
let shown = 0;
/** While one answer is on its way, the next is computed; one that comes too late is left out. */
const refresh = latest(async () => {
  asked += 1;
  const order = asked;
  const asker = view;
  if (pad.blank) {
    shown = order;
    empty();
    compare();
    return;
  }
  try {
    const found = await server.activations(pad.content(), { ...query(), paths: view.paths, maps: MAPS });
    if (order < shown || asker !== view) return;
    shown = order;
    show(found);
    compare();
  } catch (error) {
    if (order < shown || asker !== view) return;
    shown = order;
    fail(error);
  }
}, 2);

/** What the other runs say of the same drawing. */
const compare = latest(async () => {
  const others = runs.filter(({ name }) => name !== view.run);
  if (!several) return;
  const blank = pad.blank;
  await Promise.all(others.map(async ({ name }) => {
    try {
      beside.update(name, blank ? null : await server.predict(pad.content(), { ...query(), run: name }));
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      beside.update(name, null);
    }
  }));
});

async function turnTo(name) {
  const next = await viewOf(name);
  if (next === view) return;
  leave();
  view.leave();
  view = next;
  input.preprocessing = view.network.preprocessing;
  view.show();
  beside.choose(name);
  refresh();
}

const inspect = latest(async () => {
  const wanted = unit;
  if (!wanted) return;
  try {
    const found = await server.unit(pad.content(), { ...query(), ...wanted });
    if (wanted === unit) {
      inspector.update(found, view.byPath.get(wanted.path));
      input.frame(found);
      document.body.classList.add("inspecting");
    }
  } catch (error) {
    fail(error);
  }
});

/** The class and the method whose attribution is shown. */
let explained = "";
const attribute = latest(async () => {
  const name = view.scores.class;
  const method = find("#method").value;
  const wanted = JSON.stringify([view.run, name, method]);
  find("#legend").hidden = !name;
  if (explained !== wanted || pad.blank) input.explain(null);
  explained = wanted;
  if (!name || pad.blank) return;
  find("#legend-class").textContent = name;
  const working = setTimeout(() => write(find("#working"), "computing …"), PATIENCE);
  try {
    const found = await server.attribution(pad.content(), { ...query(), class: name, method });
    if (name === view.scores.class && method === find("#method").value) input.explain(found.values);
  } catch (error) {
    fail(error);
  } finally {
    clearTimeout(working);
    write(find("#working"), "");
  }
});

/** A blank pad has no digit to prepare; a unit is asked for all the same, for what it sees. */
function query() {
  return { run: view.run, steps: pad.blank || !find("#prepared").checked ? "off" : "on" };
}

/** Nothing is drawn: nothing is asked, and no map is coloured. What a network makes of nothing would fill them all. */
function empty() {
  for (const layer of view.layers.values()) layer.update(null);
  input.update({ shape: view.network.input, codes: null });
  steps.update([]);
  view.scores.update(null);
  announce(null);
  beside?.update(view.run, null);
  if (unit) inspect();
  if (view.scores.class) attribute();
}

function show(found) {
  performance.mark("striate-frame");
  for (const [path, data] of found.layers) view.layers.get(path)?.update(data);
  input.update(found.layers.get("input"));
  steps.update(found.steps);
  view.scores.update(found.probabilities);
  announce(found);
  beside?.update(view.run, found);
  meter(found.milliseconds);
  if (unit) inspect();
  if (view.scores.class) attribute();
}

function fail(error) {
  view.scores.update(null);
  steps.update([]);
  explainError(error);
}

function choose(chosen, click) {
  if (click) {
    const again = pinned && unit && JSON.stringify(unit) === JSON.stringify(chosen);
    pinned = !again;
  } else if (pinned) return;
  document.body.classList.toggle("pinned", pinned);
  if (unit && JSON.stringify(unit) === JSON.stringify(chosen)) return;
  if (unit && unit.path !== chosen.path) view.layers.get(unit.path).mark(null);
  unit = chosen;
  view.layers.get(unit.path).mark(unit);
  inspect();
}

function release() {
  if (unit) view.layers.get(unit.path).mark(null);
  unit = null;
  pinned = false;
  inspector.clear();
  input.frame(null);
  document.body.classList.remove("inspecting", "pinned");
}

/** Neither a unit nor a class any more. */
function leave() {
  release();
  view.scores.choose(null);
}

function explain(name) {
  document.body.classList.toggle("explaining", name !== null);
  attribute();
}

async function take(file) {
  if (!file) return;
  underway(1);
  await pad.show(file);
  underway(-1);
}

function listen() {
  const press = { undo: () => pad.undo(), clear: () => pad.clear(), choose: () => find("#file").click(), close: leave };
  for (const [id, act] of Object.entries(press)) find(`#${id}`).addEventListener("click", act);
  const file = find("#file");
  const chosen = () => {
    take(file.files[0]);
    file.value = "";
  };
  file.addEventListener("change", chosen);
  if (file.files.length) chosen(); // while the page was loading
  for (const tool of document.querySelectorAll("[data-tool]")) {
    tool.addEventListener("click", () => {
      pad.tool = tool.dataset.tool;
      for (const each of document.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", String(each === tool));
    });
  }
  find("#prepared").addEventListener("change", () => refresh());
  find("#method").addEventListener("change", () => attribute());
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leave();
    } else if ((event.ctrlKey || event.metaKey) && event.key === "z" && !event.target.matches("input")) {
      event.preventDefault();
      pad.undo();
    }
  });
}

// What can be drawn on shows once it listens, in the place where it stays: nothing below waits.
for (const part of [find("main"), find("footer")]) part.hidden = false;
view.show();
beside?.choose(view.run);
onTheme(() => inspect());
listen();
const reader = runs.find(({ reads }) => reads);
if (reader) new Line(find("#line"), (content) => server.read(content, { run: several ? reader.name : undefined }));
new Sandbox(find("#sandbox"), server.account, view.network.trials).begin();
refresh();
