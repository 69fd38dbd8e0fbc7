// A whole layer, every token attending to every token: all layers but the last.
//
// With data flow, nodes follow the code in panels of their own, and a mask says who sees whom, the lanes that pad the
// last panel of the code included.
//
// Shape letters: T tokens, H hidden, D head size.
#pragma once

#include "kernel/math.h"

namespace codewren {
namespace {

constexpr size_t key_block = 4096 / panel;  // keys whose scores for a panel of queries, 16 KB, stay in the L1 cache

constexpr float masked = -1e30f;  // added to a score; far below every score, far above `lowest`

// Positions of the code, then of the nodes, the nodes beginning a panel. Without nodes: just the tokens.
struct Cells {
  size_t code, first_node, count;  // count is one past the last node
  explicit Cells(size_t tokens, size_t nodes)
      : code(tokens), first_node(nodes ? count_panels(tokens) * panel : tokens), count(first_node + nodes) {}
  size_t panels() const { return count_panels(count); }
};

// mask (count, panels * panel), zeroed by the caller to `masked`: row key, column query
void draw_mask(const Function& function, const Cells& cells, float* mask) {
  const size_t stride = cells.panels() * panel, last = cells.code - 1;
  for (size_t key = 0; key < cells.code; ++key)
    for (size_t query = 0; query < cells.code; ++query) mask[key * stride + query] = 0;
  for (size_t node = 0; node < function.nodes; ++node) {
    const size_t cell = cells.first_node + node;
    mask[cell * stride] = mask[cell * stride + last] = 0;
    for (size_t t = size_t(function.spans[2 * node]); t < size_t(function.spans[2 * node + 1]); ++t)
      mask[cell * stride + t] = mask[t * stride + cell] = 0;
  }
  for (size_t edge = 0; edge < function.edge_count; ++edge) {
    const size_t node = cells.first_node + size_t(function.edges[2 * edge]);
    mask[(cells.first_node + size_t(function.edges[2 * edge + 1])) * stride + node] = 0;
  }
}

struct LayerScratch {
  float *keys, *values, *query, *scores, *context, *attended, *inner;
  const float* mask = nullptr;
  size_t mask_stride = 0;
  LayerScratch(const Network& net, size_t panels, Arena& arena)
      : keys(arena.take(panels * net.hidden * panel)),
        values(arena.take(panels * net.hidden * panel)),
        query(arena.take(net.hidden * panel)),
        scores(arena.take(key_block * panel)),
        context(arena.take(net.hidden * panel)),
        attended(arena.take(net.hidden * panel)),
        inner(arena.take(net.inner * panel)) {}
};

// scores (count, panel): row t, lane l += (q_l [+ k_t]) . E(first + l - begin - t), all divided by sqrt(D); `keys` are
// those of the panel that starts at `begin`
void add_relative(const Network& net, const Layer& layer, size_t first, size_t begin, size_t count, const float* query,
                  const float* keys, float* scores) {
  const bool with_keys = net.positions == Positions::relative_key_query;
  const size_t depth = net.head_size();
  const float scale = 1.0f / sqrtf(float(depth));
  for (size_t t = 0; t < count; ++t) {
    const float* key = keys + t / panel * net.hidden * panel + t % panel;
    const float* distance = layer.distance + (first + net.max_length - 1 - begin - t);
    Vec low = load(scores + t * panel), high = load(scores + t * panel + lanes);
    for (size_t d = 0; d < depth; ++d) {
      const float* e = distance + d * layer.distance_stride;
      const Vec k = broadcast(with_keys ? key[d * panel] * scale : 0.0f);
      low = low + (load(query + d * panel) + k) * load(e);
      high = high + (load(query + d * panel + lanes) + k) * load(e + lanes);
    }
    store(scores + t * panel, low);
    store(scores + t * panel + lanes, high);
  }
}

// The running softmax of one panel of queries: adds a block of scores (count, panel), which become e^(score - largest),
// and rescales what was summed so far.
struct Softmax {
  float largest[panel], sums[panel];

  void add(size_t count, size_t depth, float* scores, float* context) {
    for (size_t half = 0; half < panel; half += lanes) {
      const Vec before = load(largest + half);
      Vec top = before;
      for (size_t t = 0; t < count; ++t) top = larger(load(scores + t * panel + half), top);
      const Vec rescale = exp_not_positive(before - top);
      Vec sum = load(sums + half) * rescale;
      for (size_t t = 0; t < count; ++t) {
        const Vec power = exp_not_positive(load(scores + t * panel + half) - top);
        store(scores + t * panel + half, power);
        sum = sum + power;
      }
      for (size_t d = 0; d < depth; ++d) store(context + d * panel + half, load(context + d * panel + half) * rescale);
      store(largest + half, top);
      store(sums + half, sum);
    }
  }
};

// scores (count, panel) += the mask of the keys from `begin` on, for the queries from `first` on
void add_mask(size_t first, size_t begin, size_t count, const LayerScratch& s) {
  for (size_t t = 0; t < count; ++t) {
    const float* row = s.mask + (begin + t) * s.mask_stride + first;
    for (size_t l = 0; l < panel; ++l) s.scores[t * panel + l] += row[l];
  }
}

// context (D, panel) of one head, for the queries of one panel; the first `code` of the tokens have a distance
void attend_head(const Network& net, const Layer& layer, size_t head, size_t first, size_t code, size_t tokens,
                 const LayerScratch& s) {
  const size_t depth = net.head_size(), offset = head * depth * panel, stride = net.hidden * panel;
  float* context = s.context + offset;
  Softmax softmax;
  for (size_t l = 0; l < panel; ++l) softmax.largest[l] = lowest, softmax.sums[l] = 0;
  for (size_t k = 0; k < depth * panel; ++k) context[k] = 0;
  for (size_t begin = 0; begin < tokens; begin += key_block) {
    const size_t count = min_(key_block, tokens - begin);
    const float *keys = s.keys + begin / panel * stride + offset, *values = s.values + begin / panel * stride + offset;
    for (size_t t = 0; t < count; t += panel)
      multiply<true>(min_(panel, count - t), panel, depth, {keys + t / panel * stride, 1, panel}, s.query + offset,
                     panel, s.scores + t * panel, panel);
    if (layer.distance && first < code && begin < code)
      add_relative(net, layer, first, begin, min_(count, code - begin), s.query + offset, keys, s.scores);
    if (s.mask) add_mask(first, begin, count, s);
    softmax.add(count, depth, s.scores, context);
    for (size_t t = 0; t < count; t += panel)
      multiply<false>(depth, panel, min_(panel, count - t), {values + t / panel * stride, panel, 1},
                      s.scores + t * panel, panel, context, panel);
  }
  for (size_t l = 0; l < panel; ++l) softmax.sums[l] = 1.0f / softmax.sums[l];
  for (size_t d = 0; d < depth; ++d)
    for (size_t l = 0; l < panel; ++l) context[d * panel + l] *= softmax.sums[l];
}

void full_layer(const Network& net, const Layer& layer, const Cells& cells, float* x, const LayerScratch& s) {
  const size_t tokens = cells.count, hidden = net.hidden, stride = hidden * panel;
  const float scale = 1.0f / sqrtf(float(net.head_size()));
  for (size_t t = 0, at = 0; t < tokens; t += panel, at += stride) {
    linear_panel(layer.key, hidden, hidden, x + at, s.keys + at);
    linear_panel(layer.value, hidden, hidden, x + at, s.values + at);
  }
  for (size_t t = 0; t < tokens; t += panel, x += stride) {
    linear_panel(layer.query, hidden, hidden, x, s.query);
    for (size_t k = 0; k < stride; ++k) s.query[k] *= scale;
    for (size_t head = 0; head < net.heads; ++head) attend_head(net, layer, head, t, cells.code, tokens, s);
    linear_panel(layer.output, hidden, hidden, s.context, s.attended);
    add_norm_panel(layer.attention_norm, hidden, x, s.attended);
    linear_panel(layer.intermediate, net.inner, hidden, s.attended, s.inner);
    activate(net.activation, net.inner * panel, s.inner);
    linear_panel(layer.output_dense, hidden, net.inner, s.inner, x);
    add_norm_panel(layer.norm, hidden, s.attended, x);
  }
}

}  // namespace
}  // namespace codewren
