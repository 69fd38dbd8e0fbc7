// AVX2 with FMA: 16 registers of 8 floats.
#define CODEWREN_TARGET kernels_avx2
#define CODEWREN_NAME "avx2"
#define CODEWREN_LANES 8
#define CODEWREN_ROWS 6
#include "kernel/target.h"
