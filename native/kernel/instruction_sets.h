// The instruction sets the kernel was compiled for, and those this machine can run.
#pragma once

#include <string>
#include <vector>

#include "kernel/network.h"

namespace codewren {

// Best first.
std::vector<const Kernels*> available_kernels();

// Those of one name, or the best for an empty name; throws std::invalid_argument.
const Kernels* kernels_named(const std::string& name);

}  // namespace codewren
