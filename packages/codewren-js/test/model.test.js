// Run by `node --test`; tests/packages compares the numbers with Python's.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { cutBraces } from "../src/braces.js";
import { CodewrenError, lineWeights, load } from "../src/codewren.js";

const root = new URL("../../../", import.meta.url);
const bundle = (name) => readFile(new URL(`src/codewren/bundle/shipped/${name}.wren`, root));
const example = (name) => readFile(new URL(`examples/${name}`, root), "utf8");

test("a bundle says what it judges", async () => {
  const model = await load(await bundle("vulnerability-c-micro"));
  assert.deepEqual(model.labels, ["safe", "vulnerable"]);
  assert.equal(model.positive, "vulnerable");
  assert.equal(model.language, "c");
  assert.equal(model.manifest.format, "codewren");
  model.free();
  assert.throws(() => model.threshold, CodewrenError);
});

test("probabilities of an item add up to 1, and items do not disturb each other", async () => {
  const model = await load(await bundle("vulnerability-c-micro"));
  const texts = [await example("request.c"), "", "int f(void) { return 1; }", "é\u0000\u{1f600}"];
  const rows = model.probabilities(texts);
  for (const row of rows) assert.ok(Math.abs(row[0] + row[1] - 1) < 1e-12);
  assert.deepEqual(texts.map((text) => model.probabilities([text])[0]), rows);
  assert.deepEqual(model.probabilities([]), []);
});

test("the plain module gives what the SIMD module gives", async () => {
  const wasm = await readFile(new URL("../wasm/codewren.wasm", import.meta.url));
  const [plain, simd] = [await load(await bundle("clones-micro"), { wasm }), await load(await bundle("clones-micro"))];
  const texts = [await example("request.c"), await example("Totals.java")];
  assert.deepEqual(plain.encode(texts), simd.encode(texts));
  assert.deepEqual([plain.target, simd.target], ["generic", "simd128"]);
});

test("pairs and neighbours agree with the probabilities of items", async () => {
  const model = await load(await bundle("clones-micro"));
  const texts = [await example("request.c"), await example("Totals.java"), await example("Totals.java")];
  const vectors = model.encode(texts);
  const [[, clone]] = model.probabilities([[texts[1], texts[2]]]);
  assert.deepEqual(model.pairs(vectors, 0.9), [{ first: 1, second: 2, probability: clone }]);
  assert.deepEqual(
    model.neighbours(vectors.slice(0, model.vectorBytes), vectors, 9).map(({ second }) => second),
    [0, 1, 2]
  );
});

test("a hint judges functions, by any of its calibrations, and makes no vectors", async () => {
  const model = await load(await bundle("hints-c-micro"));
  const texts = [await example("request.c"), ""];
  const general = model.probabilities(texts);
  model.useCalibration("review");
  assert.notDeepEqual(model.probabilities(texts), general);
  assert.equal(model.threshold, model.manifest.calibrations.review.threshold);
  assert.throws(() => model.useCalibration("none"), CodewrenError);
  for (const ask of [
    () => model.encode(texts),
    () => model.pairs(new Uint8Array(0)),
    () => model.neighbours(new Uint8Array(0), new Uint8Array(0), 1),
  ])
    assert.throws(ask, { name: "CodewrenError", message: /no vectors/ });
});

test("a damaged bundle is refused in a line", async () => {
  const bytes = new Uint8Array(await bundle("clones-micro"));
  bytes[100_000] ^= 1;
  await assert.rejects(load(bytes), { name: "CodewrenError", message: /^[^\n]*weights[^\n]*$/ });
  await assert.rejects(load(new Uint8Array(0)), CodewrenError);
  await assert.rejects(load("clones-micro.wren"), TypeError);
});

test("a bundle larger than the first memory is loaded, and freed memory is used again", async () => {
  for (let round = 0; round < 40; ++round) (await load(await bundle("clones-standard"))).free();
});

test("the weights of lines are what a line takes away", async () => {
  const model = await load(await bundle("vulnerability-c-micro"));
  const text = await example("request.c");
  const lines = text.split("\n");
  const weights = lineWeights(model, text);
  assert.equal(weights.length, lines.length);
  const [[, whole], [, without]] = model.probabilities([text, lines.toSpliced?.(3, 1).join("\n") ?? text]);
  if (lines.toSpliced) assert.equal(weights[3], whole - without);
  assert.equal(lineWeights(model, text, { most: 2 }).length, lines.length);
});

test("functions are cut by braces", () => {
  const text = [
    "#define X {", "/* int no() { } */", "int a(int x) {", '  return "}"[0]; // }', "}", "int b;", "struct S {",
    "  int c() const { if (a(1)) { return 2; } return 3; }", "};", "void d(void);",
  ].join("\n"); // prettier-ignore
  assert.deepEqual(
    cutBraces(text).map(({ name, startLine, endLine }) => [name, startLine, endLine]),
    [
      ["a", 3, 5],
      ["c", 8, 8],
    ]
  );
});
