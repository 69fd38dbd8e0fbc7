/** Queries of tree-sitter that capture the functions of a language. */
export const QUERIES: Record<"c" | "cpp" | "java" | "python" | "javascript" | "go" | "rust", string>;

export interface CutFunction {
  name: string;
  text: string;
  /** From 1. */
  startLine: number;
  endLine: number;
}

/**
 * Functions of a text, in the order of their starts. `treeSitter` is the module `web-tree-sitter`, `grammar` a
 * `Language` that it loaded.
 */
export function cutFunctions(
  treeSitter: unknown,
  grammar: unknown,
  language: keyof typeof QUERIES,
  text: string
): CutFunction[];
