import type { CutFunction } from "./functions.js";

/** Functions of a language with braces, cut without a grammar. */
export function cutBraces(text: string): CutFunction[];
