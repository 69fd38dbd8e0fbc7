import * as vscode from "vscode";
import { type Executable, LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";

import { serverCommand } from "./command";

export const LANGUAGES = [
  "c",
  "cpp",
  "csharp",
  "go",
  "java",
  "javascript",
  "javascriptreact",
  "python",
  "rust",
  "typescript",
  "typescriptreact",
];
const INSTALL = "pip install 'codewren[lsp]'";

let client: LanguageClient | undefined;

/** Start the server, and again where its command changes or the user asks. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("codewren", { log: true });
  const restart = async (): Promise<void> => {
    await stop();
    await start(log);
  };
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("codewren.restart", restart),
    vscode.commands.registerCommand("codewren.showLog", () => log.show()),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("codewren.path")) void restart();
    }),
  );
  await start(log);
}

export function deactivate(): Promise<void> {
  return stop();
}

async function start(log: vscode.LogOutputChannel): Promise<void> {
  const executable: Executable = serverCommand({
    configured: vscode.workspace.getConfiguration("codewren").get<string[]>("path", []),
    folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
    isTrusted: vscode.workspace.isTrusted,
    platform: process.platform,
  });
  const options: LanguageClientOptions = {
    documentSelector: LANGUAGES.flatMap((language) => [
      { scheme: "file", language },
      { scheme: "untitled", language },
    ]),
    synchronize: { configurationSection: "codewren" },
    outputChannel: log,
  };
  client = new LanguageClient("codewren", "codewren", executable, options);
  try {
    await client.start();
  } catch (error) {
    log.error(`${executable.command}: ${error instanceof Error ? error.message : String(error)}`);
    await offerHelp(executable.command);
  }
}

async function stop(): Promise<void> {
  const stopping = client;
  client = undefined;
  if (stopping?.needsStop()) await stopping.dispose(); // one that failed to start throws
}

async function offerHelp(command: string): Promise<void> {
  const settings = "Open settings";
  const chosen = await vscode.window.showErrorMessage(
    `codewren: ${command} cannot be started; install it (${INSTALL}) or set codewren.path`,
    settings,
  );
  if (chosen === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "codewren.path");
}
