#include "kernel/byte_order.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace codewren {
namespace {

// Turns `count` numbers of `size` bytes round, as far as they lie inside; the reader refuses those that do not.
void turn(std::span<std::uint8_t> weights, std::size_t offset, std::size_t count, std::size_t size) {
  if (offset > weights.size() || count > (weights.size() - offset) / size) return;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* number = weights.data() + offset + i * size;
    std::reverse(number, number + size);
  }
}

void turn_tensors(std::span<std::uint8_t> weights, const TensorTable& table) {
  for (const auto& [name, entry] : table) {
    if (entry.dtype == "int8")
      turn(weights, entry.scale_offset, entry.rows, 2);
    else
      turn(weights, entry.offset, entry.rows * entry.columns, entry.dtype == "fp16" ? 2 : 4);
  }
}

}  // namespace

std::span<const std::uint8_t> native_weights(std::span<const std::uint8_t> weights, const TensorTable& table,
                                             std::vector<Floats>& buffers) {
  static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);
  if constexpr (std::endian::native == std::endian::little) return weights;
  buffers.emplace_back(weights.size() / sizeof(float) + 1);
  auto* copy = reinterpret_cast<std::uint8_t*>(buffers.back().data());
  std::memcpy(copy, weights.data(), weights.size());
  turn_tensors({copy, weights.size()}, table);
  return {copy, weights.size()};
}

}  // namespace codewren
