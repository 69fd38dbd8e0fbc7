// The student's forward pass, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_LANES (floats in a register), CODEWREN_ROWS (rows of a block of accumulators
// that fit in the registers), CODEWREN_TARGET (the function that hands the kernels out) and CODEWREN_NAME. Everything
// else has internal linkage.
#include "kernel/embeddings.h"
#include "kernel/head.h"
#include "kernel/last_layer.h"
#include "kernel/layer.h"
#include "kernel/math.h"
#include "kernel/network.h"
#include "kernel/without_lines.h"

namespace codewren {
namespace {

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

constexpr Kernels kernels = {CODEWREN_NAME, panel,         encode_scratch, encode,         without_lines_scratch,
                             without_lines, begin_query,   project,        logits_scratch, logits,
                             pairs_scratch, prepare_pairs, score_pairs};

}  // namespace

const Kernels& CODEWREN_TARGET() { return kernels; }

}  // namespace codewren
