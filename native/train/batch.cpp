#include "train/batch.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <stdexcept>
#include <thread>

namespace codewren::train {
namespace {

const TrainingKernels& kernels_named(const std::string& name) {
  std::vector<const TrainingKernels*> runnable;
#ifdef CODEWREN_X86_TARGETS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    runnable.push_back(&training_kernels_avx512());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) runnable.push_back(&training_kernels_avx2());
#endif
  runnable.push_back(&training_kernels_generic());
  for (const TrainingKernels* kernels : runnable)
    if (name.empty() || name == kernels->name) return *kernels;
  throw std::invalid_argument("this machine cannot run the instruction set " + name);
}

void wanted(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(std::string("training batch: ") + what);
}

constexpr double steps = 65536;  // of a draw of 16 bits

std::uint32_t limit_of(double chance) { return static_cast<std::uint32_t>(std::lround(chance * steps)); }

float scale_of(double chance) { return static_cast<float>(steps / (steps - limit_of(chance))); }

// Cache lines of scratch memory.
class Scratch {
 public:
  explicit Scratch(std::size_t floats)
      : memory_(static_cast<float*>(::operator new(floats * sizeof(float), std::align_val_t(64)))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::operator delete(memory_, std::align_val_t(64)); }
  float* get() { return memory_; }

 private:
  float* memory_;
};

// Calls work(part, begin, end) for as many parts of [0, count) as there are threads, at once.
template <typename Work>
void for_each_part(std::size_t count, std::size_t threads, const Work& work) {
  const std::size_t parts = std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(count, 1));
  std::vector<std::thread> helpers;
  for (std::size_t part = 1; part < parts; ++part)
    helpers.emplace_back(work, part, count * part / parts, count * (part + 1) / parts);
  work(0, std::size_t{0}, count / parts);
  for (std::thread& helper : helpers) helper.join();
}

std::uint64_t seed_of(std::uint64_t seed, std::size_t function) {
  std::uint64_t word = seed + 0x9E3779B97F4A7C15u * (function + 1);
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
  return word ^ (word >> 31);
}

}  // namespace

Batch::Batch(const BatchSettings& settings, const std::string& target)
    : settings_(settings), kernels_(&kernels_named(target)) {
  const std::size_t hidden = settings.gain.size();
  wanted(hidden && settings.shift.size() == hidden && settings.word.size() % hidden == 0 &&
             settings.position.size() % hidden == 0 && !settings.position.empty(),
         "tables are not as wide as the gain");
  wanted(settings.heads && hidden % settings.heads == 0, "the width is no multiple of the heads");
  for (const double chance : {settings.hidden_dropout, settings.weight_dropout})
    wanted(chance >= 0 && chance < 1, "a chance of dropout lies outside [0, 1)");
  const std::size_t rows = settings.position.size() / hidden, vocab = settings.word.size() / hidden;
  for (const std::int64_t id : settings.ids) wanted(id >= 0 && std::size_t(id) < vocab, "an id is out of range");
  std::size_t start = 0;
  for (const std::int64_t length : settings.lengths) {
    wanted(length > 0 && std::size_t(length) <= settings.ids.size() - start, "lengths do not add up to the ids");
    wanted(rows == 1 || std::size_t(length) <= rows, "a function is longer than there are positions");
    const std::uint64_t seed = seed_of(settings.seed, functions_.size());
    functions_.push_back({settings.ids.data() + start, std::size_t(length), seed});
    starts_.push_back(start);
    start += std::size_t(length);
    longest_ = std::max(longest_, std::size_t(length));
  }
  wanted(start == settings.ids.size(), "lengths do not add up to the ids");
  encoder_ = {hidden,
              settings.heads,
              rows,
              settings.word.data(),
              settings.position.data(),
              settings.gain.data(),
              settings.shift.data(),
              limit_of(settings.hidden_dropout),
              limit_of(settings.weight_dropout),
              scale_of(settings.hidden_dropout),
              scale_of(settings.weight_dropout),
              1.0f / std::sqrt(static_cast<float>(hidden / settings.heads))};
}

void Batch::first_rows(std::span<float> rows, std::size_t threads) const {
  wanted(rows.size() == functions_.size() * encoder_.hidden, "rows are not (functions, width)");
  for_each_part(functions_.size(), threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    Scratch scratch(kernels_->scratch(encoder_.hidden, encoder_.heads, 1));
    for (std::size_t b = begin; b < end; ++b)
      kernels_->first_row(encoder_, functions_[b], scratch.get(), rows.data() + b * encoder_.hidden);
  });
}

void Batch::attend(const BatchAttention& attention, std::size_t threads) const {
  check(attention);
  for_each_part(functions_.size(), threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    Scratch scratch(kernels_->scratch(encoder_.hidden, encoder_.heads, longest_));
    for (std::size_t b = begin; b < end; ++b)
      kernels_->attend(encoder_, functions_[b], attention_of(attention, b), scratch.get());
  });
}

void Batch::attend_backward(const BatchAttention& attention, const BatchGradients& gradients, const BatchTables& out,
                            std::size_t threads) const {
  check(attention);
  check(out);
  wanted(gradients.sums.size() == attention.sums.size() && gradients.mix.size() == attention.mix.size() &&
             gradients.query_key.size() == attention.query_key.size() &&
             gradients.extra.size() == attention.extra.size(),
         "gradients are not as large as what they are of");
  const std::size_t heads = encoder_.heads, hidden = encoder_.hidden, rows = heads * hidden;
  const std::size_t sizes[] = {out.word.size(), out.position.size(), hidden, hidden};
  std::vector<std::vector<float>> others(std::min(threads, functions_.size()));  // of all threads but the first
  for_each_part(functions_.size(), threads, [&](std::size_t part, std::size_t begin, std::size_t end) {
    Scratch scratch(kernels_->scratch(hidden, heads, longest_));
    TableGradients tables = {out.word.data(), out.position.data(), out.gain.data(), out.shift.data()};
    if (part) {
      others[part].resize(sizes[0] + sizes[1] + 2 * hidden);
      float* start = others[part].data();
      tables = {start, start + sizes[0], start + sizes[0] + sizes[1], start + sizes[0] + sizes[1] + hidden};
    }
    for (std::size_t b = begin; b < end; ++b) {
      float* extra = gradients.extra.empty() ? nullptr : gradients.extra.data() + b * heads * longest_;
      kernels_->attend_backward(encoder_, functions_[b], attention_of(attention, b),
                                {gradients.sums.data() + b * heads, gradients.mix.data() + b * rows,
                                 gradients.query_key.data() + b * rows, extra},
                                tables, scratch.get());
    }
  });
  for (const std::vector<float>& other : others) {
    const float* number = other.data();
    if (other.empty()) continue;
    for (const std::span<float>& table : {out.word, out.position, out.gain, out.shift})
      for (float& total : table) total += *number++;
  }
}

void Batch::first_rows_backward(std::span<const float> rows, const BatchTables& out) const {
  check(out);
  wanted(rows.size() == functions_.size() * encoder_.hidden, "rows are not (functions, width)");
  const TableGradients tables = {out.word.data(), out.position.data(), out.gain.data(), out.shift.data()};
  Scratch scratch(kernels_->scratch(encoder_.hidden, encoder_.heads, 1));
  for (std::size_t b = 0; b < functions_.size(); ++b)
    kernels_->first_row_backward(encoder_, functions_[b], rows.data() + b * encoder_.hidden, tables, scratch.get());
}

Attention Batch::attention_of(const BatchAttention& attention, std::size_t function) const {
  const std::size_t rows = function * encoder_.heads;
  const float* extra = attention.extra.empty() ? nullptr : attention.extra.data() + rows * longest_;
  return {attention.query_key.data() + rows * encoder_.hidden,
          extra,
          longest_,
          attention.weights.data() + starts_[function] * encoder_.heads,
          attention.sums.data() + rows,
          attention.mix.data() + rows * encoder_.hidden};
}

void Batch::check(const BatchAttention& attention) const {
  const std::size_t rows = functions_.size() * encoder_.heads;
  wanted(attention.query_key.size() == rows * encoder_.hidden && attention.mix.size() == rows * encoder_.hidden &&
             attention.sums.size() == rows && attention.weights.size() == settings_.ids.size() * encoder_.heads &&
             (attention.extra.empty() || attention.extra.size() == rows * longest_),
         "the arrays of the attention have other sizes");
}

void Batch::check(const BatchTables& out) const {
  wanted(out.word.size() == settings_.word.size() && out.position.size() == settings_.position.size() &&
             out.gain.size() == encoder_.hidden && out.shift.size() == encoder_.hidden,
         "gradients are not as large as the tables");
}

}  // namespace codewren::train
