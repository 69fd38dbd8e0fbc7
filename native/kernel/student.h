// A loaded student: checked, its small matrices turned into floats, its embeddings left where the file is mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/network.h"
#include "kernel/settings.h"
#include "kernel/tensors.h"
#include "pool.h"
#include "tokenizer/tokenizer.h"

namespace codewren {

// A function with its data flow: see `Function`.
struct Graph {
  std::vector<std::int32_t> ids, spans, edges;
};

struct PairScore {
  std::int32_t first, second;
  float probability;
};

class Student {
 public:
  // `weights` must outlive the model. `target` names an instruction set, or is empty for the best one here.
  Student(std::span<const std::uint8_t> weights, const TensorTable& table, const Settings& settings,
          const std::string& target);

  const char* target() const { return kernels_->name; }
  std::size_t hidden_size() const { return network_.hidden; }
  std::size_t max_length() const { return network_.max_length; }

  // First-token vectors, one row of hidden_size floats a function.
  std::vector<float> encode(std::span<const std::string_view> texts, const Tokenizer& tokenizer, std::size_t threads);
  std::vector<float> encode_ids(std::span<const std::vector<std::int32_t>> functions, std::size_t threads);
  std::vector<float> encode_graphs(std::span<const Graph> functions, std::size_t threads);

  // What a function's logits are, and what they would be without each line; see `Tokenizer::encode_lines`.
  struct LineLogits {
    std::size_t read, total;         // tokens of the text
    std::vector<std::size_t> lines;  // those with tokens that are read, counted from 1
    std::vector<float> logits;       // (1 + lines, labels), the whole function first
  };
  std::vector<LineLogits> without_lines(std::span<const std::string_view> texts, const Tokenizer& tokenizer,
                                        std::size_t threads);

  // Logits, one row of `labels` floats an item; items are one or two indices into `vectors` each.
  std::vector<float> logits(std::span<const float> vectors, std::span<const std::int64_t> items);

  // All pairs i < j whose probability of `positive` exceeds `threshold`; more than `limit` is an error.
  std::vector<PairScore> pairs_above(std::span<const float> vectors, float threshold, float temperature,
                                     std::size_t positive, std::size_t limit, std::size_t threads);

 private:
  // Borrowed from a pool, because asking the system for fresh pages costs more than a small student's arithmetic.
  struct Scratch {
    Floats floats;
    std::string text;
    std::vector<std::int32_t> ids;
    Lines lines;
  };

  void check(const Function& function) const;
  void without_lines(const Lines& lines, Floats& floats, LineLogits& out) const;
  void encode_function(const Function& function, Floats& floats, float* out) const;
  Floats padded_rows(std::span<const float> vectors) const;

  std::vector<Floats> floats_;
  std::vector<Layer> layers_;
  Network network_{};
  const Kernels* kernels_;
  Pool<Scratch> scratches_;
};

}  // namespace codewren
