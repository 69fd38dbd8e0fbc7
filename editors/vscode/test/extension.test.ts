/** The bundled extension with its real language client, against the real server; only the editor is a mock. */

import assert from "node:assert/strict";
import Module from "node:module";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { FIRST, PAIR, SECOND, codewren, withFolder } from "./server";
import { Editor, Uri, vscodeModule } from "./vscode-mock";

const BUNDLE = resolve(fileURLToPath(import.meta.url), "../../dist/extension.js");

interface Extension {
  activate(context: { subscriptions: { dispose(): void }[] }): Promise<void>;
  deactivate(): Promise<void>;
}

/** Load the bundle afresh, with the editor's module in the place of VS Code's. */
function loaded(editor: Editor): Extension {
  const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown };
  const original = loader._load;
  const require = Module.createRequire(import.meta.url);
  delete require.cache[BUNDLE];
  loader._load = (name, ...rest) => (name === "vscode" ? vscodeModule(editor) : original.call(loader, name, ...rest));
  try {
    return require(BUNDLE) as Extension;
  } finally {
    loader._load = original;
  }
}

async function active(editor: Editor, work: () => Promise<void>): Promise<void> {
  const extension = loaded(editor);
  await extension.activate({ subscriptions: [] });
  try {
    await work();
  } finally {
    await extension.deactivate();
  }
}

test("an opened document gets the diagnostics of the real server", () =>
  withFolder(async (folder) => {
    const editor = new Editor(folder, { "codewren.path": [codewren()] });
    await active(editor, async () => {
      const uri = Uri.file(join(folder, "a.py"));
      editor.open(uri, "python", PAIR);
      const told = await editor.diagnosticsOf(uri);
      assert.deepEqual(told.map((one) => one.range.start.line), [FIRST, SECOND]);
      assert.equal(told[0]?.relatedInformation?.[0]?.location.range.start.line, SECOND);
    });
    assert.deepEqual(editor.errors, []);
  }));

test("restarting starts another server that tells the same", () =>
  withFolder(async (folder) => {
    const editor = new Editor(folder, { "codewren.path": [codewren()] });
    await active(editor, async () => {
      const uri = Uri.file(join(folder, "a.py"));
      editor.open(uri, "python", PAIR);
      await editor.diagnosticsOf(uri);
      editor.diagnostics.clear();
      await editor.commands.get("codewren.restart")!();
      assert.equal((await editor.diagnosticsOf(uri)).length, 2);
    });
  }));

test("a server that is not there is told with what to do", () =>
  withFolder(async (folder) => {
    const editor = new Editor(folder, { "codewren.path": [join(folder, "nowhere")] });
    await active(editor, async () => {});
    assert.match(editor.errors.join("\n"), /nowhere cannot be started; install it \(pip install 'codewren\[lsp\]'\)/);
  }));
