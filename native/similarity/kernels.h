// The arithmetic of vectors, compiled once per instruction set; whole numbers, so that all give equal results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace codewren::similarity {

constexpr std::size_t panel = 16;           // columns of a block of products: a bit each in a mask
constexpr std::int32_t largest_times = 83;  // of a feature's count; three products with an int8 fit in 16 bits

// `count` rows of `size` numbers, each `stride` after the one before.
struct Rows {
  const std::int8_t* first;
  std::size_t stride, size, count;
};

// Packed rows against a packed panel, and what each may still gain: at most its bound times the column's.
struct Block {
  const std::uint8_t* left;
  std::size_t rows;
  const std::uint8_t* columns;
  std::size_t size;
  const std::int32_t* left_bounds;
  const std::int32_t* column_bounds;
  const std::int32_t* least;  // for each row, what a product must reach
};

// Where a block's products go, those of a row `panel` apart, and which of them can reach what they must.
struct Reached {
  std::int32_t* products;  // of rows whose mask is not 0
  std::uint32_t* masks;
};

struct VectorKernels {
  const char* name;

  // sums[k] += times[f] * rows[f][k] for k < width.
  void (*accumulate)(const std::int8_t* const* rows, const std::int16_t* times, std::size_t count, std::size_t width,
                     std::int32_t* sums);

  // Rows as `block` wants those on its left.
  void (*pack_rows)(const Rows& rows, std::vector<std::uint8_t>& out);

  // At most `panel` rows as the columns of a block, zeros where there are fewer.
  void (*pack_panel)(const Rows& rows, std::vector<std::uint8_t>& out);

  // Bit c of mask r says whether left row r * column c, and the most it may gain, reach what row r must.
  void (*block)(const Block& block, const Reached& out);

  std::int32_t (*dot)(const std::int8_t* a, const std::int8_t* b, std::size_t size);
};

const VectorKernels& vector_kernels_generic();
const VectorKernels& vector_kernels_avx2();
const VectorKernels& vector_kernels_avx512();
const VectorKernels& vector_kernels_avx512vnni();

// Those this machine can run, best first.
std::vector<const VectorKernels*> available_vector_kernels();

// Those of one name, or the best for an empty name; throws std::invalid_argument.
const VectorKernels* vector_kernels_named(const std::string& name);

}  // namespace codewren::similarity
