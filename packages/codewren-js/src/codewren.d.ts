/** What the core refuses, in one line. */
export class CodewrenError extends Error {}

/** Whether this machine runs the SIMD build. */
export function hasSimd(): boolean;

export interface LoadOptions {
  /** Bytes of the WebAssembly module, where it does not lie beside this package's files. */
  wasm?: BufferSource | WebAssembly.Module | Promise<BufferSource | WebAssembly.Module>;
}

/** One function for a function task, two for a pair task. */
export type Item = string | [string, string];

export interface Pair {
  first: number;
  second: number;
  probability: number;
}

/** Makes a model of the bytes of a *.wren file; a damaged one is refused with a `CodewrenError`. */
export function load(bundle: ArrayBuffer | ArrayBufferView, options?: LoadOptions): Promise<Model>;

export class Model {
  private constructor();
  readonly task: string;
  readonly language: string | null;
  /** The instruction set in use. */
  readonly target: string;
  readonly manifest: Record<string, unknown>;
  /** One label an item, any number of them, or one of an order. */
  readonly kind: "single-label" | "multi-label" | "ordinal";
  readonly functionsPerItem: 1 | 2;
  readonly labels: string[];
  /** The label that is an alarm. */
  readonly positive: string;
  readonly vectorBytes: number;
  /** The probability that the positive of two labels must exceed. */
  readonly threshold: number;
  /** The same where whole repositories are scanned. */
  readonly alertThreshold: number;
  /** Another idea of a clone or an alarm, of a similarity encoder or a hint; "general" until this is called. */
  useCalibration(name: string): void;
  /** One row an item, columns in the order of `labels`. */
  probabilities(items: Item[]): number[][];
  /** Labels of items; of a multi-label model a list of labels an item. */
  predict(items: Item[]): string[] | string[][];
  /** Vectors, `vectorBytes` each. */
  encode(texts: string[]): Uint8Array;
  /** All pairs of vectors whose probability exceeds a threshold, sorted by (first, second). */
  pairs(vectors: Uint8Array, threshold?: number): Pair[];
  /** The `k` nearest vectors of each query, best first: similarity encoders only. */
  neighbours(queries: Uint8Array, vectors: Uint8Array, k: number): Pair[];
  /** Gives the memory back. */
  free(): void;
}

/** How much the positive label's probability falls when a line is left out: one number a line. */
export function lineWeights(model: Model, text: string, options?: { most?: number }): number[];
