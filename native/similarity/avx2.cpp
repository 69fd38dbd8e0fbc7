// AVX2.
#define CODEWREN_TARGET vector_kernels_avx2
#define CODEWREN_NAME "avx2"
#define CODEWREN_ISA 1
#include "similarity/target.h"
