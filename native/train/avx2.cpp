// AVX2 with FMA: 16 registers of 8 floats.
#define CODEWREN_TARGET training_kernels_avx2
#define CODEWREN_NAME "avx2"
#define CODEWREN_LANES 8
#define CODEWREN_ROWS 6
#include "train/target.h"
