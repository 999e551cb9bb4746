/** Exercises with checked answers: those of `striate quiz`, by their seed and number. */

import { exercise, readAnswer } from "../compute/exercises.js";
import { count, make, show } from "./elements.js";
import { say } from "./say.js";

/** @import { Exercise, Sketch, WayStep } from "../compute/types.js" */

/** How many exercises were right, and how many there were, by seed and number. @type {Map<string, boolean>} */
const score = new Map();

/** An exercise. @type {(seed: number, number: number, next: () => void) => HTMLElement[]} */
export function exercises(seed, number, next) {
  const asked = exercise(seed, number);
  const answer = make("input", {
    type: "text", inputmode: asked.topic === "size" ? "text" : "numeric", autocomplete: "off", "data-testid": "lecture-answer",
    "aria-label": say("Your answer"), placeholder: asked.topic === "size" ? "16x14x14" : "1216",
  });
  const told = make("p", { class: "told", role: "status", "data-testid": "lecture-told" });
  const way = make("div", { class: "way-to" });
  const right = make("p", { class: "place", "data-testid": "lecture-score" }, scored());
  const further = make("button", { type: "button" }, say("Next exercise"));
  const form = make("form", { class: "choice" }, answer, make("button", { type: "submit" }, say("Check")), further);
  let tries = 0;
  further.addEventListener("click", next);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.classList.contains("done")) {
      next();
      return;
    }
    const found = readAnswer(asked.topic, answer.value);
    if (!found) {
      told.textContent = asked.topic === "size" ? say("Type three sizes, such as 16x14x14.") : say("Type a whole number, such as 1216.");
      return;
    }
    tries += 1;
    const good = found.join() === asked.answer.join();
    if (good || tries > 1) {
      score.set(`${seed}/${number}`, good);
      form.classList.add("done");
    }
    told.className = `told ${good ? "good" : "wrong"}`;
    const solution = asked.topic === "size" ? show(asked.answer) : count(asked.answer[0]);
    told.textContent = good ? say("Right: {answer}", { answer: solution }) : tries > 1 ? say("It is {answer}.", { answer: solution }) : say("Not yet. The formula, with the numbers put in:");
    way.replaceChildren(...steps(asked, good || tries > 1));
    right.textContent = scored();
  });
  return [
    make("h2", {}, question(asked)),
    make("div", { class: "exhibit exercise" }, layers(asked), make("div", { class: "aside" }, form, told, way, right)),
  ];
}

/** The solved exercises of those that were answered. */
function scored() {
  const all = [...score.values()];
  return all.length ? say("{right} of {all} right", { right: all.filter(Boolean).length, all: all.length }) : "";
}

/** @param {Exercise} exercise */
function question({ topic, several }) {
  switch (topic) {
    case "size": return several ? say("What is the shape of the last layer’s output?") : say("What is the shape of the output?");
    case "parameters": return several ? say("How many parameters does the network have?") : say("How many parameters does the layer have?");
    case "macs": return several ? say("How many MACs does the network take for an image?") : say("How many MACs does the layer take for an image?");
    case "field": return say("How many pixels of the input, along one side, does a unit of the last layer see?");
    default: throw new Error(`unknown topic: ${topic}`);
  }
}

/** The layers, with the letters of their numbers. @param {Exercise} exercise */
function layers({ input, layers, rows }) {
  const heads = [say("layer"), "", "K", "F", "S", "P", ""];
  return make("table", { class: "account" },
    make("thead", {}, make("tr", {}, ...heads.map((text) => make(text ? "th" : "td", text ? { scope: "col" } : {}, text)))),
    make("tbody", {},
      make("tr", {}, make("th", { scope: "row" }, say("input")), make("td", { colspan: 6, class: "wide-cell" }, show(input))),
      ...layers.map((layer, at) => make("tr", {}, make("th", { scope: "row" }, rows[at].path), ...numbers(layer).map((text) => make("td", {}, text))))));
}

/** @type {(layer: Sketch) => string[]} */
function numbers(layer) {
  switch (layer.kind) {
    case "conv": {
      const { filters, kernel, stride = 1, padding = 0, groups = 1, bias = true } = layer;
      const notes = [...(groups > 1 ? [say("{groups} groups", { groups })] : []), ...(bias ? [] : [say("no bias")])];
      return ["conv", String(filters), `${kernel}×${kernel}`, String(stride), String(padding), notes.join(", ")];
    }
    case "pool": return [layer.function, "", `${layer.kernel}×${layer.kernel}`, String(layer.stride), "0", ""];
    case "linear": return ["linear", String(layer.filters), "", "", "", ""];
    case "flatten": return ["flatten", "", "", "", "", ""];
    default: throw new Error(`exercises show no ${layer.kind} layers`);
  }
}

/** The formula, and the steps with its numbers; with their values once it is solved. @type {(exercise: Exercise, solved: boolean) => HTMLElement[]} */
function steps({ topic, steps }, solved) {
  const shown = steps.filter(({ what }) => solved || what !== "sum");
  return [make("p", {}, formula(topic)), make("ul", { "data-testid": "lecture-way" }, ...shown.map((step) => make("li", {}, written(step, solved))))];
}

/** @param {Exercise["topic"]} topic */
function formula(topic) {
  switch (topic) {
    case "size": return "⌊(W + 2P − F)/S⌋ + 1";
    case "parameters": return `conv: K·(F·F·C + 1); linear: ${say("units·(values + 1)")}`;
    case "macs": return `conv: H·W·K·F·F·C; linear: ${say("units·values")}`;
    case "field": return say("field before + (F − 1)·product of the strides before");
    default: throw new Error(`unknown topic: ${topic}`);
  }
}

/** @type {(step: WayStep, solved: boolean) => string} */
function written({ path, what, expression, value }, solved) {
  const name = [path, gives(what)].filter(Boolean).join(" ");
  return `${name}: ${expression}${solved ? ` = ${count(value)}` : ""}`;
}

/** @param {WayStep["what"]} what */
function gives(what) {
  switch (what) {
    case "size": return say("size");
    case "height": return say("height");
    case "width": return say("width");
    case "values": return say("values");
    case "parameters": return say("parameters");
    case "MACs": return say("MACs");
    case "field": return say("field");
    case "sum": return say("sum");
    default: throw new Error(`unknown: ${what}`);
  }
}
