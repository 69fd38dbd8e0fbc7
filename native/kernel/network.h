// A student as plain pointers, and the functions each instruction set supplies to run it.
//
// No standard library containers here: this header is compiled once per instruction set, and an inline function of
// the standard library compiled for AVX-512 could be the copy that the linker keeps for every machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace codewren {

enum class Activation : int { gelu, relu, silu, gelu_new };
enum class Positions : int { absolute, relative_key, relative_key_query };
enum class Dtype : int { int8, fp16, fp32 };

// Every float row in memory is padded with zeros to a multiple of this many numbers, whatever the instruction set.
constexpr size_t row_multiple = 16;
constexpr size_t padded(size_t size) { return (size + row_multiple - 1) / row_multiple * row_multiple; }

// Transposed distance rows carry this many zeros at the end, so that a whole block of queries can be read.
constexpr size_t distance_padding = 64;

// Rows as they lie in the file, or in memory, `stride` numbers apart: value = number * scale[row], the scale being 1
// but for int8.
struct StoredRows {
  const void* numbers;
  const uint16_t* scales;
  size_t stride;
  Dtype dtype;
};

// weight is (out, padded(in)), row major; bias is (padded(out)), or null where it is zero.
struct Linear {
  const float* weight;
  const float* bias;
};

struct Norm {
  const float* gain;
  const float* bias;
};

struct Layer {
  Linear query, key, value, output;
  const float* distance;  // transposed: (head size, distance_stride), null for absolute positions
  size_t distance_stride;
  Norm attention_norm;
  Linear intermediate, output_dense;
  Norm norm;
};

// One function: ids of its code, and the nodes of its data flow, if any. Node n stands for ids [spans[2n], spans[2n +
// 1]), never empty; an edge is (node, node it gets its value from).
struct Function {
  const int32_t* ids;
  size_t tokens;
  const int32_t* spans;
  size_t nodes;
  const int32_t* edges;
  size_t edge_count;
};

struct Network {
  size_t vocab, hidden, inner, heads, layers, max_length, labels;
  size_t max_nodes;  // of a function's data flow, 0 where only code is read
  size_t functions;  // in an item: 1, or 2 in a pair
  bool symmetric;
  Activation activation;
  Positions positions;
  StoredRows word;
  const float* position;  // position + token type; one row for every token, or the same row for all
  size_t position_stride;
  const float* node_position;  // the row of every node
  Norm embedding_norm;
  const Layer* layer;
  Linear dense[2];  // the columns for the first and the second half of the pooled vector; bias in the first
  Linear out;
  // A one-layer student has the same query for every function that starts with `<s>`: computed at load, or null.
  const float* begin_query;
  const float* begin_query_key;

  size_t head_size() const { return hidden / heads; }
};

// What all pairs of many functions are scored from; filled by `prepare_pairs`.
struct PairTable {
  float *left, *right;         // functions as (panels, hidden, lanes of a panel); right for the concat head only
  bool exponentials;           // the panels hold e^2x of the halves of the head's dense layer, not x
  const float* margin_weight;  // (labels - 1, padded hidden): output row minus the positive label's row
  const float* margin_bias;    // (labels - 1)
  float inverse_temperature;
};

struct Kernels {
  const char* name;
  size_t panel;  // tokens or functions in a panel
  // The first-token vector of one function into out (padded hidden); scratch is `encode_scratch` floats, 64-byte
  // aligned. Every id lies in the vocabulary, tokens in [1, max_length], spans in the ids and edges in the nodes.
  size_t (*encode_scratch)(const Network&, size_t tokens, size_t nodes);
  void (*encode)(const Network&, const Function&, float* scratch, float* out);
  // Of a one-layer student that reads no data flow, vectors of the function and of it without each of its lines: see
  // without_lines.h.
  size_t (*without_lines_scratch)(const Network&, size_t lines);
  void (*without_lines)(const Network&, const Function&, const size_t* bounds, size_t lines, float* scratch,
                        float* out);
  // Of a one-layer student, the query for a function that begins with `id`: query (padded hidden), and query times key
  // matrix, query_key (padded hidden, padded heads).
  void (*begin_query)(const Network&, int32_t id, float* scratch, float* query, float* query_key);
  // wide (rows, padded out) = narrow (rows, padded in) times projection (in, padded out).
  void (*project)(size_t rows, size_t in, size_t out, const float* narrow, const float* projection, float* wide);
  // Logits of one item from its one or two first-token vectors (padded hidden).
  size_t (*logits_scratch)(const Network&);
  void (*logits)(const Network&, const float* first, const float* second, float* scratch, float* out);
  size_t (*pairs_scratch)(const Network&);
  void (*prepare_pairs)(const Network&, const float* vectors, size_t functions, float* scratch, PairTable&);
  void (*score_pairs)(const Network&, const PairTable&, size_t i, size_t panel, float* scratch, float* out);
};

const Kernels& kernels_generic();
#ifdef CODEWREN_X86_TARGETS
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();
#endif

}  // namespace codewren
