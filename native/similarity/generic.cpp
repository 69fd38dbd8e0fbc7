// Any processor.
#define CODEWREN_TARGET vector_kernels_generic
#define CODEWREN_NAME "generic"
#define CODEWREN_ISA 0
#include "similarity/target.h"
