// Judges texts with a WebAssembly module: a JSON list on standard input, JSON on standard output.
//
//     node scripts/wasm_probabilities.mjs BUNDLE [MODULE.wasm] [REPEATS] < texts.json
//
// Prints {rows, kind, predicted, target, milliseconds}: the mean over texts of each one's quickest run, so that a busy machine tells of
// the program and not of its other guests.
import { readFileSync } from "node:fs";

import { load } from "../packages/codewren-js/src/codewren.js";

const [bundle, module, repeats = "1"] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(0, "utf8"));
const model = await load(readFileSync(bundle), module ? { wasm: readFileSync(module) } : {});
const rows = model.probabilities(texts);

let total = 0;
for (const text of texts) {
  let quickest = Infinity;
  for (let run = 0; run < Number(repeats); ++run) {
    const started = performance.now();
    model.probabilities([text]);
    quickest = Math.min(quickest, performance.now() - started);
  }
  total += quickest;
}
const { kind, target } = model;
const milliseconds = total / Math.max(texts.length, 1);
console.log(JSON.stringify({ rows, kind, predicted: model.predict(texts), target, milliseconds }));
