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
inline Vec broadcast(float x) { return x - Vec{}; }
#else
struct Vec {
  float lane[lanes];
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
inline Vec operator*(Vec a, const Vec& b) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] *= b.lane[l];
  return a;
}
#endif

inline Vec load(const float* p) {
  Vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Vec v) { memcpy(p, &v, sizeof v); }

inline float sum_lanes(Vec v) {
  float part[lanes];
  store(part, v);
  for (size_t step = lanes / 2; step; step /= 2)
    for (size_t l = 0; l < step; ++l) part[l] += part[l + step];
  return part[0];
}

inline float bits_to_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

inline uint32_t float_to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Branch free, and without arithmetic on subnormal floats, which some processors do slowly.
inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16;
  const uint32_t body = uint32_t(h & 0x7fff) << 13;
  const float normal = bits_to_float(body + (112u << 23));
  const float subnormal = bits_to_float(body + (113u << 23)) - bits_to_float(113u << 23);
  const float magnitude = body < (1u << 23) ? subnormal : normal;
  return bits_to_float(float_to_bits(magnitude) | sign);
}

// Relative error below 2e-7 on [-87, 88], clamped outside: 2^n * p(f) with |f| <= ln(2)/2, p the minimax polynomial.
inline float exp_(float x) {
  x = x > -87.0f ? x : -87.0f;
  x = x < 88.0f ? x : 88.0f;
  const float scaled = x * 1.44269504f;
  const int32_t n = int32_t(scaled + (scaled < 0 ? -0.5f : 0.5f));
  float f = x - float(n) * 0.693359375f;
  f += float(n) * 2.12194440e-4f;
  float p = 1.3836842263e-3f;
  p = p * f + 8.3748158068e-3f;
  p = p * f + 4.1668225080e-2f;
  p = p * f + 0.16666419804f;
  p = p * f + 0.49999991059f;
  p = p * f + 1.0f;
  p = p * f + 1.0f;
  return p * bits_to_float(uint32_t(n + 127) << 23);
}

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
