// AVX-512 with the dot products of VNNI.
#define CODEWREN_TARGET vector_kernels_avx512vnni
#define CODEWREN_NAME "avx512vnni"
#define CODEWREN_ISA 3
#include "similarity/target.h"
