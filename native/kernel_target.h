// The student's forward pass, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_LANES (floats in a register), CODEWREN_ROWS (rows of a block of accumulators
// that fit in the registers), CODEWREN_TARGET (the function that hands the kernels out) and CODEWREN_NAME. Everything
// else has internal linkage.
#include "kernel_head.h"
#include "kernel_last_layer.h"
#include "kernel_layer.h"
#include "kernel_math.h"
#include "kernel_network.h"

namespace codewren {
namespace {

// row = stored row `id` + other
void add_stored_row(const StoredRows& table, size_t size, size_t id, const float* other, float* __restrict row) {
  switch (table.dtype) {
    case Dtype::int8: {
      const int8_t* numbers = static_cast<const int8_t*>(table.numbers) + id * table.stride;
      const float scale = half_to_float(table.scales[id]);
      for (size_t k = 0; k < size; ++k) row[k] = float(numbers[k]) * scale + other[k];
      break;
    }
    case Dtype::fp16: {
      const uint16_t* numbers = static_cast<const uint16_t*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = half_to_float(numbers[k]) + other[k];
      break;
    }
    case Dtype::fp32: {
      const float* numbers = static_cast<const float*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = numbers[k] + other[k];
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

size_t encode_scratch(const Network& net, size_t tokens) {
  Arena arena{nullptr};
  LastScratch last(net, arena);
  if (net.layers > 1) {
    arena.take(count_panels(tokens) * net.hidden * panel);
    LayerScratch layer(net, count_panels(tokens), arena);
  }
  return arena.used;
}

void encode(const Network& net, const int32_t* ids, size_t tokens, float* scratch, float* out) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  if (net.layers == 1) {
    const bool known_question = net.first_query && ids[0] == 0;
    for (size_t t = 0; t < tokens; t += panel) {
      const size_t count = min_(panel, tokens - t);
      embed(net, ids, t, count, last.rows);
      take_block(net, t, count, known_question, last);
    }
    return finish(net, last, out);
  }
  const size_t stride = net.hidden * panel;
  float* x = arena.take(count_panels(tokens) * stride);
  const LayerScratch layer(net, count_panels(tokens), arena);
  for (size_t t = 0; t < tokens; t += panel) {
    embed(net, ids, t, min_(panel, tokens - t), last.rows);
    rows_to_panel(net.hidden, min_(panel, tokens - t), last.rows, x + t / panel * stride);
  }
  for (size_t index = 0; index + 1 < net.layers; ++index) full_layer(net, net.layer[index], tokens, x, layer);
  for (size_t t = 0; t < tokens; t += panel) {
    panel_to_rows(net.hidden, min_(panel, tokens - t), x + t / panel * stride, last.rows);
    take_block(net, t, min_(panel, tokens - t), false, last);
  }
  finish(net, last, out);
}

void first_question(const Network& net, int32_t id, float* scratch, float* query, float* attention) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  embed(net, &id, 0, 1, last.rows);
  ask(net, last.rows, query, attention);
}

void project(size_t rows, size_t in, size_t out, const float* narrow, const float* projection, float* wide) {
  multiply<true>(rows, padded(out), in, {narrow, padded(in), 1}, projection, padded(out), wide, padded(out));
}

constexpr Kernels table = {CODEWREN_NAME,  panel,  encode_scratch, encode,        first_question, project,
                           logits_scratch, logits, pairs_scratch,  prepare_pairs, score_pairs};

}  // namespace

const Kernels& CODEWREN_TARGET() { return table; }

}  // namespace codewren
