// AVX-512.
#define CODEWREN_TARGET vector_kernels_avx512
#define CODEWREN_NAME "avx512"
#define CODEWREN_ISA 2
#include "similarity/target.h"
