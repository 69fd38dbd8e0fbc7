// Any processor: SSE2 on x86-64, NEON on 64-bit ARM, whatever the compiler has elsewhere.
#include "portable.h"

#define CODEWREN_TARGET kernels_generic
#define CODEWREN_NAME CODEWREN_PORTABLE_NAME
#define CODEWREN_LANES 4
#if defined(__aarch64__)
#define CODEWREN_ROWS 12
#else
#define CODEWREN_ROWS 6
#endif
#include "kernel/target.h"
