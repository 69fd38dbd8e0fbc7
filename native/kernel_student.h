// A loaded student: checked, its small matrices turned into floats, its embeddings left where the file is mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_network.h"
#include "tokenizer.h"

namespace codewren {

// The file, or the numbers in it, are not what a student needs.
struct DamagedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Zeroed floats on a 64-byte boundary.
class Floats {
 public:
  explicit Floats(std::size_t size = 0);
  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> memory_;
  std::size_t size_;
};

// One row of the tensor table; a vector has one row.
struct TensorPlace {
  std::string dtype;
  std::size_t rows, columns, offset, scale_offset;
};

using TensorTable = std::map<std::string, TensorPlace>;

struct Settings {
  std::size_t vocab_size, hidden_size, intermediate_size, num_attention_heads, num_hidden_layers, max_sequence_length;
  std::string hidden_act, position_embedding_type;
  std::size_t labels;
  bool pair, symmetric;
  std::size_t embedding_size;  // columns of the word table where it is factorised, else 0
  std::size_t max_data_flow;   // nodes of a function at most, 0 where only code is read
};

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

  // Logits, one row of `labels` floats an item; items are one or two indices into `vectors` each.
  std::vector<float> logits(std::span<const float> vectors, std::span<const std::int64_t> items);

  // All pairs i < j whose probability of `positive` exceeds `threshold`; more than `limit` is an error.
  std::vector<PairScore> pairs_above(std::span<const float> vectors, float threshold, float temperature,
                                     std::size_t positive, std::size_t limit, std::size_t threads);

 private:
  struct Scratch {
    Floats floats;
    std::string text;
    std::vector<std::int32_t> ids;
  };

  // A scratch of the pool for the time of one call; kept, because asking the system for fresh pages costs more than
  // a small student's arithmetic.
  class Borrowed {
   public:
    explicit Borrowed(Student& student);
    ~Borrowed();
    Scratch& operator*() { return *scratch_; }

   private:
    Student& student_;
    std::unique_ptr<Scratch> scratch_;
  };

  void check(const Function& function) const;
  void encode_one(const Function& function, Floats& floats, float* out) const;
  Floats padded_rows(std::span<const float> vectors) const;
  void run(std::size_t count, std::size_t threads, const std::function<void(Scratch&, std::size_t)>& work);

  std::vector<Floats> floats_;
  std::vector<Layer> layers_;
  Network network_{};
  const Kernels* kernels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
};

// Instruction sets this machine can run, best first.
std::vector<const Kernels*> available_kernels();

}  // namespace codewren
