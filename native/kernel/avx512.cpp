// AVX-512: 32 registers of 16 floats.
#define CODEWREN_TARGET kernels_avx512
#define CODEWREN_NAME "avx512"
#define CODEWREN_LANES 16
#define CODEWREN_ROWS 12
#include "kernel/target.h"
