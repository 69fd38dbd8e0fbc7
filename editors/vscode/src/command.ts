import { existsSync } from "node:fs";
import { join } from "node:path";

/** A program and its arguments. */
export interface ServerCommand {
  readonly command: string;
  readonly args: string[];
}

/** What the choice of a command depends on. */
export interface Surroundings {
  /** The setting `codewren.path`: a program and what stands before `lsp`. */
  readonly configured: readonly string[];
  /** Folders of the workspace. */
  readonly folders: readonly string[];
  /** Programs inside a workspace are started only where it is trusted. */
  readonly isTrusted: boolean;
  readonly platform: NodeJS.Platform;
}

const ENVIRONMENTS = [".venv", "venv"];

/** The command that starts the server: the configured one, that of the workspace's environment, or the one on the path. */
export function serverCommand(around: Surroundings, exists: (path: string) => boolean = existsSync): ServerCommand {
  const [program, ...args] = around.isTrusted ? around.configured : [];
  if (program) return { command: program, args: [...args, "lsp"] };
  const inside = around.isTrusted ? environmentPrograms(around.folders, around.platform) : [];
  return { command: inside.find(exists) ?? "codewren", args: ["lsp"] };
}

function environmentPrograms(folders: readonly string[], platform: NodeJS.Platform): string[] {
  const program = platform === "win32" ? ["Scripts", "codewren.exe"] : ["bin", "codewren"];
  return folders.flatMap((folder) => ENVIRONMENTS.map((name) => join(folder, name, ...program)));
}
