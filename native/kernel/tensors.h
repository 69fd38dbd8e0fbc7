// Tensors read out of the mapped weights; every access is inside them, whatever the table says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

#include "kernel/network.h"

namespace codewren {

// The file, or the numbers in it, are not what a student needs.
struct DamagedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Zeroed floats on a 64-byte boundary.
class Floats {
 public:
  explicit Floats(std::size_t size = 0);
  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> memory_;
  std::size_t size_;
};

// One row of the tensor table; a vector has one row.
struct TensorEntry {
  std::string dtype;
  std::size_t rows, columns, offset, scale_offset;
};

using TensorTable = std::map<std::string, TensorEntry>;

class TensorReader {
 public:
  TensorReader(std::span<const std::uint8_t> weights, const TensorTable& table);

  // Rows where they lie, checked to be inside the file and finite.
  StoredRows stored(const std::string& name, std::size_t rows, std::size_t columns) const;

  // Rows as floats, `stride` apart, zeros between.
  Floats floats(const std::string& name, std::size_t rows, std::size_t columns, std::size_t stride) const;

  static void copy_row(const StoredRows& source, std::size_t row, std::size_t columns, float* out);

 private:
  const std::uint8_t* range(const std::string& name, std::size_t offset, std::size_t size) const;

  std::span<const std::uint8_t> weights_;
  const TensorTable& table_;
};

}  // namespace codewren
