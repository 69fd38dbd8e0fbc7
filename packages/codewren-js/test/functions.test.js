// Runs where web-tree-sitter and tree-sitter-c are: in this folder, or in that of CODEWREN_NODE_MODULES.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { pathToFileURL } from "node:url";

import { cutFunctions } from "../src/functions.js";

const folder = process.env.CODEWREN_NODE_MODULES ?? process.cwd();
const require = createRequire(`${folder}/`);
let installed = true;
try {
  require.resolve("web-tree-sitter");
} catch {
  installed = false;
}

test("functions are cut by a grammar", { skip: !installed && "needs web-tree-sitter and tree-sitter-c" }, async () => {
  const treeSitter = await import(pathToFileURL(require.resolve("web-tree-sitter")).href);
  await treeSitter.Parser.init();
  const grammar = await treeSitter.Language.load(require.resolve("tree-sitter-c/tree-sitter-c.wasm"));
  const text = "int a(int x);\nstatic char *b(void)\n{\n  return 0;\n}\nint c(void) { return 1; }\n";
  assert.deepEqual(
    cutFunctions(treeSitter, grammar, "c", text).map(({ name, startLine, endLine }) => [name, startLine, endLine]),
    [
      ["b", 2, 5],
      ["c", 6, 6],
    ]
  );
  assert.throws(() => cutFunctions(treeSitter, grammar, "cobol", text), TypeError);
});
