// The head: logits of one item, and probabilities of all pairs of many functions.
#pragma once

#include "kernel/math.h"

namespace codewren {
namespace {

void logits(const Network& net, const float* first, const float* second, float* scratch, float* out) {
  const size_t stride = padded(net.hidden);
  Arena arena{scratch};
  float *hidden = arena.take(stride), *second_half = arena.take(stride), *combined = arena.take(2 * stride);
  const float* pooled[2] = {first, second};
  if (net.symmetric) {
    for (size_t k = 0; k < stride; ++k) {
      combined[k] = fabsf(first[k] - second[k]);
      combined[stride + k] = first[k] * second[k];
    }
    pooled[0] = combined;
    pooled[1] = combined + stride;
  }
  linear_vector(net.dense[0], net.hidden, net.hidden, pooled[0], hidden);
  if (net.functions == 2) {
    linear_vector(net.dense[1], net.hidden, net.hidden, pooled[1], second_half);
    for (size_t k = 0; k < stride; ++k) hidden[k] += second_half[k];
  }
  for (size_t k = 0; k < stride; ++k) hidden[k] = tanh_(hidden[k]);
  for (size_t c = 0; c < net.labels; ++c) out[c] = dot(net.out.weight + c * stride, hidden, stride) + net.out.bias[c];
}

size_t logits_scratch(const Network& net) { return 4 * padded(net.hidden); }

// All pairs of many functions, which are the columns of panels. The concat head needs tanh(f_i + g_j) for every pair in
// both orders; with e^2f and e^2g kept per function that is 1 - 2 / (1 + e^2f e^2g): no exponential per pair.

constexpr float largest_exponent = 80.0f;

void put_column(size_t hidden, size_t lane, const float* vector, float* columns) {
  for (size_t k = 0; k < hidden; ++k) columns[k * panel + lane] = vector[k];
}

void prepare_pairs(const Network& net, const float* vectors, size_t functions, float* scratch, PairTable& table) {
  const size_t stride = padded(net.hidden), size = net.hidden * panel;
  table.exponentials = !net.symmetric;
  for (size_t i = 0; i < functions; ++i) {
    float* left = table.left + i / panel * size;
    if (net.symmetric) {
      put_column(net.hidden, i % panel, vectors + i * stride, left);
      continue;
    }
    for (size_t half = 0; half < 2; ++half) {
      linear_vector(net.dense[half], net.hidden, net.hidden, vectors + i * stride, scratch);
      for (size_t k = 0; k < net.hidden; ++k)
        if (fabsf(2 * scratch[k]) > largest_exponent) table.exponentials = false;
      put_column(net.hidden, i % panel, scratch, (half ? table.right : table.left) + i / panel * size);
    }
  }
  if (!table.exponentials) return;
  for (size_t k = 0; k < count_panels(functions) * size; ++k) {
    table.left[k] = exp_(2 * table.left[k]);
    table.right[k] = exp_(2 * table.right[k]);
  }
}

// margin (panel) += weight . tanh(f + g_l) for the functions l of a panel; f lies in a column of its own panel
template <bool exponentials>
void add_margin(size_t hidden, const float* weight, const float* f, const float* g, float* margin) {
  for (size_t k = 0; k < hidden; ++k) {
    const float f_k = f[k * panel];
    for (size_t l = 0; l < panel; ++l) {
      if constexpr (exponentials)
        margin[l] += weight[k] - 2 * weight[k] / (1.0f + f_k * g[k * panel + l]);
      else
        margin[l] += weight[k] * tanh_(f_k + g[k * panel + l]);
    }
  }
}

// hidden (H, panel): the symmetric head before tanh, for one function against a panel; pooled is (2, H, panel)
void symmetric_hidden(const Network& net, const float* a, const float* b, float* pooled, float* hidden) {
  const size_t size = net.hidden * panel, stride = padded(net.hidden);
  for (size_t k = 0; k < net.hidden; ++k)
    for (size_t l = 0; l < panel; ++l) {
      pooled[k * panel + l] = fabsf(a[k * panel] - b[k * panel + l]);
      pooled[size + k * panel + l] = a[k * panel] * b[k * panel + l];
    }
  linear_panel(net.dense[0], net.hidden, net.hidden, pooled, hidden);
  multiply<false>(net.hidden, panel, net.hidden, {net.dense[1].weight, stride, 1}, pooled + size, panel, hidden, panel);
}

// out (panel) = probability of the positive label of function i with each function of panel p, orders averaged
void score_pairs(const Network& net, const PairTable& table, size_t i, size_t p, float* scratch, float* out) {
  const size_t size = net.hidden * panel, stride = padded(net.hidden);
  const float *left_i = table.left + i / panel * size + i % panel, *left_p = table.left + p * size;
  const float *right_i = table.right + i / panel * size + i % panel, *right_p = table.right + p * size;
  float* hidden = scratch + 2 * size;
  float negatives[2][panel] = {};  // per order, the sum of exp(logit - logit of the positive label)
  if (net.symmetric) symmetric_hidden(net, left_i, left_p, scratch, hidden);
  for (size_t row = 0; row + 1 < net.labels; ++row) {
    const float* weight = table.margin_weight + row * stride;
    float margin[2][panel];
    for (size_t l = 0; l < panel; ++l) margin[0][l] = margin[1][l] = table.margin_bias[row];
    if (net.symmetric) {
      for (size_t k = 0; k < net.hidden; ++k)
        for (size_t l = 0; l < panel; ++l) margin[0][l] += weight[k] * tanh_(hidden[k * panel + l]);
      memcpy(margin[1], margin[0], sizeof margin[0]);
    } else if (table.exponentials) {
      add_margin<true>(net.hidden, weight, left_i, right_p, margin[0]);
      add_margin<true>(net.hidden, weight, right_i, left_p, margin[1]);
    } else {
      add_margin<false>(net.hidden, weight, left_i, right_p, margin[0]);
      add_margin<false>(net.hidden, weight, right_i, left_p, margin[1]);
    }
    for (size_t order = 0; order < 2; ++order)
      for (size_t l = 0; l < panel; ++l) negatives[order][l] += exp_(margin[order][l] * table.inverse_temperature);
  }
  for (size_t l = 0; l < panel; ++l) out[l] = 0.5f / (1.0f + negatives[0][l]) + 0.5f / (1.0f + negatives[1][l]);
}

size_t pairs_scratch(const Network& net) { return 3 * net.hidden * panel + padded(net.hidden); }

}  // namespace
}  // namespace codewren
