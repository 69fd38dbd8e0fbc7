// A batch of functions on its way through the embeddings and the first-token attention of a one-layer student.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/first_token.h"

namespace codewren::train {

// Tables and functions of a batch; they must outlive it.
struct BatchSettings {
  std::span<const float> word, position, gain, shift;  // (V, H), (rows, H), (H), (H)
  std::span<const std::int64_t> ids, lengths;          // of all functions back to back; of each
  std::size_t heads = 1;
  double hidden_dropout = 0, weight_dropout = 0;
  std::uint64_t seed = 0;
};

// Arrays (B, A, H), (B, A, longest) or empty, (N, A), (B, A), (B, A, H).
struct BatchAttention {
  std::span<const float> query_key, extra;
  std::span<float> weights, sums, mix;
};

// As `AttentionGradients`, of all functions.
struct BatchGradients {
  std::span<const float> sums, mix;
  std::span<float> query_key, extra;
};

struct BatchTables {
  std::span<float> word, position, gain, shift;  // as BatchSettings has them
};

class Batch {
 public:
  // Throws std::invalid_argument where sizes do not fit, or an id or a length is out of range.
  Batch(const BatchSettings& settings, const std::string& target);

  void first_rows(std::span<float> rows, std::size_t threads) const;
  void attend(const BatchAttention& attention, std::size_t threads) const;
  // Both add to the tables. Each thread takes the same functions every time: equal threads give equal sums.
  void attend_backward(const BatchAttention& attention, const BatchGradients& gradients, const BatchTables& out,
                       std::size_t threads) const;
  void first_rows_backward(std::span<const float> rows, const BatchTables& out) const;

 private:
  Attention attention_of(const BatchAttention& attention, std::size_t function) const;
  void check(const BatchAttention& attention) const;
  void check(const BatchTables& out) const;

  BatchSettings settings_;
  Encoder encoder_;
  std::vector<Function> functions_;
  std::vector<std::size_t> starts_;
  std::size_t longest_ = 0;
  const TrainingKernels* kernels_;
};

}  // namespace codewren::train
