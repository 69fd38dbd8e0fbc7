import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { type Surroundings, serverCommand } from "../src/command";

const NOTHING: Surroundings = { configured: [], folders: ["/a", "/b"], isTrusted: true, platform: "linux" };

test("without anything else it is the program on the path", () => {
  assert.deepEqual(serverCommand(NOTHING, () => false), { command: "codewren", args: ["lsp"] });
});

test("the environment of a folder comes before the path", () => {
  const inside = join("/b", "venv", "bin", "codewren");
  assert.equal(serverCommand(NOTHING, (path) => path === inside).command, inside);
  const windows = serverCommand({ ...NOTHING, platform: "win32" }, () => true).command;
  assert.equal(windows, join("/a", ".venv", "Scripts", "codewren.exe"));
});

test("what the user configured comes first, with its arguments", () => {
  const around = { ...NOTHING, configured: ["python3", "-m", "codewren"] };
  assert.deepEqual(serverCommand(around, () => true), { command: "python3", args: ["-m", "codewren", "lsp"] });
});

test("an untrusted workspace starts nothing that lies in it or that it names", () => {
  const around = { ...NOTHING, configured: ["/a/evil"], isTrusted: false };
  assert.equal(serverCommand(around, () => true).command, "codewren");
});
