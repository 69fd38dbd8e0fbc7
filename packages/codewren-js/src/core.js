// The WebAssembly module: found, instantiated once, and its memory handed out.

// Asks whether vectors of 128 bits are known: (func (result v128) (i32.splat (i32.const 0)) (i8x16.popcnt)).
const SIMD_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11
);

/** Whether this machine runs the SIMD build. */
export const hasSimd = () => WebAssembly.validate(SIMD_PROBE);

async function moduleBytes(name) {
  const url = new URL(`../wasm/${name}.wasm`, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

const IMPORTS = {
  env: { emscripten_notify_memory_growth() {} },
  wasi_snapshot_preview1: {
    proc_exit(code) {
      throw new Error(`the core stopped with code ${code}; please report it`);
    },
    fd_close: () => 8,
    fd_seek: () => 8,
    fd_write: () => 8,
    environ_sizes_get: () => 52,
    environ_get: () => 52,
  },
};

/** An instance of the core with its memory. */
export class Core {
  #exports;

  constructor(instance) {
    this.#exports = instance.exports;
    this.#exports._initialize();
  }

  static async start(source) {
    const bytes = await (source ?? moduleBytes(hasSimd() ? "codewren-simd" : "codewren"));
    const result = await WebAssembly.instantiate(bytes, IMPORTS);
    return new Core(result.instance ?? result);
  }

  /** Calls a function of codewren.h by its name without the prefix. */
  call(name, ...numbers) {
    return this.#exports[`codewren_${name}`](...numbers);
  }

  /** Calls one that can fail; throws what it says. */
  checked(name, ...numbers) {
    if (this.call(name, ...numbers) !== 0) throw new CodewrenError(this.text(this.call("error")));
  }

  /** Memory as bytes; a call that allocates makes an earlier view useless. */
  get bytes() {
    return new Uint8Array(this.#exports.memory.buffer);
  }

  get view() {
    return new DataView(this.#exports.memory.buffer);
  }

  /** Runs `work` with blocks of memory of these sizes, and frees them. */
  borrow(sizes, work) {
    const blocks = [];
    try {
      for (const size of sizes) {
        const block = this.#exports.malloc(Math.max(size, 1));
        if (!block) throw new CodewrenError("there is not enough memory");
        blocks.push(block);
      }
      return work(...blocks);
    } finally {
      for (const block of blocks) this.#exports.free(block);
    }
  }

  /** The text at an address, up to its zero byte. */
  text(address) {
    const bytes = this.bytes;
    return new TextDecoder().decode(bytes.slice(address, bytes.indexOf(0, address)));
  }
}

/** What the core refuses, in one line. */
export class CodewrenError extends Error {
  name = "CodewrenError";
}
