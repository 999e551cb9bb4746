/** Runs the page's arithmetic under Node: networks as Python wrote them in, what JavaScript makes of them out. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { Model } = await load("model.js");
const { gradient } = await load("backward.js");
const { tried } = await load("trial.js");
const { explain } = await load("unit.js");

const answers = JSON.parse(readFileSync(file, "utf-8")).map(({ numbers, weights, input, classes }) => {
  const model = new Model(numbers, new Float32Array(weights));
  const outputs = model.run(new Float32Array(input));
  const explained = model.steps.flatMap((step, number) => (step.head ? [] : [explain(model, outputs, number, { map: 0, row: 0, column: 0 })]));
  return {
    outputs: Object.fromEntries([...outputs].map(([number, values]) => [number, [...values]])),
    gradients: classes.map((each) => [...gradient(model, outputs, each)]),
    units: explained.map((each) => each.value),
    formulas: explained.map((each) => each.formula),
    trial: tried(numbers, {}),
  };
});
process.stdout.write(JSON.stringify(answers));
