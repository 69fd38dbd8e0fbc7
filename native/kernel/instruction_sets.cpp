#include "kernel/instruction_sets.h"

#include <stdexcept>

namespace codewren {

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> runnable;
#ifdef CODEWREN_X86_TARGETS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    runnable.push_back(&kernels_avx512());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) runnable.push_back(&kernels_avx2());
#endif
  runnable.push_back(&kernels_generic());
  return runnable;
}

const Kernels* kernels_named(const std::string& name) {
  for (const Kernels* kernels : available_kernels())
    if (name.empty() || name == kernels->name) return kernels;
  throw std::invalid_argument("this machine cannot run the instruction set " + name);
}

}  // namespace codewren
