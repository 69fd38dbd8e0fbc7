// The student's forward pass, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_LANES (floats in a register), CODEWREN_ROWS (rows of a block of accumulators
// that fit in the registers), CODEWREN_TARGET (the function that hands the kernels out) and CODEWREN_NAME. Everything
// else has internal linkage.
#include "kernel/head.h"
#include "kernel/last_layer.h"
#include "kernel/layer.h"
#include "kernel/math.h"
#include "kernel/network.h"

namespace codewren {
namespace {

// row = stored row `id` + addend
void add_stored_row(const StoredRows& table, size_t size, size_t id, const float* addend, float* __restrict row) {
  switch (table.dtype) {
    case Dtype::int8: {
      const int8_t* numbers = static_cast<const int8_t*>(table.numbers) + id * table.stride;
      const float scale = half_to_float(table.scales[id]);
      for (size_t k = 0; k < size; ++k) row[k] = float(numbers[k]) * scale + addend[k];
      break;
    }
    case Dtype::fp16: {
      const uint16_t* numbers = static_cast<const uint16_t*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = half_to_float(numbers[k]) + addend[k];
      break;
    }
    case Dtype::fp32: {
      const float* numbers = static_cast<const float*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = numbers[k] + addend[k];
      break;
    }
  }
}

// Normalised embeddings of tokens [begin, begin + count) as rows of padded(H).
void embed(const Network& net, const int32_t* ids, size_t begin, size_t count, float* rows) {
  const size_t stride = padded(net.hidden);
  for (size_t t = 0; t < count; ++t) {
    float* row = rows + t * stride;
    for (size_t k = net.hidden; k < stride; ++k) row[k] = 0;
    add_stored_row(net.word, net.hidden, size_t(ids[begin + t]), net.position + (begin + t) * net.position_stride, row);
    norm_vector(net.embedding_norm, net.hidden, row);
  }
}

// The same of nodes [begin, begin + count): each the mean of the words it stands for. `spare` is padded(H) floats.
void embed_nodes(const Network& net, const Function& function, size_t begin, size_t count, float* rows, float* spare) {
  const size_t stride = padded(net.hidden);
  for (size_t n = 0; n < count; ++n) {
    float* row = rows + n * stride;
    const int32_t* span = function.spans + 2 * (begin + n);
    for (size_t k = 0; k < stride; ++k) row[k] = 0;
    for (int32_t t = span[0]; t < span[1]; ++t) {
      memcpy(spare, row, stride * sizeof(float));
      add_stored_row(net.word, net.hidden, size_t(function.ids[t]), spare, row);
    }
    const float share = 1.0f / float(span[1] - span[0]);
    for (size_t k = 0; k < net.hidden; ++k) row[k] = row[k] * share + net.node_position[k];
    norm_vector(net.embedding_norm, net.hidden, row);
  }
}

size_t encode_scratch(const Network& net, size_t tokens, size_t nodes) {
  Arena arena{nullptr};
  LastScratch last(net, arena);
  if (net.layers > 1) {
    const Cells cells(tokens, nodes);
    arena.take(cells.panels() * net.hidden * panel);
    LayerScratch layer(net, cells.panels(), arena);
    if (nodes) arena.take(cells.panels() * panel * cells.panels() * panel);
  }
  return arena.used;
}

void encode_one_layer(const Network& net, const Function& function, LastScratch& last) {
  const size_t tokens = function.tokens;
  const bool same_query = net.begin_query && function.ids[0] == 0;
  for (size_t t = 0; t < tokens; t += panel) {
    const size_t count = min_(panel, tokens - t);
    embed(net, function.ids, t, count, last.rows);
    attend_block(net, t, count, same_query, last);
  }
  for (size_t n = 0; n < function.nodes; n += panel) {
    const size_t count = min_(panel, function.nodes - n);
    embed_nodes(net, function, n, count, last.rows, last.context);
    attend_block(net, net.max_length, count, same_query, last);  // where every distance is zero
  }
}

void encode_layers(const Network& net, const Function& function, Arena& arena, LastScratch& last) {
  const size_t tokens = function.tokens, nodes = function.nodes, stride = net.hidden * panel;
  const Cells cells(tokens, nodes);
  float* x = arena.take(cells.panels() * stride);
  LayerScratch layer(net, cells.panels(), arena);
  if (nodes) {
    layer.mask_stride = cells.panels() * panel;
    float* mask = arena.take(layer.mask_stride * layer.mask_stride);
    for (size_t k = 0; k < layer.mask_stride * layer.mask_stride; ++k) mask[k] = masked;
    draw_mask(function, cells, mask);
    layer.mask = mask;
  }
  float* node_x = x + cells.first_node / panel * stride;
  for (size_t t = 0; t < tokens; t += panel) {
    embed(net, function.ids, t, min_(panel, tokens - t), last.rows);
    rows_to_panel(net.hidden, min_(panel, tokens - t), last.rows, x + t / panel * stride);
  }
  for (size_t n = 0; n < nodes; n += panel) {
    embed_nodes(net, function, n, min_(panel, nodes - n), last.rows, last.context);
    rows_to_panel(net.hidden, min_(panel, nodes - n), last.rows, node_x + n / panel * stride);
  }
  for (size_t index = 0; index + 1 < net.layers; ++index) full_layer(net, net.layer[index], cells, x, layer);
  for (size_t t = 0; t < tokens; t += panel) {
    panel_to_rows(net.hidden, min_(panel, tokens - t), x + t / panel * stride, last.rows);
    attend_block(net, t, min_(panel, tokens - t), false, last);
  }
  for (size_t n = 0; n < nodes; n += panel) {
    panel_to_rows(net.hidden, min_(panel, nodes - n), node_x + n / panel * stride, last.rows);
    attend_block(net, net.max_length, min_(panel, nodes - n), false, last);
  }
}

void encode(const Network& net, const Function& function, float* scratch, float* out) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  if (net.layers == 1)
    encode_one_layer(net, function, last);
  else
    encode_layers(net, function, arena, last);
  finish_last_layer(net, last, out);
}

void begin_query(const Network& net, int32_t id, float* scratch, float* query, float* query_key) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  embed(net, &id, 0, 1, last.rows);
  query_of_first(net, last.rows, query, query_key);
}

void project(size_t rows, size_t in, size_t out, const float* narrow, const float* projection, float* wide) {
  multiply<true>(rows, padded(out), in, {narrow, padded(in), 1}, projection, padded(out), wide, padded(out));
}

constexpr Kernels kernels = {CODEWREN_NAME,  panel,  encode_scratch, encode,        begin_query, project,
                             logits_scratch, logits, pairs_scratch,  prepare_pairs, score_pairs};

}  // namespace

const Kernels& CODEWREN_TARGET() { return kernels; }

}  // namespace codewren
