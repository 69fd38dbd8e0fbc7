/**
 * As much of the `vscode` module as the bundled extension and its language client need to run outside of VS Code.
 *
 * The real editor cannot be fetched in a test without network. What is asked for and not written here is a class or an
 * event of which nothing ever happens.
 */

import { pathToFileURL, fileURLToPath } from "node:url";

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(a: Position | number, b: Position | number, c?: number, d?: number) {
    this.start = a instanceof Position ? a : new Position(a, b as number);
    this.end = b instanceof Position ? b : new Position(c!, d!);
  }
}

export class Uri {
  private constructor(readonly text: string) {}
  static file(path: string): Uri {
    return new Uri(pathToFileURL(path).toString());
  }
  static parse(text: string): Uri {
    return new Uri(text);
  }
  get scheme(): string {
    return this.text.slice(0, this.text.indexOf(":"));
  }
  get fsPath(): string {
    return fileURLToPath(this.text);
  }
  toString(): string {
    return this.text;
  }
}

export class Diagnostic {
  source?: string;
  code?: unknown;
  relatedInformation?: { location: { uri: Uri; range: Range }; message: string }[];
  constructor(
    readonly range: Range,
    readonly message: string,
    readonly severity: number,
  ) {}
}

class CancellationTokenSource {
  readonly token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
  cancel(): void {
    this.token.isCancellationRequested = true;
  }
  dispose(): void {}
}

export class Location {
  constructor(
    readonly uri: Uri,
    readonly range: Range,
  ) {}
}

class DiagnosticRelatedInformation {
  constructor(
    readonly location: Location,
    readonly message: string,
  ) {}
}

type Listener = (event: unknown) => unknown;

class Emitter {
  private readonly listeners = new Set<Listener>();
  readonly event = (listener: Listener, self?: unknown): { dispose(): void } => {
    const bound = self === undefined ? listener : listener.bind(self);
    this.listeners.add(bound);
    return { dispose: () => this.listeners.delete(bound) };
  };
  fire(event: unknown): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export interface TextDocument {
  readonly uri: Uri;
  readonly languageId: string;
  readonly version: number;
  getText(): string;
}

/** What a test sees and does. */
export class Editor {
  readonly commands = new Map<string, (...args: unknown[]) => unknown>();
  readonly diagnostics = new Map<string, readonly Diagnostic[]>();
  readonly errors: string[] = [];
  readonly log: string[] = [];
  readonly opened = new Emitter();
  readonly trusted = new Emitter();
  readonly configured = new Emitter();
  readonly published = new Emitter();
  readonly documents: TextDocument[] = [];

  constructor(
    readonly folder: string,
    readonly settings: Record<string, unknown>,
    public isTrusted = true,
  ) {}

  /** Open a document, as a user does. */
  open(uri: Uri, languageId: string, text: string): void {
    const document = { uri, languageId, version: 1, isClosed: false, getText: () => text };
    this.documents.push(document);
    this.opened.fire(document);
  }

  /** The diagnostics of a document, as soon as there are any. */
  async diagnosticsOf(uri: Uri): Promise<readonly Diagnostic[]> {
    const known = this.diagnostics.get(uri.toString());
    if (known?.length) return known;
    await new Promise<void>((resolve) => this.published.event(() => resolve()));
    return this.diagnosticsOf(uri);
  }
}

/** The module for one editor. */
export function vscodeModule(editor: Editor): object {
  const classes = { Position, Range, Uri, Location, Diagnostic, DiagnosticRelatedInformation, CancellationTokenSource };
  const explicit = { ...classes, EventEmitter: Emitter, version: "1.91.0", ...enumerations() };
  return unknownNames({
    ...explicit,
    workspace: unknownNames({ ...workspace(editor) }, (name) => (name === "textDocuments" ? editor.documents : undefined)),
    window: unknownNames({ ...window(editor) }),
    languages: unknownNames({
      createDiagnosticCollection: () => collection(editor),
      match: (selector: { language: string }[], document: TextDocument) =>
        [selector].flat().some((one) => one.language === document.languageId) ? 10 : 0,
    }),
    commands: unknownNames({
      registerCommand: (name: string, run: (...args: unknown[]) => unknown) => {
        editor.commands.set(name, run);
        return { dispose: () => editor.commands.delete(name) };
      },
      executeCommand: async (name: string, ...args: unknown[]) => editor.commands.get(name)?.(...args),
    }),
    env: unknownNames({ appName: "a test", appHost: "desktop", language: "en", isTelemetryEnabled: false }),
  });
}

function enumerations(): object {
  return {
    DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2, Hint: 3 },
    LogLevel: { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 },
  };
}

function workspace(editor: Editor): object {
  const folder = { uri: Uri.file(editor.folder), name: "work", index: 0 };
  return {
    onDidOpenTextDocument: editor.opened.event,
    onDidGrantWorkspaceTrust: editor.trusted.event,
    onDidChangeConfiguration: editor.configured.event,
    workspaceFolders: [folder],
    getWorkspaceFolder: () => folder,
    get isTrusted() {
      return editor.isTrusted;
    },
    textDocuments: editor.documents,
    notebookDocuments: [],
    getConfiguration: (section?: string) => ({
      get: (key: string, missing?: unknown) => editor.settings[`${section}.${key}`] ?? missing,
      has: (key: string) => `${section}.${key}` in editor.settings,
      inspect: () => undefined,
    }),
  };
}

function window(editor: Editor): object {
  const write = (text: unknown): void => void editor.log.push(String(text));
  return {
    createOutputChannel: () =>
      unknownNames({
        name: "codewren", append: write, appendLine: write, info: write, warn: write, error: write, debug: write, trace: write,
        logLevel: 3, show() {}, clear() {}, dispose() {},
      }),
    showErrorMessage: async (text: string) => void editor.errors.push(text),
    visibleTextEditors: [],
    tabGroups: unknownNames({ all: [] }),
  };
}

function collection(editor: Editor): object {
  return unknownNames({
    set: (uri: Uri, diagnostics: readonly Diagnostic[]) => {
      editor.diagnostics.set(uri.toString(), diagnostics ?? []);
      editor.published.fire(undefined);
    },
    delete: (uri: Uri) => editor.diagnostics.delete(uri.toString()),
    clear: () => editor.diagnostics.clear(),
    dispose() {},
  });
}

/** An object whose missing names are events that never happen, functions that register nothing, or classes. */
function unknownNames<T extends object>(written: T, dynamic: (name: string) => unknown = () => undefined): T {
  const made = new Map<string | symbol, unknown>();
  return new Proxy(written, {
    get(target, name, receiver) {
      if (typeof name === "symbol" || name === "then" || name === "toJSON") return Reflect.get(target, name, receiver);
      if (name in target) return dynamic(name) ?? Reflect.get(target, name, receiver);
      if (!made.has(name)) made.set(name, /^[A-Z]/.test(name) ? placeholder() : () => ({ dispose() {} }));
      return made.get(name);
    },
    has: (target, name) => name in target || (typeof name === "string" && /^(on|register|[A-Z])/.test(name)),
  });
}

function placeholder(): object {
  return new Proxy(class {}, {
    get: (target, name, receiver) =>
      name in target || typeof name === "symbol" ? Reflect.get(target, name, receiver) : placeholderMember(String(name)),
  });
}

function placeholderMember(name: string): unknown {
  return /^[A-Z]/.test(name) ? Object.assign(() => name, { value: name }) : undefined;
}
