/** The page of a network that plays Go: a game goes to the server, and every layer's output comes back. */

import { Answered } from "../compute/answered.js";
import { Board } from "./board.js";
import { drawing } from "./drawing.js";
import { count, find, make, percent, write } from "./elements.js";
import { Game, nameOf, OTHER } from "./game.js";
import { MAPS } from "./grid.js";
import { Inspector } from "./inspector.js";
import { latest } from "./latest.js";
import { Layer } from "./layers.js";
import { onTheme } from "./palette.js";
import { retold, say, translate } from "./say.js";
import * as server from "./server.js";
import { meter } from "./status.js";

/** @import { Network, Output, PositionAnswer, Row, Unit } from "./types.js" */

/** How many moves are listed. */
const FIVE = 5;

translate();

/** Say why there is no page, and end. @type {(error: unknown) => never} */
function refuse(error) {
  const box = find("#loading-error");
  box.replaceChildren(...lines(error));
  box.hidden = false;
  throw error;
}

/** The lines of a deliberate error; any other error is a bug and is thrown again. @param {unknown} error */
function lines(error) {
  if (!(error instanceof Answered)) throw error;
  return error.lines.map((line, at) => make(at ? "p" : "b", {}, line));
}

const runs = await server.runs().catch(refuse);
const run = runs.length > 1 ? (runs.find(({ board }) => board) ?? runs[0]).name : undefined;
const network = await server.network({ run }).catch(refuse);
const size = network.board ?? 19;
const game = new Game(size);
const board = new Board(find("#board", HTMLCanvasElement), size, (point) => place(nameOf(point, size)));
const inspector = new Inspector(find("#unit"));
const heat = find("#heat", HTMLInputElement);
const file = find("#file", HTMLInputElement);

/** The layers by path, the input first. @type {Map<string, Layer>} */
const layers = new Map(rows(network).map((row) => [row.path, new Layer(row, largest(network.rows), choose, null)]));
/** The probability of each point's move. @type {number[]} */
let shares = [];
/** The input's planes, as they were last shown. @type {Output | null} */
let planes = null;
/** @type {Unit | null} */
let unit = null;
let pinned = false;
/** The game that the list of moves is for, as SGF. */
let listed = "";

/** The planes of the input as a row, then the layers. @type {(network: Network) => Row[]} */
function rows({ rows: all, input, planes: names }) {
  const shown = all.filter((row) => !row.head);
  /** @type {Row} */
  const first = {
    ...shown[0], path: "input", words: say("the {count} planes of the position", { count: names.length }), output: input, input,
    weights: 0, biases: 0, connections: 0, macs: 0, fixed: 0, receptive_field: { size: [1, 1] }, sources: [], columns: null,
  };
  return [first, ...shown];
}

/** The largest parameters, connections and MACs of a layer. @param {Row[]} all */
function largest(all) {
  /** @type {((row: Row) => number)[]} */
  const figures = [(row) => row.weights + row.biases, (row) => row.connections, (row) => row.macs];
  return figures.map((of) => Math.max(1, ...all.map(of)));
}

/** Ask for the position, and then for what the network says of it. */
const refresh = latest(async () => {
  const [sent, content] = [game.sgf(), game.content()];
  try {
    const position = await server.position(content, { run });
    if (position.broken) {
      if (game.sgf() !== sent) return refresh(); // the move is gone already
      game.refused(position); // the last move was illegal
      fail(new Answered({ where: "", what: position.broken, expected: "", remedy: "" }));
      return refresh();
    }
    board.position = position;
    board.best = [];
    board.draw();
    const found = await server.activations(content, { run, steps: "on", maps: MAPS });
    board.heat = heat.checked ? (shares = likely(found.probabilities, position)) : null;
    planes = found.input;
    layers.get("input")?.update(planes);
    for (const [path, data] of found.layers) layers.get(path)?.update(data);
    meter(found.milliseconds);
    list(position, found.probabilities);
    listed = sent;
    if (unit) await inspect();
  } catch (error) {
    fail(error);
  }
});

/** The probability of each legal point; 0 elsewhere. @type {(probabilities: Record<string, number>, position: PositionAnswer) => number[]} */
function likely(probabilities, { legal }) {
  const found = Array(size * size).fill(0);
  for (const point of legal) found[point] = probabilities[nameOf(point, size)];
  return found;
}

/** @type {(position: PositionAnswer, probabilities: Record<string, number>) => void} */
function list(position, probabilities) {
  shares = likely(probabilities, position);
  board.heat = heat.checked ? shares : null;
  board.best = [...position.legal].sort((a, b) => shares[b] - shares[a]).slice(0, FIVE);
  board.draw();
  const most = shares[board.best[0]] || 1;
  find("#best").replaceChildren(...board.best.map((point, at) => {
    const bar = make("i");
    bar.style.width = `${(100 * shares[point]) / most}%`;
    const name = nameOf(point, size);
    const button = make(
      "button",
      { type: "button", title: say("Play {name}", { name }) },
      make("span", { class: "rank" }, `${at + 1}`),
      make("b", {}, name),
      make("span", { class: "track" }, bar),
      make("span", { class: "share" }, percent(shares[point])),
    );
    button.addEventListener("click", () => listed === game.sgf() && place(name));
    return make("li", {}, button);
  }));
  const { moves, to_play, captured } = position;
  const last = moves.at(-1);
  const parts = [to_play === "black" ? say("Black to play.") : say("White to play.")];
  if (last) {
    const values = { number: moves.length, name: last.name === "pass" ? say("pass") : last.name };
    parts.unshift(last.colour === "black" ? say("Move {number}: black {name}.", values) : say("Move {number}: white {name}.", values));
  }
  parts.push(say("Captured: {black} by black, {white} by white.", { black: captured[0], white: captured[1] }));
  write(find("#state"), parts.join(" "));
  write(find("#comment"), game.comment);
  find("#comment").hidden = !game.comment;
}

/** Play a move for the player whose turn it is. @param {string} name */
function place(name) {
  if (!board.position) return;
  find("#error").hidden = true;
  game.add({ colour: game.player, name }); // the server may not have answered with its position yet
  refresh();
}

/** @param {unknown} error */
function fail(error) {
  find("#error").replaceChildren(...lines(error));
  find("#error").hidden = false;
}

/** Take a unit that is pointed at; with `click` it is held, or let go if it was. @type {(chosen: Unit, click: boolean) => void} */
function choose(chosen, click) {
  const same = JSON.stringify(unit) === JSON.stringify(chosen);
  if (click) pinned = !(pinned && same);
  else if (pinned) return;
  if (same) return;
  if (unit && unit.path !== chosen.path) layers.get(unit.path)?.mark(null);
  unit = chosen;
  layers.get(chosen.path)?.mark(chosen);
  ask();
}

const ask = latest(() => inspect().catch(fail));

/** Show what the unit sees; of a plane, the points where it is set. */
async function inspect() {
  const asked = unit;
  if (!asked) return;
  if (asked.path === "input") {
    const [from, to] = [asked.map * size * size, (asked.map + 1) * size * size];
    const set = [...(planes?.codes.subarray(from, to) ?? [])].flatMap((code, point) => (code > 128 ? [point] : []));
    show({ field: null, unclipped: { rows: [0, 0], columns: [0, 0] } }, set);
    inspector.clear();
    find("#unit").replaceChildren(
      make("h3", {}, make("span", { class: "path" }, say("plane {number}", { number: asked.map })), ` ${retold(network.planes[asked.map])}`),
      make("p", { class: "soft" }, say("set at {count} points", { count: set.length })),
    );
    return;
  }
  const found = await server.unit(game.content(), { run, steps: "on", ...asked });
  if (asked !== unit) return;
  inspector.update(found, layers.get(asked.path)?.row.output ?? []);
  show(found, []);
}

/** @type {(field: import("./types.js").Field, dots: number[]) => void} */
function show(field, dots) {
  board.field = dots.length || !field.field ? null : field;
  board.dots = dots;
  board.draw();
}

function release() {
  if (unit) layers.get(unit.path)?.mark(null);
  [unit, pinned] = [null, false];
  inspector.clear();
  [board.field, board.dots] = [null, []];
  board.draw();
}

/** Read a game from a file. @param {Blob | undefined} blob */
async function open(blob) {
  if (!blob) return;
  try {
    const found = await server.position(new Uint8Array(await blob.arrayBuffer()), { run });
    game.take(found);
    find("#error").hidden = true;
    if (found.broken) fail(new Answered({ where: "", what: found.broken, expected: say("The game is shown up to there."), remedy: "" }));
    refresh();
  } catch (error) {
    fail(error);
  }
}

function save() {
  const link = make("a", { href: URL.createObjectURL(new Blob([game.sgf()], { type: "application/x-go-sgf" })), download: "game.sgf" });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A step that changes the game; without a change nothing is asked. @type {(changed: boolean) => void} */
function step(changed) {
  if (!changed) return;
  find("#error").hidden = true;
  refresh();
}

/** @type {Record<string, () => void>} */
const acts = {
  back: () => step(game.back()),
  forward: () => step(game.forward()),
  pass: () => place("pass"),
  "network-move": () => listed === game.sgf() && board.best.length && place(nameOf(board.best[0], size)),
  clear: () => {
    game.clear();
    step(true);
  },
  turn: () => {
    game.turn = OTHER[game.player];
    step(true);
  },
  choose: () => file.click(),
  save,
};
for (const [id, act] of Object.entries(acts)) find(`#${id}`).addEventListener("click", act);
heat.addEventListener("change", () => {
  board.heat = heat.checked ? shares : null;
  board.draw();
});
file.addEventListener("change", () => {
  open(file.files?.[0]);
  file.value = "";
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  open(event.dataTransfer?.files[0]);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") release();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.key === "Backspace") acts.back();
  else if (event.key === "p" || event.key === "P") acts.pass();
});

for (const part of [find("main"), find("footer")]) part.hidden = false;
document.title = `${network.network} – Striate`;
find("h1").textContent = network.network;
find("#source").textContent = network.source;
find("#untrained").hidden = network.trained;
find("#untrained").replaceChildren(make("b", {}, say("Untrained: random weights.")), ` ${say("Its moves mean nothing yet.")}`);
const { totals } = network;
find("#totals").textContent = say("{parameters} parameters · {connections} connections · {macs} MACs per position", {
  parameters: count(totals.parameters), connections: count(totals.connections), macs: count(totals.macs),
});
find("#layers").replaceChildren(...[...layers.values()].map(({ element }) => element));
find("#drawing").replaceChildren(drawing(network.rows, find("#drawing").clientWidth).svg);
for (const link of document.querySelectorAll("#drawing a")) link.classList.add("seen");
onTheme(() => board.draw());
refresh();
