/** The page: what is drawn goes to the server, or to what stands for it, and what every layer made of it comes back. */

import { drawing } from "./drawing.js";
import { count, find } from "./elements.js";
import { Input } from "./input.js";
import { Inspector } from "./inspector.js";
import { Layer } from "./layers.js";
import { onTheme } from "./palette.js";
import { Pad } from "./pad.js";
import { Scores } from "./scores.js";
import { Sandbox } from "./sandbox.js";
import * as server from "./server.js";
import { announce, explainError, meter } from "./status.js";
import { Steps } from "./steps.js";

/** Up to so many values all layers are kept up to date, else only those in view. */
const ALL = 600_000;
/** Of each layer so many maps are fetched. */
const MAPS = 64;

const network = await server.network();
const rows = network.rows.filter((row) => !row.head);
const byPath = new Map(rows.map((row) => [row.path, row]));
const values = rows.reduce((sum, row) => sum + sent(row.output), 0);

/** How many values of an output are fetched. */
function sent([maps, height = 1, width = 1]) {
  return height * width > 1 ? Math.min(maps, MAPS) * height * width : maps;
}

let frame = null;
let unit = null;
let pinned = false;
const visible = new Set();

const pad = new Pad(find("[data-testid=pad]"), () => refresh());
const steps = new Steps(find("#steps"));
const input = new Input(find("#input"), network.preprocessing);
const inspector = new Inspector(find("#unit"));
const scores = new Scores(find("#scores"), network.classes, (name) => explain(name));
const layers = new Map(rows.map((row) => [row.path, new Layer(row, largest(), choose)]));

/** Run `work` again and again while it is asked for, `most` at a time; what is asked for meanwhile is run once. */
function latest(work, most = 1) {
  let wanted = false;
  let running = 0;
  return async () => {
    wanted = true;
    if (running === most) return;
    running += 1;
    while (wanted) {
      wanted = false;
      await work();
    }
    running -= 1;
  };
}

let asked = 0;
let shown = 0;
/** While one answer is on its way, the next is computed; one that comes too late is left out. */
const refresh = latest(async () => {
  asked += 1;
  const order = asked;
  const blank = pad.blank;
  const paths = values > ALL && visible.size ? [...visible].join() : undefined;
  try {
    const found = await server.activations(pad.content(), { ...query(), paths, maps: MAPS });
    if (order < shown) return;
    shown = order;
    show(found, blank);
  } catch (error) {
    if (order < shown) return;
    shown = order;
    fail(error);
  }
}, 2);

const inspect = latest(async () => {
  const wanted = unit;
  if (!wanted || !frame) return;
  try {
    const found = await server.unit(pad.content(), { ...query(), ...wanted });
    if (wanted === unit) {
      inspector.update(found, byPath.get(wanted.path));
      input.frame(found);
      document.body.classList.add("inspecting");
    }
  } catch (error) {
    fail(error);
  }
});

const attribute = latest(async () => {
  const name = scores.class;
  find("#legend").hidden = !name;
  if (!name || pad.blank) return input.explain(null);
  try {
    const found = await server.attribution(pad.content(), { ...query(), class: name, method: find("#method").value });
    if (name !== scores.class) return;
    input.explain(found.values);
    find("#legend-class").textContent = name;
  } catch (error) {
    fail(error);
  }
});

/** A blank pad has no digit to prepare; the network is shown what it makes of nothing. */
function query() {
  return { steps: pad.blank || !find("#prepared").checked ? "off" : "on" };
}

function show(found, blank) {
  performance.mark("striate-frame");
  frame = found;
  for (const [path, data] of found.layers) layers.get(path)?.update(data);
  input.update(found.layers.get("input"));
  steps.update(blank ? [] : found.steps);
  scores.update(blank ? null : found.probabilities);
  announce(blank ? null : found);
  meter(found.milliseconds);
  if (unit) inspect();
  if (scores.class) attribute();
}

function fail(error) {
  scores.update(null);
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
  if (unit && unit.path !== chosen.path) layers.get(unit.path).mark(null);
  unit = chosen;
  layers.get(unit.path).mark(unit);
  inspect();
}

function release() {
  if (unit) layers.get(unit.path).mark(null);
  unit = null;
  pinned = false;
  inspector.clear();
  input.frame(null);
  document.body.classList.remove("inspecting", "pinned");
}

/** Neither a unit nor a class any more. */
function leave() {
  release();
  scores.choose(null);
}

function explain(name) {
  document.body.classList.toggle("explaining", name !== null);
  attribute();
}

function largest() {
  return [(row) => row.weights + row.biases, (row) => row.connections, (row) => row.macs].map((of) => Math.max(1, ...rows.map(of)));
}

/** Keep the layers in view in view on the drawing, too. */
function follow(links) {
  const way = find("#drawing");
  const first = rows.find((row) => visible.has(row.path));
  if (!first || way.scrollWidth <= way.clientWidth) return;
  const box = links.get(first.path).getBoundingClientRect();
  way.scrollBy({ left: box.left - way.getBoundingClientRect().left - way.clientWidth / 3, behavior: "instant" });
}

async function take(file) {
  if (file) await pad.show(file);
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

function lay() {
  const { totals } = network;
  document.title = `${network.network} – Striate`;
  find("h1").textContent = network.network;
  find("#source").textContent = network.source;
  find("#totals").textContent = `${count(totals.parameters)} parameters · ${count(totals.connections)} connections · ${count(totals.macs)} MACs an image`;
  find("#layers").append(...[...layers.values()].map((layer) => layer.element));
  const { svg, links } = drawing(network.rows, find("#drawing").clientWidth);
  find("#drawing").append(svg);
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const path = target.dataset.path;
      visible[isIntersecting ? "add" : "delete"](path);
      layers.get(path).inView = isIntersecting;
      links.get(path).classList.toggle("seen", isIntersecting);
    }
    follow(links);
    if (values > ALL) refresh();
  }, { rootMargin: "0px 0px 100px 0px" });
  for (const layer of layers.values()) watch.observe(layer.element);
  for (const choice of find("#method").options) choice.hidden = choice.disabled = !network.methods.includes(choice.value);
  if (network.preprocessing.form !== "digits") {
    find("#prepared").closest("label").hidden = true;
    find("#draw-title").textContent = "Draw, or drop a picture";
  }
  onTheme(() => inspect());
}

lay();
listen();
if (find("#sandbox")) new Sandbox(find("#sandbox"), server.account, network.trials).begin();
refresh();
