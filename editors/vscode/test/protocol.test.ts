/** The server, driven by the client library that VS Code's own is built on. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import * as lsp from "vscode-languageserver-protocol/node";

import { FIRST, PAIR, SECOND, codewren, withFolder } from "./server";

interface Session {
  readonly connection: lsp.ProtocolConnection;
  readonly server: ChildProcess;
  readonly uri: string;
  published(): Promise<lsp.PublishDiagnosticsParams>;
}

async function session(folder: string, work: (session: Session) => Promise<void>): Promise<void> {
  const server = spawn(codewren(), ["lsp"], { stdio: ["pipe", "pipe", "inherit"] });
  const connection = lsp.createProtocolConnection(
    new lsp.StreamMessageReader(server.stdout),
    new lsp.StreamMessageWriter(server.stdin),
  );
  const arrived: lsp.PublishDiagnosticsParams[] = [];
  const waiting: ((params: lsp.PublishDiagnosticsParams) => void)[] = [];
  connection.onNotification(lsp.PublishDiagnosticsNotification.type, (params) => {
    const next = waiting.shift();
    if (next) next(params);
    else arrived.push(params);
  });
  connection.onRequest(lsp.ConfigurationRequest.type, () => [{ workspace: false, path: [], trace: { server: "off" } }]);
  connection.listen();
  const published = (): Promise<lsp.PublishDiagnosticsParams> => {
    const first = arrived.shift();
    return first ? Promise.resolve(first) : new Promise((resolve) => waiting.push(resolve));
  };
  const root = pathToFileURL(folder).toString();
  const result = await connection.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid,
    rootUri: root,
    workspaceFolders: [{ uri: root, name: "work" }],
    capabilities: { workspace: { configuration: true }, window: { showDocument: { support: true } } },
  });
  assert.equal(result.capabilities.hoverProvider, true);
  await connection.sendNotification(lsp.InitializedNotification.type, {});
  const uri = pathToFileURL(join(folder, "a.py")).toString();
  try {
    await work({ connection, server, uri, published });
  } finally {
    await connection.sendRequest(lsp.ShutdownRequest.type);
    const ended = new Promise((resolve) => server.once("exit", resolve));
    await connection.sendNotification(lsp.ExitNotification.type);
    assert.equal(await ended, 0);
    connection.dispose();
  }
}

async function open({ connection, uri }: Session): Promise<void> {
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: "python", version: 1, text: PAIR },
  });
}

test("copies are told, with positions in UTF-16 and the other place", () =>
  withFolder((folder) =>
    session(folder, async (server) => {
      await open(server);
      const { diagnostics } = await server.published();
      assert.deepEqual(
        diagnostics.map((one) => [one.range.start.line, one.range.start.character]),
        [
          [FIRST, 4],
          [SECOND, 4],
        ],
      );
      assert.equal(diagnostics[0]?.relatedInformation?.[0]?.location.range.start.line, SECOND);
    }),
  ));

test("an edit is told of in its own version, and a silenced copy no more", () =>
  withFolder((folder) =>
    session(folder, async (server) => {
      await open(server);
      const { diagnostics } = await server.published();
      const offered = await server.connection.sendRequest(lsp.CodeActionRequest.type, {
        textDocument: { uri: server.uri },
        range: diagnostics[0]!.range,
        context: { diagnostics },
      });
      const silence = (offered ?? []).find((action) => action.title.startsWith("Silence")) as lsp.CodeAction;
      const [edit] = silence.edit!.changes![server.uri]!;
      await server.connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
        textDocument: { uri: server.uri, version: 2 },
        contentChanges: [{ range: edit!.range, text: edit!.newText }],
      });
      const after = await server.published();
      assert.deepEqual([after.version, after.diagnostics], [2, []]);
    }),
  ));

test("the other place is shown by the editor", () =>
  withFolder((folder) =>
    session(folder, async (server) => {
      await open(server);
      const { diagnostics } = await server.published();
      const shown: lsp.ShowDocumentParams[] = [];
      server.connection.onRequest(lsp.ShowDocumentRequest.type, (params) => {
        shown.push(params);
        return { success: true };
      });
      const offered = await server.connection.sendRequest(lsp.CodeActionRequest.type, {
        textDocument: { uri: server.uri },
        range: diagnostics[0]!.range,
        context: { diagnostics },
      });
      const action = (offered ?? []).find((one) => one.title.startsWith("Open added")) as lsp.CodeAction;
      await server.connection.sendRequest(lsp.ExecuteCommandRequest.type, action.command!);
      assert.equal(shown[0]?.uri, server.uri);
      assert.equal(shown[0]?.selection?.start.line, SECOND);
    }),
  ));
