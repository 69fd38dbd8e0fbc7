// The kernels, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_TARGET (the function that hands them out), CODEWREN_NAME, and CODEWREN_ISA:
// 0 for plain C++, 1 for AVX2, 2 for AVX-512, 3 for AVX-512 with VNNI.
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

#if CODEWREN_ISA == 0 && defined(__SSE2__)
struct Row {
  __m128i quarter[4];
};
constexpr std::size_t most_rows = 2;
inline Row zero() {
  const __m128i none = _mm_setzero_si128();
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
  std::int32_t bits;
  __builtin_memcpy(&bits, pair, sizeof bits);
  const __m128i both = _mm_set1_epi32(bits);
  const __m128i* vectors = reinterpret_cast<const __m128i*>(columns);
  for (int q = 0; q < 4; ++q)
    row.quarter[q] = _mm_add_epi32(row.quarter[q], _mm_madd_epi16(both, _mm_loadu_si128(vectors + q)));
}
inline void store(const Row& row, std::int32_t* out) {
  for (int q = 0; q < 4; ++q) _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + q, row.quarter[q]);
}
#elif CODEWREN_ISA == 0 && defined(__aarch64__) && defined(__ARM_NEON)
struct Row {
  int32x4_t quarter[4];
};
constexpr std::size_t most_rows = 4;
inline Row zero() {
  const int32x4_t none = vdupq_n_s32(0);
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
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
#elif CODEWREN_ISA == 0 && defined(__wasm_simd128__)
struct Row {
  v128_t quarter[4];
};
constexpr std::size_t most_rows = 2;
inline Row zero() {
  const v128_t none = wasm_i32x4_splat(0);
  return {{none, none, none, none}};
}
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
  const v128_t both = wasm_v128_load32_splat(pair);
  for (int q = 0; q < 4; ++q)
    row.quarter[q] = wasm_i32x4_add(row.quarter[q], wasm_i32x4_dot_i16x8(both, wasm_v128_load(columns + 8 * q)));
}
inline void store(const Row& row, std::int32_t* out) {
  for (int q = 0; q < 4; ++q) wasm_v128_store(out + 4 * q, row.quarter[q]);
}
#elif CODEWREN_ISA == 0
struct Row {
  std::int32_t sum[panel];
};
constexpr std::size_t most_rows = 1;
inline Row zero() { return {}; }
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
  const std::int32_t first = pair[0], second = pair[1];
  for (std::size_t c = 0; c < panel; ++c) row.sum[c] += first * columns[2 * c] + second * columns[2 * c + 1];
}
inline void store(const Row& row, std::int32_t* out) {
  for (std::size_t c = 0; c < panel; ++c) out[c] = row.sum[c];
}
#elif CODEWREN_ISA == 1
struct Row {
  __m256i low, high;
};
constexpr std::size_t most_rows = 6;
inline Row zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
  std::int32_t bits;
  __builtin_memcpy(&bits, pair, sizeof bits);
  const __m256i both = _mm256_set1_epi32(bits);
  const __m256i* vectors = reinterpret_cast<const __m256i*>(columns);
  row.low = _mm256_add_epi32(row.low, _mm256_madd_epi16(both, _mm256_loadu_si256(vectors)));
  row.high = _mm256_add_epi32(row.high, _mm256_madd_epi16(both, _mm256_loadu_si256(vectors + 1)));
}
inline void store(const Row& row, std::int32_t* out) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), row.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + 1, row.high);
}
#else
struct Row {
  __m512i sum;
};
constexpr std::size_t most_rows = 12;
inline Row zero() { return {_mm512_setzero_si512()}; }
inline void add_products(Row& row, const std::int16_t* pair, const std::int16_t* columns) {
  std::int32_t bits;
  __builtin_memcpy(&bits, pair, sizeof bits);
  const __m512i both = _mm512_set1_epi32(bits), vector = _mm512_loadu_si512(columns);
#if CODEWREN_ISA == 3
  row.sum = _mm512_dpwssd_epi32(row.sum, both, vector);
#else
  row.sum = _mm512_add_epi32(row.sum, _mm512_madd_epi16(both, vector));
#endif
}
inline void store(const Row& row, std::int32_t* out) { _mm512_storeu_si512(out, row.sum); }
#endif

template <std::size_t rows>
void block_of(const std::int16_t* left, std::size_t pairs, const std::int16_t* columns, std::int32_t* products) {
  Row sums[rows];
  for (std::size_t r = 0; r < rows; ++r) sums[r] = zero();
  for (std::size_t k = 0; k < pairs; ++k)
    for (std::size_t r = 0; r < rows; ++r) add_products(sums[r], left + 2 * (r * pairs + k), columns + 2 * panel * k);
  for (std::size_t r = 0; r < rows; ++r) store(sums[r], products + r * panel);
}

void block(const std::int16_t* left, std::size_t rows, std::size_t pairs, const std::int16_t* columns,
           std::int32_t* products) {
  std::size_t r = 0;
  for (; r + most_rows <= rows; r += most_rows)
    block_of<most_rows>(left + 2 * r * pairs, pairs, columns, products + r * panel);
  for (; r < rows; ++r) block_of<1>(left + 2 * r * pairs, pairs, columns, products + r * panel);
}

bool any_reaches(const std::int32_t* products, std::int32_t own, const std::int32_t* rests, std::int32_t least) {
  std::int32_t missed = -1;
  for (std::size_t c = 0; c < panel; ++c) missed &= products[c] + own * rests[c] - least;
  return missed >= 0;  // some difference has no sign
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < size; ++k) sum += std::int16_t(a[k]) * std::int16_t(b[k]);
  return sum;
}

constexpr VectorKernels kernels = {CODEWREN_NAME, accumulate, block, any_reaches, dot};

}  // namespace

const VectorKernels& CODEWREN_TARGET() { return kernels; }

}  // namespace codewren::similarity
