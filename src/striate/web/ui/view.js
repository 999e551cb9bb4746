/** What the page shows of one run: its layers, its classes, and the drawing of its network. */

import { drawing } from "./drawing.js";
import { count, find, make } from "./elements.js";
import { Layer, MAPS } from "./layers.js";
import { Scores } from "./scores.js";

/** Up to so many values all layers are kept up to date, else only those in view. */
const ALL = 600_000;
/** Up to so many outputs have their classes' names on them. */
const LABELLED = 20;

export class View {
  /**
   * @param {string | undefined} run its name, where there are several
   * @param network the server's description
   * @param acts what to call: `choose` with a unit, `explain` with a class, `seen` when other layers came into view
   */
  constructor(run, network, acts) {
    this.run = run;
    this.network = network;
    this.rows = network.rows.filter((row) => !row.head);
    this.byPath = new Map(this.rows.map((row) => [row.path, row]));
    this.large = this.rows.reduce((sum, row) => sum + sent(row.output), 0) > ALL;
    const { classes } = network;
    const labelled = (row) => row === network.rows[network.last] && row.output.length === 1 && row.output[0] === classes.length && classes.length <= LABELLED;
    this.layers = new Map(this.rows.map((row) => [row.path, new Layer(row, largest(this.rows), acts.choose, labelled(row) ? classes : null)]));
    this.list = find("#scores").cloneNode(false);
    this.scores = new Scores(this.list, network.classes, acts.explain);
    this.visible = new Set();
    this.acts = acts;
  }

  /** Put it on the page. */
  show() {
    const { totals } = this.network;
    document.title = `${this.network.network} – Striate`;
    find("h1").textContent = this.network.network;
    find("#source").textContent = this.network.source;
    untrained(this.network);
    find("#totals").textContent = `${count(totals.parameters)} parameters · ${count(totals.connections)} connections · ${count(totals.macs)} MACs an image`;
    find("#layers").replaceChildren(...[...this.layers.values()].map((layer) => layer.element));
    find("#scores").replaceWith(this.list);
    if (!this.links) Object.assign(this, drawing(this.network.rows, find("#drawing").clientWidth));
    find("#drawing").replaceChildren(this.svg);
    for (const choice of find("#method").options) choice.hidden = choice.disabled = !this.network.methods.includes(choice.value);
    const digits = this.network.preprocessing.form !== "picture";
    find("#prepared").closest("label").hidden = !digits;
    find("#draw-title").textContent = digits ? "Draw a digit" : "Draw, or drop a picture";
    this.watch = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "0px 0px 100px 0px" });
    for (const layer of this.layers.values()) this.watch.observe(layer.element);
  }

  /** Make room for another one. */
  leave() {
    this.watch.disconnect();
    this.visible.clear();
  }

  /** The layers to ask for: undefined for all. */
  get paths() {
    return this.large && this.visible.size ? [...this.visible].join() : undefined;
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const { path } = target.dataset;
      this.visible[isIntersecting ? "add" : "delete"](path);
      this.layers.get(path).inView = isIntersecting;
      this.links.get(path).classList.toggle("seen", isIntersecting);
    }
    this.#follow();
    if (this.large) this.acts.seen();
  }

  /** Keep the layers in view in view on the drawing, too. */
  #follow() {
    const way = find("#drawing");
    const first = this.rows.find((row) => this.visible.has(row.path));
    if (!first || way.scrollWidth <= way.clientWidth) return;
    const box = this.links.get(first.path).getBoundingClientRect();
    way.scrollBy({ left: box.left - way.getBoundingClientRect().left - way.clientWidth / 3, behavior: "instant" });
  }
}

/** Weights that are random are said to be so, beside the network's name. */
function untrained({ trained }) {
  const line = find("#untrained");
  line.hidden = trained;
  line.replaceChildren(make("b", {}, "Untrained: random weights."), " What it says of a picture means nothing yet.");
}

/** How many values of an output are fetched. */
function sent([maps, height = 1, width = 1]) {
  return height * width > 1 ? Math.min(maps, MAPS) * height * width : maps;
}

function largest(rows) {
  return [(row) => row.weights + row.biases, (row) => row.connections, (row) => row.macs].map((of) => Math.max(1, ...rows.map(of)));
}
