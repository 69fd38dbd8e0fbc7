// The kernels, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_TARGET (the function that hands them out), CODEWREN_NAME, and CODEWREN_ISA:
// 0 for plain C++, 1 for AVX2, 2 for AVX-512, 3 for AVX-512 with VNNI.
#include <algorithm>
#include <cstring>
#include <limits>

#include "similarity/kernels.h"

#if CODEWREN_ISA
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace codewren::similarity {
namespace {

// Three rows at a time, because three products fit in 16 bits.
void accumulate(const std::int8_t* const* rows, const std::int16_t* times, std::size_t count, std::size_t width,
                std::int32_t* __restrict sums) {
  std::size_t f = 0;
  for (; f + 3 <= count; f += 3) {
    const std::int8_t *a = rows[f], *b = rows[f + 1], *c = rows[f + 2];
    const std::int16_t s = times[f], t = times[f + 1], u = times[f + 2];
    for (std::size_t k = 0; k < width; ++k)
      sums[k] += std::int16_t(std::int16_t(std::int16_t(s * a[k]) + std::int16_t(t * b[k])) + std::int16_t(u * c[k]));
  }
  for (; f < count; ++f)
    for (std::size_t k = 0; k < width; ++k) sums[k] += times[f] * rows[f][k];
}

// Numbers are multiplied and added by groups of `step`. With VNNI the left ones are without sign, 128 too many, and a
// panel begins with what that adds to its products, negated.
#if CODEWREN_ISA == 3
using Left = std::uint8_t;
using Right = std::int8_t;
constexpr std::size_t step = 4, panel_head = panel * sizeof(std::int32_t);
constexpr Left as_left(std::int8_t number) { return Left(number + 128); }
#else
using Left = std::int16_t;
using Right = std::int16_t;
constexpr std::size_t step = 2, panel_head = 0;
constexpr Left as_left(std::int8_t number) { return number; }
#endif

constexpr std::size_t groups_of(std::size_t size) { return (size + step - 1) / step; }

void pack_rows(const Rows& rows, std::vector<std::uint8_t>& out) {
  const std::size_t padded = groups_of(rows.size) * step;
  out.resize(rows.count * padded * sizeof(Left));
  Left* left = reinterpret_cast<Left*>(out.data());
  for (std::size_t r = 0; r < rows.count; ++r, left += padded) {
    const std::int8_t* row = rows.first + r * rows.stride;
    for (std::size_t k = 0; k < rows.size; ++k) left[k] = as_left(row[k]);
    for (std::size_t k = rows.size; k < padded; ++k) left[k] = 0;  // meets zeros
  }
}

// Group k of column c lies at (k * panel + c) * step.
void pack_panel(const Rows& rows, std::vector<std::uint8_t>& out) {
  out.assign(panel_head + groups_of(rows.size) * panel * step * sizeof(Right), 0);
  Right* columns = reinterpret_cast<Right*>(out.data() + panel_head);
  for (std::size_t c = 0; c < rows.count; ++c) {
    const std::int8_t* row = rows.first + c * rows.stride;
    std::size_t k = 0;
    for (; k + step <= rows.size; k += step)
      for (std::size_t n = 0; n < step; ++n) columns[k * panel + c * step + n] = row[k + n];
    for (std::size_t n = 0; k + n < rows.size; ++n) columns[k * panel + c * step + n] = row[k + n];
    if (panel_head) {
      std::int32_t sum = 0;
      for (std::size_t n = 0; n < rows.size; ++n) sum += row[n];
      sum *= -128;
      std::memcpy(out.data() + c * sizeof sum, &sum, sizeof sum);
    }
  }
}

#if CODEWREN_ISA == 0
#if defined(__SSE2__)
struct Row {
  __m128i quarter[4];
};
constexpr std::size_t most_rows = 2;
inline Row start(const std::uint8_t*) {
  const __m128i none = _mm_setzero_si128();
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const Left* group, const Right* columns) {
  std::int32_t bits;
  std::memcpy(&bits, group, sizeof bits);
  const __m128i both = _mm_set1_epi32(bits);
  const __m128i* vectors = reinterpret_cast<const __m128i*>(columns);
  for (int q = 0; q < 4; ++q)
    row.quarter[q] = _mm_add_epi32(row.quarter[q], _mm_madd_epi16(both, _mm_loadu_si128(vectors + q)));
}
inline void store(const Row& row, std::int32_t* out) {
  for (int q = 0; q < 4; ++q) _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + q, row.quarter[q]);
}
#elif defined(__aarch64__) && defined(__ARM_NEON)
struct Row {
  int32x4_t quarter[4];
};
constexpr std::size_t most_rows = 4;
inline Row start(const std::uint8_t*) {
  const int32x4_t none = vdupq_n_s32(0);
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const Left* pair, const Right* columns) {
  for (int half = 0; half < 2; ++half) {
    const int16x8x2_t numbers = vld2q_s16(columns + 16 * half);  // the first and the second number of eight columns
    int32x4_t &low = row.quarter[2 * half], &high = row.quarter[2 * half + 1];
    low = vmlal_n_s16(vmlal_n_s16(low, vget_low_s16(numbers.val[0]), pair[0]), vget_low_s16(numbers.val[1]), pair[1]);
    high =
        vmlal_n_s16(vmlal_n_s16(high, vget_high_s16(numbers.val[0]), pair[0]), vget_high_s16(numbers.val[1]), pair[1]);
  }
}
inline void store(const Row& row, std::int32_t* out) {
  for (int q = 0; q < 4; ++q) vst1q_s32(out + 4 * q, row.quarter[q]);
}
#elif defined(__wasm_simd128__)
struct Row {
  v128_t quarter[4];
};
constexpr std::size_t most_rows = 2;
inline Row start(const std::uint8_t*) {
  const v128_t none = wasm_i32x4_splat(0);
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const Left* pair, const Right* columns) {
  const v128_t both = wasm_v128_load32_splat(pair);
  for (int q = 0; q < 4; ++q)
    row.quarter[q] = wasm_i32x4_add(row.quarter[q], wasm_i32x4_dot_i16x8(both, wasm_v128_load(columns + 8 * q)));
}
inline void store(const Row& row, std::int32_t* out) {
  for (int q = 0; q < 4; ++q) wasm_v128_store(out + 4 * q, row.quarter[q]);
}
#else
struct Row {
  std::int32_t sum[panel];
};
constexpr std::size_t most_rows = 1;
inline Row start(const std::uint8_t*) { return {}; }
inline void add_products(Row& row, const Left* group, const Right* columns) {
  const std::int32_t first = group[0], second = group[1];
  for (std::size_t c = 0; c < panel; ++c) row.sum[c] += first * columns[2 * c] + second * columns[2 * c + 1];
}
inline void store(const Row& row, std::int32_t* out) { std::copy_n(row.sum, panel, out); }
#endif
inline std::uint32_t reaching(const Row& row, std::int32_t own, const std::int32_t* bounds, std::int32_t least) {
  std::int32_t most[panel];
  store(row, most);
  std::int32_t best = std::numeric_limits<std::int32_t>::min();
  for (std::size_t c = 0; c < panel; ++c) {
    most[c] += own * bounds[c];
    best = std::max(best, most[c]);
  }
  std::uint32_t mask = 0;
  if (best >= least)
    for (std::size_t c = 0; c < panel; ++c) mask |= std::uint32_t(most[c] >= least) << c;
  return mask;
}
#elif CODEWREN_ISA == 1
struct Row {
  __m256i low, high;
};
constexpr std::size_t most_rows = 6;
inline Row start(const std::uint8_t*) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline void add_products(Row& row, const Left* group, const Right* columns) {
  std::int32_t bits;
  std::memcpy(&bits, group, sizeof bits);
  const __m256i both = _mm256_set1_epi32(bits);
  const __m256i* vectors = reinterpret_cast<const __m256i*>(columns);
  row.low = _mm256_add_epi32(row.low, _mm256_madd_epi16(both, _mm256_loadu_si256(vectors)));
  row.high = _mm256_add_epi32(row.high, _mm256_madd_epi16(both, _mm256_loadu_si256(vectors + 1)));
}
inline void store(const Row& row, std::int32_t* out) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), row.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + 1, row.high);
}
inline std::uint32_t reaching_half(__m256i sums, __m256i own, const std::int32_t* bounds, __m256i least) {
  const __m256i gain = _mm256_mullo_epi32(own, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bounds)));
  const __m256i missed = _mm256_cmpgt_epi32(least, _mm256_add_epi32(sums, gain));
  return std::uint32_t(_mm256_movemask_ps(_mm256_castsi256_ps(missed))) ^ 0xFF;
}
inline std::uint32_t reaching(const Row& row, std::int32_t own, const std::int32_t* bounds, std::int32_t least) {
  const __m256i owns = _mm256_set1_epi32(own), leasts = _mm256_set1_epi32(least);
  return reaching_half(row.low, owns, bounds, leasts) | reaching_half(row.high, owns, bounds + 8, leasts) << 8;
}
#else
struct Row {
  __m512i sum;
};
constexpr std::size_t most_rows = 12;
inline Row start(const std::uint8_t* columns) {
  return {panel_head ? _mm512_loadu_si512(columns) : _mm512_setzero_si512()};
}
inline void add_products(Row& row, const Left* group, const Right* columns) {
  std::int32_t bits;
  std::memcpy(&bits, group, sizeof bits);
  const __m512i all = _mm512_set1_epi32(bits), vector = _mm512_loadu_si512(columns);
#if CODEWREN_ISA == 3
  row.sum = _mm512_dpbusd_epi32(row.sum, all, vector);
#else
  row.sum = _mm512_add_epi32(row.sum, _mm512_madd_epi16(all, vector));
#endif
}
inline void store(const Row& row, std::int32_t* out) { _mm512_storeu_si512(out, row.sum); }
inline std::uint32_t reaching(const Row& row, std::int32_t own, const std::int32_t* bounds, std::int32_t least) {
  const __m512i gain = _mm512_mullo_epi32(_mm512_set1_epi32(own), _mm512_loadu_si512(bounds));
  return _mm512_cmpge_epi32_mask(_mm512_add_epi32(row.sum, gain), _mm512_set1_epi32(least));
}
#endif

template <std::size_t rows>
void block_of(const Block& block, std::size_t first, const Reached& out) {
  const std::size_t groups = groups_of(block.size);
  const Left* left = reinterpret_cast<const Left*>(block.left) + first * groups * step;
  const Right* columns = reinterpret_cast<const Right*>(block.columns + panel_head);
  Row sums[rows];
  for (std::size_t r = 0; r < rows; ++r) sums[r] = start(block.columns);
  for (std::size_t k = 0; k < groups; ++k)
    for (std::size_t r = 0; r < rows; ++r)
      add_products(sums[r], left + (r * groups + k) * step, columns + k * panel * step);
  for (std::size_t r = 0; r < rows; ++r) {
    out.masks[first + r] = reaching(sums[r], block.left_bounds[first + r], block.column_bounds, block.least[first + r]);
    if (out.masks[first + r]) store(sums[r], out.products + (first + r) * panel);
  }
}

void block(const Block& block, const Reached& out) {
  std::size_t r = 0;
  for (; r + most_rows <= block.rows; r += most_rows) block_of<most_rows>(block, r, out);
  for (; r < block.rows; ++r) block_of<1>(block, r, out);
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < size; ++k) sum += std::int16_t(a[k]) * std::int16_t(b[k]);
  return sum;
}

constexpr VectorKernels kernels = {CODEWREN_NAME, accumulate, pack_rows, pack_panel, block, dot};

}  // namespace

const VectorKernels& CODEWREN_TARGET() { return kernels; }

}  // namespace codewren::similarity
