// The arithmetic of vectors, compiled once per instruction set; whole numbers, so that all give equal results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace codewren::similarity {

constexpr std::size_t panel = 16;          // columns of a block of products
constexpr std::int32_t largest_times = 83;  // of a feature's count; three products with an int8 fit in 16 bits

struct VectorKernels {
  const char* name;

  // sums[k] += times[f] * rows[f][k] for k < width.
  void (*accumulate)(const std::int8_t* const* rows, const std::int16_t* times, std::size_t count, std::size_t width,
                     std::int32_t* sums);

  // products[r * panel + c] = left row r * column c. Left rows are `pairs` pairs of numbers; the columns lie
  // interleaved: pair k of column c at columns[(k * panel + c) * 2].
  void (*block)(const std::int16_t* left, std::size_t rows, std::size_t pairs, const std::int16_t* columns,
                std::int32_t* products);

  // Whether products[c] + own * rests[c] >= least for some column.
  bool (*any_reaches)(const std::int32_t* products, std::int32_t own, const std::int32_t* rests, std::int32_t least);

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
