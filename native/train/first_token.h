// The training of a one-layer student's embeddings and first-token attention, a function at a time.
//
// A function's rows stay in the cache between gathering, LayerNorm, dropout and attention, and the backward pass makes
// them again from the tables: nothing of the size of all tokens is ever written to memory but the softmax weights.
//
// No standard library containers here, as in kernel/network.h. Letters: T tokens, H hidden, A heads; rows in scratch
// memory are padded(H) apart, rows of Python's arrays H.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace codewren::train {

// What all functions of a batch share. A draw below the limit drops a number; the scale makes up for it.
struct Encoder {
  size_t hidden, heads, position_rows;  // one row: the same for every token
  const float *word, *position, *gain, *shift;
  uint32_t hidden_limit, weight_limit;
  float hidden_scale, weight_scale, score_scale;

  size_t row_of(size_t token) const { return position_rows == 1 ? 0 : token; }
};

struct Function {
  const int64_t* ids;
  size_t tokens;
  uint64_t seed;  // of its dropout
};

// What its attention reads and leaves: query_key (A, H), extra scores (A, extra_stride) or null, softmax weights
// before dropout (T, A), their sums after it (A) and the rows' weighted sums (A, H).
struct Attention {
  const float *query_key, *extra;
  size_t extra_stride;
  float *weights, *sums, *mix;
};

// The gradients of the last two, and where those of the first two go (the latter null where there is none).
struct AttentionGradients {
  const float *sums, *mix;
  float *query_key, *extra;
};

// Where the gradients of the tables are added up.
struct TableGradients {
  float *word, *position, *gain, *shift;
};

struct TrainingKernels {
  const char* name;
  size_t (*scratch)(size_t hidden, size_t heads, size_t tokens);  // floats, 64-byte aligned
  void (*first_row)(const Encoder&, const Function&, float* scratch, float* row);
  void (*attend)(const Encoder&, const Function&, const Attention&, float* scratch);
  void (*attend_backward)(const Encoder&, const Function&, const Attention&, const AttentionGradients&,
                          const TableGradients&, float* scratch);
  void (*first_row_backward)(const Encoder&, const Function&, const float* gradient, const TableGradients&,
                             float* scratch);
};

const TrainingKernels& training_kernels_generic();
#ifdef CODEWREN_X86_TARGETS
const TrainingKernels& training_kernels_avx2();
const TrainingKernels& training_kernels_avx512();
#endif

}  // namespace codewren::train
