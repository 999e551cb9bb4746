/** The view of a run: its layers, its classes, and the drawing of its network. */

import { drawing } from "./drawing.js";
import { count, find, make } from "./elements.js";
import { shownOf } from "./grid.js";
import { Layer } from "./layers.js";
import { say } from "./say.js";
import { Scores } from "./scores.js";

/** @import { Network, Row, Unit } from "./types.js" */

/** Up to how many values all layers are kept up to date; of more, only the layers in view are. */
const ALL = 600_000;
/** Up to how many outputs have the names of their classes on them. */
const LABELLED = 20;

export class View {
  /** The paths of the layers in view. @type {Set<string>} */
  visible = new Set();
  /** The drawing of the network, made when it is shown first. @type {ReturnType<typeof drawing> | null} */
  drawing = null;

  /**
   * @param {string | undefined} run its name, where there are several
   * @param {Network} network
   * @param {{ choose: (unit: Unit, click: boolean) => void, explain: (name: string | null) => void, seen: () => void }} acts
   *   called with a unit, with a class, and when other layers came into view
   */
  constructor(run, network, acts) {
    this.run = run;
    this.network = network;
    this.acts = acts;
    this.rows = network.rows.filter((row) => !row.head);
    this.large = this.rows.reduce((sum, row) => sum + shownOf(row.output).reduce((a, b) => a * b, 1), 0) > ALL;
    const most = largest(this.rows);
    this.layers = new Map(this.rows.map((row) => [row.path, new Layer(row, most, acts.choose, this.#labels(row))]));
    this.list = /** @type {HTMLElement} */ (find("#scores").cloneNode(false));
    this.scores = new Scores(this.list, network.classes, acts.explain);
    this.watch = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "0px 0px 100px 0px" });
  }

  /** The names of the classes, for the row whose units stand for them. @type {(row: Row) => string[] | null} */
  #labels(row) {
    const { classes, rows, last } = this.network;
    const named = row === rows[last] && row.output.length === 1 && row.output[0] === classes.length && classes.length <= LABELLED;
    return named ? classes : null;
  }

  /** The layer of a path. @param {string} path */
  layer(path) {
    const found = this.layers.get(path);
    if (!found) throw new Error(`no layer is called ${path}`);
    return found;
  }

  /** Put it on the page. */
  show() {
    const { network } = this;
    const { totals } = network;
    document.title = `${network.network} – Striate`;
    find("h1").textContent = network.network;
    find("#source").textContent = network.source;
    untrained(network);
    find("#totals").textContent = say("{parameters} parameters · {connections} connections · {macs} MACs per image", {
      parameters: count(totals.parameters), connections: count(totals.connections), macs: count(totals.macs),
    });
    find("#layers").replaceChildren(...[...this.layers.values()].map((layer) => layer.element));
    find("#scores").replaceWith(this.list);
    this.drawing ??= drawing(network.rows, find("#drawing").clientWidth);
    find("#drawing").replaceChildren(this.drawing.svg);
    for (const choice of find("#method", HTMLSelectElement).options) choice.hidden = choice.disabled = !network.methods.includes(choice.value);
    find("label.switch").hidden = network.preprocessing.form === "picture";
    const digits = ofDigits(network);
    find("#draw-title").textContent = say(digits ? "Draw a digit" : "Draw, or drop a picture");
    find("#probability").dataset.idle = say(digits ? "draw a digit, or drop a picture" : "drop a picture, or draw one");
    for (const layer of this.layers.values()) this.watch.observe(layer.element);
  }

  /** Make room for another view. */
  leave() {
    this.watch.disconnect();
    this.visible.clear();
  }

  /** The paths of the layers to ask for; undefined for all. The input is there in any case. */
  get paths() {
    return this.large ? [...this.visible].join() || "input" : undefined;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const path = target.getAttribute("data-path") ?? "";
      if (isIntersecting) this.visible.add(path);
      else this.visible.delete(path);
      this.layer(path).inView = isIntersecting;
      this.drawing?.links.get(path)?.classList.toggle("seen", isIntersecting);
    }
    this.#follow();
    if (this.large) this.acts.seen();
  }

  /** Scroll the drawing so that it shows the layers in view. */
  #follow() {
    const way = find("#drawing");
    const first = this.rows.find((row) => this.visible.has(row.path));
    const link = first && this.drawing?.links.get(first.path);
    if (!link || way.scrollWidth <= way.clientWidth) return;
    const box = link.getBoundingClientRect();
    way.scrollBy({ left: box.left - way.getBoundingClientRect().left - way.clientWidth / 3, behavior: "instant" });
  }
}

/** Whether its classes are digits, and perhaps a blank. @type {(network: Network) => boolean} */
const ofDigits = ({ preprocessing, classes }) => preprocessing.form !== "picture" && classes.every((name) => /^\d$|^blank$/.test(name));

/** Say beside the network's name that its weights are random. @param {Network} network */
function untrained({ trained }) {
  const line = find("#untrained");
  line.hidden = trained;
  line.replaceChildren(make("b", {}, say("Untrained: random weights.")), ` ${say("What it says of a picture means nothing yet.")}`);
}

/** The largest parameters, connections and MACs of a layer. @param {Row[]} rows */
function largest(rows) {
  /** @type {((row: Row) => number)[]} */
  const figures = [(row) => row.weights + row.biases, (row) => row.connections, (row) => row.macs];
  return figures.map((of) => Math.max(1, ...rows.map(of)));
}
