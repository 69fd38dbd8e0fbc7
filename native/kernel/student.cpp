#include "kernel/student.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernel/byte_order.h"
#include "kernel/instruction_sets.h"
#include "kernel/loader.h"
#include "parallel.h"

namespace codewren {

Student::Student(std::span<const std::uint8_t> weights, const TensorTable& table, const Settings& settings,
                 const std::string& target)
    : network_(sized_network(settings)), kernels_(kernels_named(target)) {
  const TensorReader reader(native_weights(weights, table, floats_), table);
  NetworkLoader loader(reader, network_, floats_);
  loader.embeddings(*kernels_, settings.embedding_size);
  for (std::size_t index = 0; index < network_.layers; ++index) layers_.push_back(loader.layer(index));
  network_.layer = layers_.data();
  loader.head();
  if (network_.layers == 1) loader.begin_query(*kernels_);
}

void Student::check(const Function& function) const {
  if (function.tokens > network_.max_length) throw std::invalid_argument("more tokens than max_sequence_length");
  if (function.nodes > network_.max_nodes) throw std::invalid_argument("more nodes than max_data_flow");
  for (std::size_t t = 0; t < function.tokens; ++t)
    if (function.ids[t] < 0 || std::size_t(function.ids[t]) >= network_.vocab)
      throw std::invalid_argument("a token id is outside the vocabulary");
  for (std::size_t n = 0; n < function.nodes; ++n) {
    const std::int32_t start = function.spans[2 * n], end = function.spans[2 * n + 1];
    if (start < 0 || start >= end || std::size_t(end) > function.tokens)
      throw std::invalid_argument("a node stands for no tokens");
  }
  for (std::size_t e = 0; e < 2 * function.edge_count; ++e)
    if (function.edges[e] < 0 || std::size_t(function.edges[e]) >= function.nodes)
      throw std::invalid_argument("an edge leads to no node");
}

void Student::encode_function(const Function& code, Floats& floats, float* out) const {
  static constexpr std::int32_t alone[] = {0};
  Function function = code;
  if (!function.tokens) function = {alone, 1, nullptr, 0, nullptr, 0};  // a text without tokens is `<s>` alone
  check(function);
  const std::size_t stride = padded(network_.hidden);
  const std::size_t needed = kernels_->encode_scratch(network_, function.tokens, function.nodes) + stride;
  if (floats.size() < needed) floats = Floats(needed);
  float* row = floats.data();
  kernels_->encode(network_, function, row + stride, row);
  for (std::size_t k = 0; k < network_.hidden; ++k)
    if (!std::isfinite(row[k])) throw DamagedError("the weights give a vector that is not finite");
  std::copy_n(row, network_.hidden, out);
}

std::vector<float> Student::encode(std::span<const std::string_view> texts, const Tokenizer& tokenizer,
                                   std::size_t threads) {
  std::vector<float> vectors(texts.size() * network_.hidden);
  for_each_item(scratches_, texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    tokenizer.normalize(texts[i], scratch.text);
    tokenizer.encode(scratch.text, network_.max_length, scratch.ids);
    encode_function({scratch.ids.data(), scratch.ids.size(), nullptr, 0, nullptr, 0}, scratch.floats,
                    vectors.data() + i * network_.hidden);
  });
  return vectors;
}

void Student::without_lines(const Lines& text, Floats& floats, LineLogits& out) const {
  out = {text.read, text.total, {}, {}};
  std::vector<std::int32_t> ids = text.ids;
  if (ids.empty()) ids.push_back(0);
  std::vector<std::size_t> bounds{std::clamp<std::size_t>(text.begin, 1, ids.size())};
  for (std::size_t line = 0; line < text.ends.size(); ++line) {
    if (text.ends[line] <= bounds.back()) continue;
    out.lines.push_back(line + 1);
    bounds.push_back(text.ends[line]);
  }
  const Function function{ids.data(), ids.size(), nullptr, 0, nullptr, 0};
  check(function);
  const std::size_t stride = padded(network_.hidden), rows = out.lines.size() + 1;
  const std::size_t head = kernels_->logits_scratch(network_);
  const std::size_t needed = kernels_->without_lines_scratch(network_, out.lines.size()) + rows * stride + head;
  if (floats.size() < needed) floats = Floats(needed);
  float *vectors = floats.data(), *scratch = vectors + rows * stride;
  kernels_->without_lines(network_, function, bounds.data(), out.lines.size(), scratch, vectors);
  out.logits.resize(rows * network_.labels);
  for (std::size_t row = 0; row < rows; ++row)
    kernels_->logits(network_, vectors + row * stride, nullptr, scratch, out.logits.data() + row * network_.labels);
  for (const float value : out.logits)
    if (!std::isfinite(value)) throw DamagedError("the weights give a logit that is not finite");
}

std::vector<Student::LineLogits> Student::without_lines(std::span<const std::string_view> texts,
                                                        const Tokenizer& tokenizer, std::size_t threads) {
  if (network_.layers != 1 || network_.functions != 1)
    throw std::invalid_argument("lines are left out by students of one layer that judge single functions");
  std::vector<LineLogits> explained(texts.size());
  for_each_item(scratches_, texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    tokenizer.encode_lines(texts[i], network_.max_length, scratch.lines);
    without_lines(scratch.lines, scratch.floats, explained[i]);
  });
  return explained;
}

std::vector<float> Student::encode_ids(std::span<const std::vector<std::int32_t>> functions, std::size_t threads) {
  std::vector<float> vectors(functions.size() * network_.hidden);
  for_each_item(scratches_, functions.size(), threads, [&](Scratch& scratch, std::size_t i) {
    const auto& ids = functions[i];
    encode_function({ids.data(), ids.size(), nullptr, 0, nullptr, 0}, scratch.floats,
                    vectors.data() + i * network_.hidden);
  });
  return vectors;
}

std::vector<float> Student::encode_graphs(std::span<const Graph> functions, std::size_t threads) {
  std::vector<float> vectors(functions.size() * network_.hidden);
  for_each_item(scratches_, functions.size(), threads, [&](Scratch& scratch, std::size_t i) {
    const auto& [ids, spans, edges] = functions[i];
    encode_function({ids.data(), ids.size(), spans.data(), spans.size() / 2, edges.data(), edges.size() / 2},
                    scratch.floats, vectors.data() + i * network_.hidden);
  });
  return vectors;
}

Floats Student::padded_rows(std::span<const float> vectors) const {
  const std::size_t hidden = network_.hidden, stride = padded(hidden);
  if (vectors.size() % hidden) throw std::invalid_argument("vectors are not rows of hidden_size numbers");
  Floats rows(vectors.size() / hidden * stride);
  for (std::size_t i = 0; i < vectors.size() / hidden; ++i)
    std::copy_n(vectors.data() + i * hidden, hidden, rows.data() + i * stride);
  return rows;
}

std::vector<float> Student::logits(std::span<const float> vectors, std::span<const std::int64_t> items) {
  const std::size_t stride = padded(network_.hidden), width = network_.functions;
  const Floats rows = padded_rows(vectors);
  const std::size_t functions = vectors.size() / network_.hidden;
  if (items.size() % width) throw std::invalid_argument("items are not whole");
  std::vector<float> result(items.size() / width * network_.labels);
  Floats scratch(kernels_->logits_scratch(network_));
  for (std::size_t i = 0; i < items.size() / width; ++i) {
    const float* pooled[2] = {};
    for (std::size_t position = 0; position < width; ++position) {
      const std::int64_t index = items[i * width + position];
      if (index < 0 || std::size_t(index) >= functions) throw std::invalid_argument("an item names no vector");
      pooled[position] = rows.data() + std::size_t(index) * stride;
    }
    kernels_->logits(network_, pooled[0], pooled[1], scratch.data(), result.data() + i * network_.labels);
  }
  for (const float value : result)
    if (!std::isfinite(value)) throw DamagedError("the weights give a logit that is not finite");
  return result;
}

}  // namespace codewren
