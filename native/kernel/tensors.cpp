#include "kernel/tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace codewren {

Floats::Floats(std::size_t size) : size_(size) {
  memory_.reset(
      static_cast<float*>(::operator new[](std::max<std::size_t>(size, 1) * sizeof(float), std::align_val_t{64})));
  std::fill_n(memory_.get(), size, 0.0f);
}

namespace {

float half_to_float(std::uint16_t h) {
  const std::uint32_t bits = std::uint32_t(h & 0x7fff) << 13;
  float magnitude;
  std::memcpy(&magnitude, &bits, sizeof magnitude);
  magnitude *= 0x1p112f;
  return h & 0x8000 ? -magnitude : magnitude;
}

bool half_is_finite(std::uint16_t h) { return (h & 0x7c00) != 0x7c00; }

Dtype dtype_of(const std::string& name, const std::string& dtype) {
  if (dtype == "int8") return Dtype::int8;
  if (dtype == "fp16") return Dtype::fp16;
  if (dtype == "fp32") return Dtype::fp32;
  throw DamagedError("tensor " + name + " has the unknown dtype " + dtype);
}

void check_finite(const std::string& name, const StoredRows& rows, std::size_t numbers, std::size_t scales) {
  bool finite = true;
  if (rows.dtype == Dtype::fp32)
    for (std::size_t i = 0; i < numbers; ++i) finite &= std::isfinite(static_cast<const float*>(rows.numbers)[i]);
  else if (rows.dtype == Dtype::fp16)
    for (std::size_t i = 0; i < numbers; ++i)
      finite &= half_is_finite(static_cast<const std::uint16_t*>(rows.numbers)[i]);
  else
    for (std::size_t i = 0; i < scales; ++i) finite &= half_is_finite(rows.scales[i]);
  if (!finite) throw DamagedError("tensor " + name + " holds NaN or infinity");
}

}  // namespace

TensorReader::TensorReader(std::span<const std::uint8_t> weights, const TensorTable& table)
    : weights_(weights), table_(table) {
  if (reinterpret_cast<std::uintptr_t>(weights.data()) % 16) throw DamagedError("the weights are not aligned");
}

StoredRows TensorReader::stored(const std::string& name, std::size_t rows, std::size_t columns) const {
  const auto row = table_.find(name);
  if (row == table_.end()) throw DamagedError("tensor " + name + " is missing");
  const TensorEntry& entry = row->second;
  if (entry.rows != rows || entry.columns != columns) throw DamagedError("tensor " + name + " has the wrong shape");
  const Dtype dtype = dtype_of(name, entry.dtype);
  const std::size_t size = dtype == Dtype::int8 ? 1 : dtype == Dtype::fp16 ? 2 : 4;
  if (columns && rows > std::numeric_limits<std::size_t>::max() / columns / size)
    throw DamagedError("tensor " + name + " is too large");
  StoredRows result{range(name, entry.offset, rows * columns * size), nullptr, columns, dtype};
  if (dtype == Dtype::int8)
    result.scales = reinterpret_cast<const std::uint16_t*>(range(name, entry.scale_offset, rows * 2));
  check_finite(name, result, rows * columns, rows);
  return result;
}

Floats TensorReader::floats(const std::string& name, std::size_t rows, std::size_t columns, std::size_t stride) const {
  const StoredRows source = stored(name, rows, columns);
  Floats result(rows * stride);
  for (std::size_t i = 0; i < rows; ++i) copy_row(source, i, columns, result.data() + i * stride);
  return result;
}

void TensorReader::copy_row(const StoredRows& source, std::size_t row, std::size_t columns, float* out) {
  const std::size_t begin = row * source.stride;
  if (source.dtype == Dtype::fp32)
    return std::copy_n(static_cast<const float*>(source.numbers) + begin, columns, out), void();
  if (source.dtype == Dtype::fp16) {
    const auto* numbers = static_cast<const std::uint16_t*>(source.numbers) + begin;
    return std::transform(numbers, numbers + columns, out, half_to_float), void();
  }
  const auto* numbers = static_cast<const std::int8_t*>(source.numbers) + begin;
  const float scale = half_to_float(source.scales[row]);
  std::transform(numbers, numbers + columns, out, [scale](std::int8_t q) { return float(q) * scale; });
}

const std::uint8_t* TensorReader::range(const std::string& name, std::size_t offset, std::size_t size) const {
  if (offset > weights_.size() || size > weights_.size() - offset || offset % 16)
    throw DamagedError("tensor " + name + " leaves the file");
  return weights_.data() + offset;
}

}  // namespace codewren
