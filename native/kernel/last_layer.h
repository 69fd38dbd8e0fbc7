// The last layer, of which only the first token's vector is needed.
//
// With one query q, q . (W_k x) = (W_k' q) . x and sum a (W_v x) = W_v (sum a x), so neither keys nor values exist:
// each block of rows gives scores against u = W_k' q and is added up with the softmax weights (online softmax).
// q . b_k is the same for every token and drops out.
#pragma once

#include "kernel/math.h"

namespace codewren {
namespace {

struct LastScratch {
  float *rows, *query, *query_key, *scores, *largest, *sums, *weighted, *first, *context, *attended, *inner;
  float *keys_in, *keys;  // relative_key_query only: k . E needs the keys themselves
  size_t heads;           // padded
  LastScratch(const Network& net, Arena& arena)
      : rows(arena.take(panel * padded(net.hidden))),
        query(arena.take(padded(net.hidden))),
        query_key(arena.take(padded(net.hidden) * padded(net.heads))),
        scores(arena.take(panel * padded(net.heads))),
        largest(arena.take(padded(net.heads))),
        sums(arena.take(padded(net.heads))),
        weighted(arena.take(net.heads * padded(net.hidden))),
        first(arena.take(padded(net.hidden))),
        context(arena.take(padded(net.hidden))),
        attended(arena.take(padded(net.hidden))),
        inner(arena.take(padded(net.inner))),
        keys_in(arena.take(net.positions == Positions::relative_key_query ? net.hidden * panel : 0)),
        keys(arena.take(net.positions == Positions::relative_key_query ? net.hidden * panel : 0)),
        heads(padded(net.heads)) {}
};

// query (H) / sqrt(D), and query_key (H, padded heads): column h, u above, is what head h takes the dot product of a
// row with
void query_of_first(const Network& net, const float* first, float* query, float* query_key) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size(), stride = padded(net.hidden), heads = padded(net.heads);
  const float scale = 1.0f / sqrtf(float(depth));
  linear_vector(layer.query, net.hidden, net.hidden, first, query);
  for (size_t k = 0; k < net.hidden; ++k) query[k] *= scale;
  for (size_t k = 0; k < stride * heads; ++k) query_key[k] = 0;
  for (size_t i = 0; i < net.hidden; ++i) {
    const float* key = layer.key.weight + i * stride;
    float* column = query_key + i / depth;
    for (size_t k = 0; k < net.hidden; ++k) column[k * heads] += query[i] * key[k];
  }
}

// scores (count, heads) for relative_key: + q . E(t); for relative_key_query: q . k + (q + k) . E(t) in full
void add_relative_first(const Network& net, size_t begin, size_t count, const float* query, LastScratch& s) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size();
  const bool with_keys = net.positions == Positions::relative_key_query;
  const float scale = 1.0f / sqrtf(float(depth));
  if (with_keys) {
    rows_to_panel(net.hidden, count, s.rows, s.keys_in);
    linear_panel(layer.key, net.hidden, net.hidden, s.keys_in, s.keys);
  }
  for (size_t head = 0; head < net.heads; ++head) {
    float score[panel] = {};
    for (size_t d = 0; d < depth; ++d) {
      const float q = query[head * depth + d];
      const float* e = layer.distance + d * layer.distance_stride + begin;
      const float* key = s.keys + (head * depth + d) * panel;
      for (size_t l = 0; l < panel; ++l) score[l] += with_keys ? q * key[l] + (q + scale * key[l]) * e[l] : q * e[l];
    }
    for (size_t t = 0; t < count; ++t) {
      float& total = s.scores[t * s.heads + head];
      total = with_keys ? score[t] : total + score[t];
    }
  }
}

// Adds one block of rows to the running softmax of every head.
void accumulate(const Network& net, size_t count, LastScratch& s) {
  const size_t stride = padded(net.hidden);
  for (size_t h = 0; h < s.heads; ++h) {
    float largest = s.largest[h];
    for (size_t t = 0; t < count; ++t) {
      const float score = s.scores[t * s.heads + h];
      largest = largest > score ? largest : score;
    }
    const float rescale = exp_(s.largest[h] - largest);
    s.largest[h] = largest;
    s.sums[h] *= rescale;
    if (rescale != 1.0f && h < net.heads)
      for (size_t k = 0; k < stride; ++k) s.weighted[h * stride + k] *= rescale;
  }
  for (size_t t = 0; t < count; ++t)
    for (size_t h = 0; h < s.heads; ++h) {
      const float e = exp_(s.scores[t * s.heads + h] - s.largest[h]);
      s.scores[t * s.heads + h] = e;
      s.sums[h] += e;
    }
  multiply<false>(net.heads, stride, count, {s.scores, 1, s.heads}, s.rows, stride, s.weighted, stride);
}

// out = the last layer's first vector, from the weighted sums of all heads and the first row
void finish_last_layer(const Network& net, LastScratch& s, float* out) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size(), stride = padded(net.hidden);
  for (size_t i = 0; i < net.hidden; ++i) {
    const size_t head = i / depth;
    s.context[i] =
        dot(layer.value.weight + i * stride, s.weighted + head * stride, stride) / s.sums[head] + layer.value.bias[i];
  }
  for (size_t i = net.hidden; i < stride; ++i) s.context[i] = 0;
  linear_vector(layer.output, net.hidden, net.hidden, s.context, s.attended);
  for (size_t k = 0; k < stride; ++k) s.attended[k] += s.first[k];
  norm_vector(layer.attention_norm, net.hidden, s.attended);
  linear_vector(layer.intermediate, net.inner, net.hidden, s.attended, s.inner);
  activate(net.activation, net.inner, s.inner);
  linear_vector(layer.output_dense, net.hidden, net.inner, s.inner, out);
  for (size_t k = 0; k < stride; ++k) out[k] += s.attended[k];
  norm_vector(layer.norm, net.hidden, out);
}

// One block of normalised rows, the first of which starts the function where begin is 0.
void attend_block(const Network& net, size_t begin, size_t count, bool same_query, LastScratch& s) {
  const size_t stride = padded(net.hidden);
  const float* query = same_query ? net.begin_query : s.query;
  const float* query_key = same_query ? net.begin_query_key : s.query_key;
  if (begin == 0) {
    memcpy(s.first, s.rows, stride * sizeof(float));
    if (!same_query) query_of_first(net, s.first, s.query, s.query_key);
    for (size_t h = 0; h < s.heads; ++h) s.largest[h] = lowest, s.sums[h] = 0;
    for (size_t k = 0; k < net.heads * stride; ++k) s.weighted[k] = 0;
  }
  multiply<true>(count, s.heads, net.hidden, {s.rows, stride, 1}, query_key, s.heads, s.scores, s.heads);
  if (net.positions != Positions::absolute) add_relative_first(net, begin, count, query, s);
  accumulate(net, count, s);
}

}  // namespace
}  // namespace codewren
