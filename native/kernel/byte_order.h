// Weights in the byte order of this machine. Bundles are little endian.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernel/tensors.h"

namespace codewren {

// The weights themselves on a little-endian machine; elsewhere a copy in `buffers`, each tensor turned round.
std::span<const std::uint8_t> native_weights(std::span<const std::uint8_t> weights, const TensorTable& table,
                                             std::vector<Floats>& buffers);

}  // namespace codewren
