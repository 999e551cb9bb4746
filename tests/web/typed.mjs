/** Reads networks in notation with the page's own modules under Node: texts in, steps or errors out. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { Answered } = await load("answered.js");
const { tried } = await load("trial.js");
const { typed } = await load("typed.js");

const { notation, texts } = JSON.parse(readFileSync(file, "utf-8"));
const answers = texts.map((text) => {
  try {
    const { input, steps } = typed(text, notation);
    return { input, steps: steps.map(({ path, kind, sources, head }) => ({ path, kind, sources, head })), trial: tried({ input, steps }, {}) };
  } catch (error) {
    if (error instanceof Answered) return { error: error.error };
    throw error;
  }
});
process.stdout.write(JSON.stringify(answers));
