#include "similarity/kernels.h"

#include <stdexcept>

namespace codewren::similarity {

std::vector<const VectorKernels*> available_vector_kernels() {
  std::vector<const VectorKernels*> runnable;
#ifdef CODEWREN_X86_TARGETS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq")) {
    if (__builtin_cpu_supports("avx512vnni")) runnable.push_back(&vector_kernels_avx512vnni());
    runnable.push_back(&vector_kernels_avx512());
  }
  if (__builtin_cpu_supports("avx2")) runnable.push_back(&vector_kernels_avx2());
#endif
  runnable.push_back(&vector_kernels_generic());
  return runnable;
}

const VectorKernels* vector_kernels_named(const std::string& name) {
  for (const VectorKernels* kernels : available_vector_kernels())
    if (name.empty() || name == kernels->name) return kernels;
  throw std::invalid_argument("this machine cannot run the instruction set " + name);
}

}  // namespace codewren::similarity
