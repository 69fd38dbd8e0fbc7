// Times the WebAssembly modules in Chromium: a JSON list of texts on standard input.
//
//     npm install playwright-core        in the folder where this is run
//     node scripts/time_in_browser.mjs BUNDLE /usr/bin/chromium < texts.json
//
// Prints, for each module, the mean over texts, of each fifty the quickest run of five. Nothing is fetched from elsewhere.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { chromium } = createRequire(`${process.cwd()}/`)("playwright-core");
const [bundle, executablePath] = process.argv.slice(2);
const texts = readFileSync(0, "utf8");
const root = new URL("../packages/codewren-js/", import.meta.url);
const TYPES = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname.slice(1);
  const files = { "": () => "<!doctype html>", bundle: () => readFileSync(bundle), texts: () => texts };
  try {
    const content = (files[path] ?? (() => readFileSync(new URL(path, root))))();
    response.setHeader("content-type", TYPES[path.split(".").pop() || "html"] ?? "text/html");
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
for (const module of ["codewren-simd", "codewren"]) {
  const result = await page.evaluate(async (name) => {
    const { load } = await import("/src/codewren.js");
    const bytes = (path) => fetch(path).then((answer) => answer.arrayBuffer());
    const model = await load(await bytes("/bundle"), { wasm: bytes(`/wasm/${name}.wasm`) });
    const functions = await (await fetch("/texts")).json();
    let total = 0; // by groups, because a browser's clock is coarse
    for (let start = 0; start < functions.length; start += 50) {
      const group = functions.slice(start, start + 50);
      let quickest = Infinity;
      for (let run = 0; run < 5; ++run) {
        const started = performance.now();
        for (const text of group) model.probabilities([text]);
        quickest = Math.min(quickest, performance.now() - started);
      }
      total += quickest;
    }
    return { target: model.target, milliseconds: total / functions.length };
  }, module);
  console.log(`${result.target}: ${result.milliseconds.toFixed(3)} ms a function`);
}
await browser.close();
server.close();
