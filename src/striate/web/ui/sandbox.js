/** Try it: other filters, kernels, strides and padding, and what the account says of them at once. */

import { Answered } from "../compute/answered.js";
import { count, make, show } from "./elements.js";
import { underway } from "./status.js";
import { windows } from "./windows.js";

const KINDS = ["conv", "pool", "subsample", "linear"];
const FIELDS = ["filters", "kernel", "stride", "padding"];
const LETTERS = { filters: "K", kernel: "F", stride: "S", padding: "P" };

export class Sandbox {
  /**
   * @param {HTMLElement} root the section
   * @param {(trial: object) => Promise<object>} account asks the server
   */
  constructor(root, account, names) {
    this.root = root;
    this.account = account;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.part("network").append(...names.map((name) => make("option", { value: name }, name === "post-002" ? "3×3 filter on 7×7 (post 002)" : name)));
    this.part("network").addEventListener("change", () => this.begin());
    for (const side of ["channels", "height", "width"]) this.part(side).addEventListener("input", () => this.refresh());
    this.part("again").addEventListener("click", () => this.begin());
    this.asked = 0;
  }

  /** The chosen network as it is described. */
  async begin() {
    this.network = this.part("network").value;
    this.changes = {};
    this.shape = null;
    this.rows = [];
    this.chosen = null;
    await this.refresh();
  }

  async refresh() {
    this.asked += 1;
    const asked = this.asked;
    const input = this.shape && ["channels", "height", "width"].map((side) => this.part(side).valueAsNumber);
    if (input?.some(Number.isNaN)) return;
    let found;
    underway(1);
    try {
      found = await this.account({ network: this.network, changes: this.changes, ...(input ? { input } : {}) });
    } catch (error) {
      if (!(error instanceof Answered)) throw error;
      found = { problem: null, account: null, lines: error.lines };
    } finally {
      underway(-1);
    }
    if (asked !== this.asked) return;
    if (found.account) this.#show(found);
    else this.#refuse(found.lines ?? lines(found.problem), found.problem?.where);
  }

  #show({ account, fit }) {
    if (!this.shape) {
      this.shape = account.input;
      ["channels", "height", "width"].forEach((side, at) => { this.part(side).value = account.input[at]; });
      this.rows = account.rows.filter((row) => KINDS.includes(row.kind));
      this.part("rows").replaceChildren(...this.rows.map((row) => this.#row(row)));
    }
    const misfits = new Map(fit.misfits.map((misfit) => [misfit.path, misfit]));
    const now = new Map(account.rows.map((row) => [row.path, row]));
    this.rows.forEach((old, at) => this.#figures(this.part("rows").children[at], now.get(old.path), misfits.get(old.path)));
    this.now = now;
    const { totals } = account;
    this.part("totals").textContent = `${count(totals.parameters)} parameters · ${count(totals.macs)} MACs · ${count(totals.connections)} connections`;
    this.part("totals").classList.remove("stale");
    const first = fit.misfits.find((each) => !each.padding_only) ?? fit.misfits[0];
    this.#fit(account, fit, first);
    this.#picture(first?.path);
  }

  #refuse(text, path) {
    this.part("totals").classList.add("stale");
    for (const row of this.part("rows").children) this.#outdate(row, row.dataset.path === path);
    this.#message("wrong", text);
    this.part("picture").hidden = true;
  }

  /** The figures of before fade, and no layer is said to fit; the one that is wrong says so. */
  #outdate(line, wrong) {
    line.classList.toggle("wrong", wrong);
    const cells = [...line.children].slice(-5);
    cells.forEach((cell) => cell.classList.add("stale"));
    cells.at(-1).textContent = wrong ? "does not fit" : "";
    cells.at(-1).className = "misfit";
  }

  #row(row) {
    const cells = FIELDS.map((field) => {
      const [value, text] = plain(row, field);
      if (text === undefined) return make("td");
      const input = make("input", {
        type: "number", inputmode: "numeric", min: field === "padding" ? 0 : 1, max: field === "filters" ? 65536 : 1024, value, placeholder: text,
        "aria-label": `${row.path}: ${field}`, "data-testid": `try-${row.path}-${field}`,
      });
      input.addEventListener("input", () => this.#change(row.path, field, input));
      input.addEventListener("focus", () => this.#picture(row.path, true));
      return make("td", { "data-of": LETTERS[field] }, input);
    });
    const figures = ["output", "parameters", "MACs", "field", "fit"].map((name) => make("td", { "data-of": name }));
    return make("tr", { "data-path": row.path }, make("th", { scope: "row" }, row.path), ...cells, ...figures);
  }

  #change(path, field, input) {
    const changes = { ...(this.changes[path] ?? {}) };
    if (input.value === "") delete changes[field];
    else changes[field] = input.valueAsNumber;
    this.changes[path] = changes;
    this.refresh();
  }

  #figures(line, row, misfit) {
    const cells = [...line.children].slice(-5);
    cells.forEach((cell) => cell.classList.remove("stale"));
    const [output, parameters, macs, field, fit] = cells;
    output.textContent = show(row.output);
    parameters.textContent = count(row.weights + row.biases);
    macs.textContent = count(row.macs);
    field.textContent = row.receptive_field.size[0];
    const text = misfit ? misfit.unseen.replace("unseen: ", "") + " unseen" : row.kind === "linear" ? "" : "fits";
    fit.textContent = text;
    fit.className = misfit ? (misfit.padding_only ? "harmless" : "misfit") : "fits";
    line.classList.remove("wrong");
  }

  #fit(account, fit, first) {
    if (!fit.misfits.length) {
      const text = `Every window fits exactly, in ${fit.layers_with_windows} ${fit.layers_with_windows === 1 ? "layer" : "layers"}: all rows and columns are read.`;
      this.#message("fits", [text]);
      return;
    }
    const others = [...new Set(fit.misfits.map((each) => each.path))].filter((path) => path !== first.path);
    const text = [
      `${first.path}: ${first.formula}, so ${first.output}; ${first.unseen}${first.padding_only ? ", which does no harm" : ""}.`,
      `Fits exactly with ${first.fits.join(" · ")}.`,
    ];
    const own = this.now.get(first.path).input.join() === account.input.join();
    if (first.network_inputs.length && !own) text.push(`Or with another input of the network: ${first.network_inputs.join(" or ")}.`);
    if (others.length) text.push(`${others.length} more ${others.length === 1 ? "layer does" : "layers do"} not fit exactly: ${others.join(", ")}.`);
    this.#message(fit.misfits.every((each) => each.padding_only) ? "harmless" : "misfit", text);
  }

  #message(kind, text) {
    const box = this.part("fit");
    box.className = `message ${kind}`;
    box.replaceChildren(...text.map((line, at) => make(at ? "p" : "b", {}, line)));
  }

  /** The windows of one layer on its input; the one that was chosen, or the first that does not fit. */
  #picture(path, chosen = false) {
    if (chosen) this.chosen = path;
    const row = this.now?.get(this.chosen ?? path ?? this.rows[0]?.path);
    const canvas = this.part("windows");
    const drawn = row && row.kernel && windows(canvas, row);
    this.part("picture").hidden = !drawn;
    if (drawn) this.part("windows-caption").textContent = drawn;
  }
}

/** [the number in a field, what stands there if it is no single number] of a row; [] where it has no such field. */
function plain(row, field) {
  if (field === "filters") return row.kind === "conv" || row.kind === "linear" ? [row.filters, ""] : [];
  if (!row.kernel || (field === "padding" && row.kind === "subsample")) return [];
  const values = row[field];
  return values.every((each) => each === values[0]) ? [values[0], ""] : [undefined, values.join(",")];
}

function lines({ where, what, expected, remedy }) {
  return [where ? `${where}: ${what}` : what, expected, remedy].filter(Boolean);
}
