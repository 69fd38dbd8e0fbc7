// What the portable kernels are called: the instruction set that the compiler has for vectors of 128 bits, if any.
#pragma once

#if defined(__aarch64__) && defined(__ARM_NEON)
#define CODEWREN_PORTABLE_NAME "neon"
#elif defined(__wasm_simd128__)
#define CODEWREN_PORTABLE_NAME "simd128"
#else
#define CODEWREN_PORTABLE_NAME "generic"
#endif
