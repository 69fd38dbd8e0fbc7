// Any processor: SSE2 on x86-64, NEON on 64-bit ARM, whatever the compiler has elsewhere.
#define CODEWREN_TARGET training_kernels_generic
#define CODEWREN_NAME "generic"
#define CODEWREN_LANES 4
#if defined(__aarch64__)
#define CODEWREN_ROWS 12
#else
#define CODEWREN_ROWS 6
#endif
#include "train/target.h"
