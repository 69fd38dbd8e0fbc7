// Load a bundle, and judge source code with it, in Node and in browsers.
import { CodewrenError, Core, hasSimd } from "./core.js";

export { CodewrenError, hasSimd };
export { lineWeights } from "./lines.js";

const TEXT_BYTES = 12; // codewren_text: address, size, language
const PAIR_BYTES = 16; // codewren_pair: two indices and a double
const MOST_PAIRS = 1_000_000;

let shared;

/**
 * Makes a model of the bytes of a *.wren file.
 *
 * `options.wasm` gives the bytes (or a promise of them) of another module than the one beside this file.
 */
export async function load(bundle, options = {}) {
  if (options.wasm) return new Model(await Core.start(options.wasm), bytesOf(bundle));
  shared ??= Core.start();
  return new Model(await shared, bytesOf(bundle));
}

function bytesOf(bundle) {
  if (bundle instanceof ArrayBuffer) return new Uint8Array(bundle);
  if (ArrayBuffer.isView(bundle)) return new Uint8Array(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  throw new TypeError("a bundle is given as its bytes: an ArrayBuffer or Uint8Array");
}

/** A loaded bundle. Free it when it is no longer wanted: WebAssembly's memory is not collected. */
export class Model {
  #core;
  #handle;

  constructor(core, bundle) {
    this.#core = core;
    this.#handle = core.borrow([bundle.length, 4], (bytes, place) => {
      core.bytes.set(bundle, bytes);
      core.checked("load", bytes, bundle.length, place);
      return core.view.getUint32(place, true);
    });
    const named = (name) => core.text(core.call(name, this.#handle));
    this.task = named("task");
    this.language = named("language") || null;
    this.target = named("target");
    this.manifest = JSON.parse(named("manifest"));
    this.kind = named("kind");
    this.functionsPerItem = core.call("functions_per_item", this.#handle);
    const count = core.call("label_count", this.#handle);
    this.labels = Array.from({ length: count }, (_, index) => core.text(core.call("label", this.#handle, index)));
    this.positive = this.labels[core.call("positive", this.#handle)];
    this.vectorBytes = core.call("vector_bytes", this.#handle);
  }

  #live() {
    if (!this.#handle) throw new CodewrenError("the model was freed");
    return this.#handle;
  }

  free() {
    this.#core.call("free", this.#handle);
    this.#handle = 0;
  }

  /** The probability that the positive of two labels must exceed, or a label of an order, or one beyond it. */
  get threshold() {
    return this.#core.call("threshold", this.#live());
  }

  /** The same where whole repositories are scanned. */
  get alertThreshold() {
    return this.#core.call("alert_threshold", this.#live());
  }

  /** Another idea of a clone or an alarm; "general" until this is called. */
  useCalibration(name) {
    const core = this.#core;
    const bytes = new TextEncoder().encode(`${name}\0`);
    core.borrow([bytes.length], (place) => {
      core.bytes.set(bytes, place);
      core.checked("use_calibration", this.#live(), place);
    });
  }

  /** Probabilities of items, a text or two each: one row an item, columns in the order of `labels`. */
  probabilities(items) {
    const texts = this.#flat(items);
    const width = this.labels.length;
    return this.#core.borrow([items.length * width * 8], (place) => {
      this.#withTexts(texts, (array) => this.#core.checked("predict", this.#live(), array, items.length, place));
      const numbers = new Float64Array(this.#core.bytes.slice(place, place + items.length * width * 8).buffer);
      return items.map((_, item) => Array.from(numbers.subarray(item * width, (item + 1) * width)));
    });
  }

  /** Labels of items; of a multi-label model a list of labels an item. */
  predict(items) {
    const rows = this.#decided(this.probabilities(items)).map((bytes) => this.labels.filter((_, k) => bytes[k]));
    return this.kind === "multi-label" ? rows : rows.map(([label]) => label);
  }

  // What rows of probabilities mean: one byte a label, by the bundle's own rule.
  #decided(rows) {
    const width = this.labels.length;
    return this.#core.borrow([rows.length * width * 8, rows.length * width], (numbers, place) => {
      this.#core.bytes.set(new Uint8Array(Float64Array.from(rows.flat()).buffer), numbers);
      this.#core.checked("decide", this.#live(), numbers, rows.length, place);
      const bytes = this.#core.bytes.slice(place, place + rows.length * width);
      return rows.map((_, item) => bytes.subarray(item * width, (item + 1) * width));
    });
  }

  /** Vectors of texts, `vectorBytes` each, for `pairs` and `neighbours` of this model. */
  encode(texts) {
    const size = texts.length * this.vectorBytes;
    return this.#core.borrow([size], (place) => {
      this.#withTexts(this.#strings(texts), (array) =>
        this.#core.checked("encode", this.#live(), array, texts.length, place)
      );
      return this.#core.bytes.slice(place, place + size);
    });
  }

  /** All pairs of vectors whose probability exceeds a threshold: [{first, second, probability}]. */
  pairs(vectors, threshold = this.threshold) {
    const core = this.#core;
    const count = this.#rows(vectors);
    const room = Math.min((count * (count - 1)) / 2, MOST_PAIRS);
    return core.borrow([vectors.length, room * PAIR_BYTES, 4], (bytes, pairs, found) => {
      core.bytes.set(vectors, bytes);
      core.checked("pairs", this.#live(), bytes, count, threshold, pairs, room, found);
      return this.#readPairs(pairs, core.view.getUint32(found, true));
    });
  }

  /** The `k` nearest vectors of each query, best first: similarity encoders only. */
  neighbours(queries, vectors, k) {
    const core = this.#core;
    const asked = this.#rows(queries);
    const count = this.#rows(vectors);
    const found = asked * Math.min(k, count);
    return core.borrow([queries.length, vectors.length, found * PAIR_BYTES], (query, bytes, pairs) => {
      core.bytes.set(queries, query);
      core.bytes.set(vectors, bytes);
      core.checked("neighbours", this.#live(), query, asked, bytes, count, k, pairs);
      return this.#readPairs(pairs, found);
    });
  }

  #rows(vectors) {
    if (!this.vectorBytes) throw new CodewrenError("a hint makes no vectors of functions; pairs need a clone bundle");
    if (vectors.length % this.vectorBytes) throw new CodewrenError("vectors of another model");
    return vectors.length / this.vectorBytes;
  }

  #readPairs(place, count) {
    const view = this.#core.view;
    return Array.from({ length: count }, (_, index) => {
      const at = place + index * PAIR_BYTES;
      return {
        first: view.getInt32(at, true),
        second: view.getInt32(at + 4, true),
        probability: view.getFloat64(at + 8, true),
      };
    });
  }

  #flat(items) {
    if (this.functionsPerItem === 1) return this.#strings(items);
    for (const item of items)
      if (!Array.isArray(item) || item.length !== 2) throw new TypeError("an item of this model is two strings: [a, b]");
    return this.#strings(items.flat());
  }

  #strings(texts) {
    if (!Array.isArray(texts) || texts.some((text) => typeof text !== "string"))
      throw new TypeError("texts are given as a list of strings");
    return texts;
  }

  // Calls `work` with the address of an array of codewren_text.
  #withTexts(texts, work) {
    const core = this.#core;
    const encoded = texts.map((text) => new TextEncoder().encode(text));
    const total = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
    core.borrow([texts.length * TEXT_BYTES, total], (array, data) => {
      const { bytes, view } = core;
      encoded.forEach((text, index) => {
        bytes.set(text, data);
        view.setUint32(array + index * TEXT_BYTES, data, true);
        view.setUint32(array + index * TEXT_BYTES + 4, text.length, true);
        view.setUint32(array + index * TEXT_BYTES + 8, 0, true);
        data += text.length;
      });
      work(array);
    });
  }
}
