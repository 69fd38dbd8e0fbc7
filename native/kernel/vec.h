// One SIMD register of floats, and the arithmetic the loops share. The including file defines CODEWREN_LANES.
//
// Compilers keep a block of accumulators in registers when they are vectors, but not when they are arrays of floats
// (GCC 12 spills them for AVX2 and SSE). Everything that is not an accumulator stays a plain loop.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace codewren {
namespace {

constexpr size_t lanes = CODEWREN_LANES;

#if defined(__GNUC__)
typedef float Vec __attribute__((vector_size(sizeof(float) * CODEWREN_LANES)));
typedef uint32_t Bits __attribute__((vector_size(sizeof(uint32_t) * CODEWREN_LANES)));
inline Vec broadcast(float x) { return x - Vec{}; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }
#else
struct Vec {
  float lane[lanes];
};
struct Bits {
  uint32_t lane[lanes];
};
inline Vec broadcast(float x) {
  Vec v;
  for (size_t l = 0; l < lanes; ++l) v.lane[l] = x;
  return v;
}
inline Vec operator+(Vec a, const Vec& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] += b.lane[l];
  return a;
}
inline Vec operator-(Vec a, const Vec& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] -= b.lane[l];
  return a;
}
inline Vec operator*(Vec a, const Vec& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] *= b.lane[l];
  return a;
}
inline Bits operator+(Bits a, const Bits& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] += b.lane[l];
  return a;
}
inline Bits operator<<(Bits a, int shift) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] <<= shift;
  return a;
}
inline Vec larger(Vec a, const Vec& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] = a.lane[l] > b.lane[l] ? a.lane[l] : b.lane[l];
  return a;
}
#endif

inline Vec load(const float* p) {
  Vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Vec v) { memcpy(p, &v, sizeof v); }

template <size_t size>
inline float fold(const float* part) {
  if constexpr (size == 1) {
    return part[0];
  } else {
    float half[size / 2];
    for (size_t l = 0; l < size / 2; ++l) half[l] = part[l] + part[l + size / 2];
    return fold<size / 2>(half);
  }
}

inline float sum_lanes(Vec v) {
  float part[lanes];
  store(part, v);
  return fold<lanes>(part);
}

template <typename To, typename From>
inline To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// Branch free, and without arithmetic on subnormal floats, which some processors do slowly.
inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16;
  const uint32_t body = uint32_t(h & 0x7fff) << 13;
  const float normal = same_bits<float>(body + (112u << 23));
  const float subnormal = same_bits<float>(body + (113u << 23)) - same_bits<float>(113u << 23);
  const float magnitude = body < (1u << 23) ? subnormal : normal;
  return same_bits<float>(same_bits<uint32_t>(magnitude) | sign);
}

// e^x for x in [-87, 88], relative error below 3e-7: 2^n * p(f) with |f| <= ln(2)/2, p the minimax polynomial.
// Adding 1.5 * 2^23 rounds to the whole number n and leaves it in the lowest bits. F is float or Vec; `of` makes one.
template <typename B, typename F, typename Of>
inline F exp_in_range(F x, Of of) {
  const F shifted = x * of(1.44269504f) + of(12582912.0f);
  const F n = shifted - of(12582912.0f);
  const F f = x - n * of(0.693359375f) + n * of(2.12194440e-4f);
  F p = of(8.2976520062e-3f);
  p = p * f + of(4.1915383190e-2f);
  p = p * f + of(0.16667574644f);
  p = p * f + of(0.49998894334f);
  p = p * f + of(0.99999970198f);
  p = p * f + of(1.00000011921f);
  return same_bits<F>(same_bits<B>(p) + (same_bits<B>(shifted) << 23));
}

inline float exp_(float x) {
  x = x > -87.0f ? x : -87.0f;
  x = x < 88.0f ? x : 88.0f;
  return exp_in_range<uint32_t>(x, [](float constant) { return constant; });
}

// For softmax, where no argument is positive.
inline Vec exp_not_positive(Vec x) { return exp_in_range<Bits>(larger(x, broadcast(-87.0f)), broadcast); }

inline float tanh_(float x) { return 1.0f - 2.0f / (exp_(2.0f * x) + 1.0f); }

// x times the normal distribution function; erfc(z) = t p(t) exp(-z^2) with t = 1/(1 + z/2), relative error 5e-8.
inline float gelu_(float x) {
  const float z = (x < 0 ? -x : x) * 0.70710678f;
  const float t = 1.0f / (1.0f + 0.5f * z);
  float p = -0.059386577457f;
  p = p * t + 0.28612452745f;
  p = p * t - 0.49040755630f;
  p = p * t + 0.28173461556f;
  p = p * t - 0.029149455950f;
  p = p * t + 0.20375292003f;
  p = p * t + 0.24283501506f;
  p = p * t + 0.28241211176f;
  p = p * t + 0.28208431602f;
  const float half_erfc = 0.5f * t * p * exp_(-z * z);
  return x * (x < 0 ? half_erfc : 1.0f - half_erfc);
}

inline float sigmoid_(float x) { return 1.0f / (1.0f + exp_(-x)); }

inline float gelu_new_(float x) { return x * sigmoid_(1.59576912f * (x + 0.044715f * x * x * x)); }

}  // namespace
}  // namespace codewren
