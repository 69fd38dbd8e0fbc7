// Any processor.
#include "portable.h"

#define CODEWREN_TARGET vector_kernels_generic
#define CODEWREN_NAME CODEWREN_PORTABLE_NAME
#define CODEWREN_ISA 0
#include "similarity/target.h"
