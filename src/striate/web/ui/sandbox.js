/** Try it: other filters, kernels, strides and padding, with the account and the fit at once. */

import { Answered } from "../compute/answered.js";
import { count, make, partsOf, show } from "./elements.js";
import { retold, say } from "./say.js";
import { underway } from "./status.js";
import { windows } from "./windows.js";

/** @import { Change, ErrorLines, Misfit, Shape, Trial, TrialAccount, TrialAnswer, TrialRow } from "../compute/types.js" */
/** @typedef {{ layers_with_windows: number, misfits: Misfit[] }} Fit */
/** @typedef {"filters" | "kernel" | "stride" | "padding"} FieldName */

const KINDS = ["conv", "pool", "subsample", "linear"];
/** @type {FieldName[]} */
const FIELDS = ["filters", "kernel", "stride", "padding"];
const SIDES = ["channels", "height", "width"];
const LETTERS = { filters: "K", kernel: "F", stride: "S", padding: "P" };

export class Sandbox {
  /** The name of the network. */
  network = "";
  /** Other numbers, by the path of a layer. @type {Record<string, Change>} */
  changes = {};
  /** The network's own input; null before its account is there. @type {Shape | null} */
  shape = null;
  /** The layers whose numbers can be changed. @type {TrialRow[]} */
  rows = [];
  /** The rows as they are now, by path. @type {Map<string, TrialRow>} */
  now = new Map();
  /** The path of the layer whose windows are drawn; null for the first that does not fit. @type {string | null} */
  chosen = null;
  asked = 0;

  /**
   * @param {HTMLElement} root the section
   * @param {(trial: Trial & { network: string }) => Promise<TrialAnswer>} account asks the server
   * @param {string[]} names of the networks that can be tried
   */
  constructor(root, account, names) {
    this.account = account;
    this.part = partsOf(root);
    this.choice = this.part("network", HTMLSelectElement);
    this.sides = SIDES.map((side) => this.part(side, HTMLInputElement));
    this.choice.append(...names.map((name) => make("option", { value: name }, name === "post-002" ? say("3×3 filter on 7×7 (post 002)") : name)));
    this.line = this.part("line", HTMLInputElement);
    this.choice.addEventListener("change", () => {
      this.line.value = "";
      this.begin();
    });
    this.line.addEventListener("change", () => this.begin());
    for (const side of this.sides) side.addEventListener("input", () => this.refresh());
    this.part("again").addEventListener("click", () => this.begin());
  }

  /** Show the chosen network with its own numbers. */
  async begin() {
    this.network = this.#typed() || this.choice.value;
    this.changes = {};
    this.shape = null;
    this.rows = [];
    this.chosen = null;
    await this.refresh();
  }

  /** The network that is typed in; "" where there is none. A text without a colon names no input, which is its own error. */
  #typed() {
    const text = this.line.value.trim();
    return text && !text.includes(":") ? `${text} :` : text;
  }

  async refresh() {
    this.asked += 1;
    const asked = this.asked;
    const input = this.shape && this.sides.map((side) => side.valueAsNumber);
    if (input?.some(Number.isNaN)) return;
    underway(1);
    const trial = { network: this.network, changes: this.changes, ...(input ? { input } : {}) };
    const found = await this.account(trial).catch(refused).finally(() => underway(-1));
    if (asked !== this.asked) return;
    if (found.account) this.#show(found.account, found.fit);
    else this.#refuse(found.problem);
  }

  /** @type {(account: TrialAccount, fit: Fit) => void} */
  #show(account, fit) {
    if (!this.shape) {
      this.shape = account.input;
      this.sides.forEach((side, at) => { side.value = String(account.input[at]); });
      this.rows = account.rows.filter((row) => KINDS.includes(row.kind));
      this.part("rows").replaceChildren(...this.rows.map((row) => this.#row(row)));
    }
    const misfits = new Map(fit.misfits.map((misfit) => [misfit.path, misfit]));
    this.now = new Map(account.rows.map((row) => [row.path, row]));
    this.rows.forEach((old, at) => {
      const [line, row] = [this.part("rows").children[at], this.now.get(old.path) ?? old];
      figures(line, row, misfits.get(old.path));
      this.#follow(line, row);
    });
    const { totals } = account;
    this.part("totals").textContent = say("{parameters} parameters · {macs} MACs · {connections} connections", {
      parameters: count(totals.parameters), macs: count(totals.macs), connections: count(totals.connections),
    });
    this.part("totals").classList.remove("stale");
    const first = fit.misfits.find((each) => !each.padding_only) ?? fit.misfits[0];
    if (first) this.#misfit(account, fit, first);
    else this.#fits(fit.layers_with_windows);
    this.#picture(first?.path);
  }

  /** Show an error; the figures from before are struck out. @param {ErrorLines} problem */
  #refuse({ where, what, expected, remedy }) {
    this.part("totals").classList.add("stale");
    for (const row of this.part("rows").children) outdate(row, Boolean(where) && row.getAttribute("data-path") === where);
    this.#message("wrong", [where ? `${where}: ${what}` : what, expected, remedy]);
    this.part("picture").hidden = true;
  }

  /** @param {TrialRow} row */
  #row(row) {
    const cells = FIELDS.map((field) => {
      const own = valueOf(row, field);
      if (!own) return make("td");
      const input = make("input", {
        type: "number", inputmode: "numeric", min: field === "padding" ? 0 : 1, max: field === "filters" ? 65536 : 1024, ...own,
        "aria-label": `${row.path}: ${say(field)}`, "data-testid": `try-${row.path}-${field}`,
      });
      input.addEventListener("input", () => this.#change(row.path, field, input));
      input.addEventListener("focus", () => {
        this.chosen = row.path;
        this.#picture();
      });
      return make("td", { "data-of": LETTERS[field], "data-label": LETTERS[field] }, input);
    });
    const figures = ["output", "parameters", "MACs", "field", "fit"].map((name) => make("td", { "data-of": name, "data-label": name === "fit" ? "" : say(name) }));
    return make("tr", { "data-path": row.path }, make("th", { scope: "row" }, row.path), ...cells, ...figures);
  }

  /** Write the fields that nobody has changed: a padding of "same" follows the kernel. @type {(line: Element, row: TrialRow) => void} */
  #follow(line, row) {
    FIELDS.forEach((field, at) => {
      const [own, input] = [valueOf(row, field), line.children[at + 1].querySelector("input")];
      if (!own || !input || input === document.activeElement || this.changes[row.path]?.[field] !== undefined) return;
      input.value = String(own.value ?? "");
      input.placeholder = own.placeholder ?? "";
    });
  }

  /** @type {(path: string, field: FieldName, input: HTMLInputElement) => void} */
  #change(path, field, input) {
    const changes = { ...(this.changes[path] ?? {}) };
    if (input.value === "") delete changes[field];
    else changes[field] = input.valueAsNumber;
    this.changes[path] = changes;
    this.refresh();
  }

  /** @param {number} layers */
  #fits(layers) {
    this.#message("fits", [layers === 1
      ? say("Every window fits exactly, in 1 layer: all rows and columns are read.")
      : say("Every window fits exactly, in {layers} layers: all rows and columns are read.", { layers })]);
  }

  /** @type {(account: TrialAccount, fit: Fit, first: Misfit) => void} */
  #misfit(account, fit, first) {
    const others = [...new Set(fit.misfits.map((each) => each.path))].filter((path) => path !== first.path);
    const { path, formula, output } = first;
    const values = { path, formula, output, unseen: retold(first.unseen) };
    const text = [
      first.padding_only
        ? say("{path}: {formula}, so {output}; {unseen}, which does no harm.", values)
        : say("{path}: {formula}, so {output}; {unseen}.", values),
      say("Fits exactly with {fits}.", { fits: first.fits.map(retold).join(" · ") }),
    ];
    const own = this.now.get(first.path)?.input.join() === account.input.join();
    if (first.network_inputs.length && !own) text.push(say("Or with another input of the network: {inputs}.", { inputs: retold(first.network_inputs.join(" or ")) }));
    if (others.length) text.push(others.length === 1
      ? say("1 more layer does not fit exactly: {paths}.", { paths: others[0] })
      : say("{count} more layers do not fit exactly: {paths}.", { count: others.length, paths: others.join(", ") }));
    this.#message(fit.misfits.every((each) => each.padding_only) ? "harmless" : "misfit", text);
  }

  /** @type {(kind: string, text: (string | undefined)[]) => void} */
  #message(kind, text) {
    const box = this.part("fit");
    box.className = `message ${kind}`;
    const [what, ...mark] = (text[0] ?? "").split("\n"); // a text that cannot be read is shown, with a mark below
    const marked = mark.length ? make("pre", { tabindex: "0" }, mark.join("\n")) : null;
    const lines = text.slice(1).flatMap((line) => (line ? [make("p", {}, line)] : []));
    box.replaceChildren(make("b", {}, what), ...(marked ? [marked] : []), ...lines);
  }

  /**
   * Draw the windows of a layer on its input: of the chosen one, of that path, or of the first.
   * @param {string} [path]
   */
  #picture(path) {
    const row = this.now.get(this.chosen ?? path ?? this.rows[0]?.path);
    const drawn = row && windows(this.part("windows", HTMLCanvasElement), row);
    this.part("picture").hidden = !drawn;
    if (drawn) this.part("windows-caption").textContent = drawn;
  }
}

/** The server's deliberate error, as an answer. @type {(error: unknown) => TrialAnswer} */
function refused(error) {
  if (!(error instanceof Answered)) throw error;
  return { problem: error.error, account: null, fit: null };
}

/**
 * Strike out the figures of a row. No layer is said to fit; the one that is wrong says so.
 * @type {(line: Element, wrong: boolean) => void}
 */
function outdate(line, wrong) {
  line.classList.toggle("wrong", wrong);
  const cells = [...line.children].slice(-5);
  cells.forEach((cell) => cell.classList.add("stale"));
  cells[4].textContent = wrong ? say("does not fit") : "";
  cells[4].className = "misfit";
}

/** Write the figures of a row. @type {(line: Element, row: TrialRow, misfit: Misfit | undefined) => void} */
function figures(line, row, misfit) {
  const cells = [...line.children].slice(-5);
  cells.forEach((cell) => cell.classList.remove("stale"));
  const [output, parameters, macs, field, fit] = cells;
  output.textContent = show(row.output);
  parameters.textContent = count(row.weights + row.biases);
  macs.textContent = count(row.macs);
  const [high, wide] = row.receptive_field.size;
  field.textContent = high === wide ? `${high}` : `${high}×${wide}`;
  fit.textContent = misfit ? retold(`${misfit.unseen.replace("unseen: ", "")} unseen`) : row.kind === "linear" ? "" : say("fits");
  fit.className = misfit ? (misfit.padding_only ? "harmless" : "misfit") : "fits";
  line.classList.remove("wrong");
}

/**
 * The number in a field, or the placeholder where it is not a single number; null where the layer has no such field.
 * @type {(row: TrialRow, field: FieldName) => { value?: number | null, placeholder?: string } | null}
 */
function valueOf(row, field) {
  if (field === "filters") return row.kind === "conv" || row.kind === "linear" ? { value: row.filters } : null;
  const values = row[field];
  if (!values || (field === "padding" && row.kind === "subsample")) return null;
  return values.every((each) => each === values[0]) ? { value: values[0] } : { placeholder: values.join(",") };
}
