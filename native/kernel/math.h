// Matrix products, LayerNorm and activations on panels and on single vectors.
//
// A panel holds R = 2 registers of tokens as (H, R): one token per lane, so that softmax and LayerNorm need no sum
// across lanes and any head size fills the lanes.
#pragma once

#include <math.h>

#include "kernel/network.h"
#include "kernel/vec.h"

namespace codewren {
namespace {

constexpr size_t panel = 2 * lanes;
constexpr float lowest = -3e38f;  // below every score
constexpr float norm_epsilon = 1e-5f;
static_assert(row_multiple % lanes == 0 && distance_padding >= panel);

// Where a matrix lies: element (i, j) at data[i * row + j * column].
struct Strided {
  const float* data;
  size_t row, column;
};

template <size_t rows, size_t registers, bool fresh>
void multiply_block(Strided a, size_t depth, const float* b, size_t b_row, float* c, size_t c_row) {
  Vec sum[rows][registers];
#pragma GCC unroll 16
  for (size_t i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) sum[i][r] = fresh ? broadcast(0.0f) : load(c + i * c_row + r * lanes);
  for (size_t k = 0; k < depth; ++k) {
    Vec b_k[registers];
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) b_k[r] = load(b + k * b_row + r * lanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < rows; ++i) {
      const Vec a_ik = broadcast(a.data[i * a.row + k * a.column]);
#pragma GCC unroll 2
      for (size_t r = 0; r < registers; ++r) sum[i][r] = sum[i][r] + a_ik * b_k[r];
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) store(c + i * c_row + r * lanes, sum[i][r]);
}

template <size_t registers, bool fresh>
void multiply_columns(size_t rows, Strided a, size_t depth, const float* b, size_t b_row, float* c, size_t c_row) {
  const auto block = [&]<size_t n>() {
    for (; rows >= n; rows -= n, a.data += n * a.row, c += n * c_row)
      multiply_block<n, registers, fresh>(a, depth, b, b_row, c, c_row);
  };
  block.template operator()<CODEWREN_ROWS>();
  if constexpr (CODEWREN_ROWS > 8) block.template operator()<8>();
  block.template operator()<4>();
  block.template operator()<2>();
  block.template operator()<1>();
}

// c (rows, columns) = or += a (rows, depth) times b (depth, columns); columns is a multiple of a register.
template <bool fresh>
void multiply(size_t rows, size_t columns, size_t depth, Strided a, const float* b, size_t b_row, float* c,
              size_t c_row) {
  size_t j = 0;
  for (; j + panel <= columns; j += panel) multiply_columns<2, fresh>(rows, a, depth, b + j, b_row, c + j, c_row);
  for (; j < columns; j += lanes) multiply_columns<1, fresh>(rows, a, depth, b + j, b_row, c + j, c_row);
}

// y (out, panel) = weight x (in, panel) + bias
void linear_panel(const Linear& linear, size_t out, size_t in, const float* x, float* y) {
  for (size_t i = 0; i < out; ++i)
    for (size_t l = 0; l < panel; ++l) y[i * panel + l] = linear.bias[i];
  multiply<false>(out, panel, in, {linear.weight, padded(in), 1}, x, panel, y, panel);
}

float dot(const float* a, const float* b, size_t size) {
  Vec even = broadcast(0.0f), odd = broadcast(0.0f);
  size_t k = 0;
  for (; k + panel <= size; k += panel) {
    even = even + load(a + k) * load(b + k);
    odd = odd + load(a + k + lanes) * load(b + k + lanes);
  }
  for (; k < size; k += lanes) even = even + load(a + k) * load(b + k);
  return sum_lanes(even + odd);
}

float sum(const float* a, size_t size) {
  Vec even = broadcast(0.0f), odd = broadcast(0.0f);
  size_t k = 0;
  for (; k + panel <= size; k += panel) {
    even = even + load(a + k);
    odd = odd + load(a + k + lanes);
  }
  for (; k < size; k += lanes) even = even + load(a + k);
  return sum_lanes(even + odd);
}

// y (padded out) = weight x + bias, for one vector; the padding of y is zero.
void linear_vector(const Linear& linear, size_t out, size_t in, const float* x, float* y) {
  const size_t stride = padded(in);
  for (size_t i = 0; i < out; ++i) y[i] = dot(linear.weight + i * stride, x, stride);
  if (linear.bias)
    for (size_t i = 0; i < out; ++i) y[i] += linear.bias[i];
  for (size_t i = out; i < padded(out); ++i) y[i] = 0;
}

// LayerNorm of one row of padded(size) numbers, zeros beyond `size` before and after.
void norm_vector(const Norm& norm, size_t size, float* x) {
  const float mean = sum(x, padded(size)) / float(size);
  for (size_t k = 0; k < size; ++k) x[k] -= mean;
  const float inverse = 1.0f / sqrtf(dot(x, x, padded(size)) / float(size) + norm_epsilon);
  for (size_t k = 0; k < padded(size); ++k) x[k] = x[k] * inverse * norm.gain[k] + norm.bias[k];
}

// LayerNorm of every column of x (size, panel), after adding `other`.
void add_norm_panel(const Norm& norm, size_t size, const float* other, float* x) {
  float mean[panel] = {}, inverse[panel] = {};
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l) {
      x[k * panel + l] += other[k * panel + l];
      mean[l] += x[k * panel + l];
    }
  for (size_t l = 0; l < panel; ++l) mean[l] /= float(size);
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l) {
      const float centred = x[k * panel + l] - mean[l];
      inverse[l] += centred * centred;
    }
  for (size_t l = 0; l < panel; ++l) inverse[l] = 1.0f / sqrtf(inverse[l] / float(size) + norm_epsilon);
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l)
      x[k * panel + l] = (x[k * panel + l] - mean[l]) * inverse[l] * norm.gain[k] + norm.bias[k];
}

void activate(Activation kind, size_t size, float* x) {
  switch (kind) {
    case Activation::gelu:
      for (size_t k = 0; k < size; ++k) x[k] = gelu_(x[k]);
      break;
    case Activation::relu:
      for (size_t k = 0; k < size; ++k) x[k] = x[k] > 0 ? x[k] : 0;
      break;
    case Activation::silu:
      for (size_t k = 0; k < size; ++k) x[k] *= sigmoid_(x[k]);
      break;
    case Activation::gelu_new:
      for (size_t k = 0; k < size; ++k) x[k] = gelu_new_(x[k]);
      break;
  }
}

void rows_to_panel(size_t hidden, size_t count, const float* rows, float* x) {
  const size_t stride = padded(hidden);
  for (size_t k = 0; k < hidden; ++k) {
    for (size_t t = 0; t < count; ++t) x[k * panel + t] = rows[t * stride + k];
    for (size_t t = count; t < panel; ++t) x[k * panel + t] = 0;
  }
}

void panel_to_rows(size_t hidden, size_t count, const float* x, float* rows) {
  const size_t stride = padded(hidden);
  for (size_t t = 0; t < count; ++t) {
    for (size_t k = 0; k < hidden; ++k) rows[t * stride + k] = x[k * panel + t];
    for (size_t k = hidden; k < stride; ++k) rows[t * stride + k] = 0;
  }
}

size_t min_(size_t a, size_t b) { return a < b ? a : b; }

size_t count_panels(size_t tokens) { return (tokens + panel - 1) / panel; }

// Hands out parts of the scratch memory; without memory it only counts.
struct Arena {
  float* base;
  size_t used = 0;
  float* take(size_t floats) {
    float* start = base ? base + used : nullptr;
    used += padded(floats);
    return start;
  }
};

}  // namespace
}  // namespace codewren
