import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(fileURLToPath(import.meta.url), "../../../..");

/** The command of the server under test: `CODEWREN`, the checkout's environment, or the one on the path. */
export function codewren(): string {
  const inside = join(ROOT, ".venv", "bin", "codewren");
  return process.env["CODEWREN"] ?? (existsSync(inside) ? inside : "codewren");
}

/** Run something in a folder that is gone afterwards. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "codewren-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SUM = `def summed(items, limit):
    total = 0
    for number, item in enumerate(items):
        if item.price > limit and item.count:
            total += item.price * item.count + number
        elif item.count < 0:
            raise ValueError(item.name)
    return total
`;
/** Two functions, the second a copy of the first with other names; each is found by a line number of its name. */
export const PAIR = `x = "😋"\f\n${SUM}\n\n${SUM.replace("summed", "added").replaceAll("item", "thing").replaceAll("total", "result")}`;
export const FIRST = 1;
export const SECOND = 11;
