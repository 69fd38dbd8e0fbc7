// AVX-512: 32 registers of 16 floats.
#define CODEWREN_TARGET training_kernels_avx512
#define CODEWREN_NAME "avx512"
#define CODEWREN_LANES 16
#define CODEWREN_ROWS 12
#include "train/target.h"
