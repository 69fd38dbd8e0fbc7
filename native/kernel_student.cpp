#include "kernel_student.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <system_error>
#include <thread>

namespace codewren {

static_assert(std::endian::native == std::endian::little, "bundles are little endian and mapped as they are");

Floats::Floats(std::size_t size) : size_(size) {
  memory_.reset(static_cast<float*>(::operator new[](std::max<std::size_t>(size, 1) * sizeof(float),
                                                     std::align_val_t{64})));
  std::fill_n(memory_.get(), size, 0.0f);
}

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> found;
#ifdef CODEWREN_X86_TARGETS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    found.push_back(&kernels_avx512());
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&kernels_avx2());
#endif
  found.push_back(&kernels_generic());
  return found;
}

namespace {

float half_to_float(std::uint16_t h) {
  const float magnitude = std::bit_cast<float>(std::uint32_t(h & 0x7fff) << 13) * 0x1p112f;
  return h & 0x8000 ? -magnitude : magnitude;
}

bool half_is_finite(std::uint16_t h) { return (h & 0x7c00) != 0x7c00; }

const Kernels* choose(const std::string& target) {
  for (const Kernels* kernels : available_kernels())
    if (target.empty() || target == kernels->name) return kernels;
  throw std::invalid_argument("this machine cannot run the instruction set " + target);
}

// Reads tensors out of the mapped weights; every access is inside them, whatever the table says.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> weights, const TensorTable& table) : weights_(weights), table_(table) {
    if (reinterpret_cast<std::uintptr_t>(weights.data()) % 16) throw DamagedError("the weights are not aligned");
  }

  // Rows where they lie, checked to be inside the file and finite.
  StoredRows stored(const std::string& name, std::size_t rows, std::size_t columns) const {
    const auto found = table_.find(name);
    if (found == table_.end()) throw DamagedError("tensor " + name + " is missing");
    const TensorPlace& place = found->second;
    if (place.rows != rows || place.columns != columns) throw DamagedError("tensor " + name + " has the wrong shape");
    const Dtype dtype = dtype_of(name, place.dtype);
    const std::size_t size = dtype == Dtype::int8 ? 1 : dtype == Dtype::fp16 ? 2 : 4;
    if (columns && rows > std::numeric_limits<std::size_t>::max() / columns / size)
      throw DamagedError("tensor " + name + " is too large");
    StoredRows result{range(name, place.offset, rows * columns * size), nullptr, columns, dtype};
    if (dtype == Dtype::int8)
      result.scales = reinterpret_cast<const std::uint16_t*>(range(name, place.scale_offset, rows * 2));
    check_finite(name, result, rows * columns, rows);
    return result;
  }

  // Rows as floats, `stride` apart, zeros between.
  Floats floats(const std::string& name, std::size_t rows, std::size_t columns, std::size_t stride) const {
    const StoredRows source = stored(name, rows, columns);
    Floats result(rows * stride);
    for (std::size_t i = 0; i < rows; ++i) copy_row(source, i, columns, result.data() + i * stride);
    return result;
  }

  static void copy_row(const StoredRows& source, std::size_t row, std::size_t columns, float* out) {
    const std::size_t begin = row * source.stride;
    if (source.dtype == Dtype::fp32)
      return std::copy_n(static_cast<const float*>(source.numbers) + begin, columns, out), void();
    if (source.dtype == Dtype::fp16) {
      const auto* numbers = static_cast<const std::uint16_t*>(source.numbers) + begin;
      return std::transform(numbers, numbers + columns, out, half_to_float), void();
    }
    const auto* numbers = static_cast<const std::int8_t*>(source.numbers) + begin;
    const float scale = half_to_float(source.scales[row]);
    std::transform(numbers, numbers + columns, out, [scale](std::int8_t q) { return float(q) * scale; });
  }

 private:
  static Dtype dtype_of(const std::string& name, const std::string& dtype) {
    if (dtype == "int8") return Dtype::int8;
    if (dtype == "fp16") return Dtype::fp16;
    if (dtype == "fp32") return Dtype::fp32;
    throw DamagedError("tensor " + name + " has the unknown dtype " + dtype);
  }

  const std::uint8_t* range(const std::string& name, std::size_t offset, std::size_t size) const {
    if (offset > weights_.size() || size > weights_.size() - offset || offset % 16)
      throw DamagedError("tensor " + name + " leaves the file");
    return weights_.data() + offset;
  }

  static void check_finite(const std::string& name, const StoredRows& rows, std::size_t numbers, std::size_t scales) {
    bool finite = true;
    if (rows.dtype == Dtype::fp32)
      for (std::size_t i = 0; i < numbers; ++i) finite &= std::isfinite(static_cast<const float*>(rows.numbers)[i]);
    else if (rows.dtype == Dtype::fp16)
      for (std::size_t i = 0; i < numbers; ++i)
        finite &= half_is_finite(static_cast<const std::uint16_t*>(rows.numbers)[i]);
    else
      for (std::size_t i = 0; i < scales; ++i) finite &= half_is_finite(rows.scales[i]);
    if (!finite) throw DamagedError("tensor " + name + " holds NaN or infinity");
  }

  std::span<const std::uint8_t> weights_;
  const TensorTable& table_;
};

Activation activation_of(const std::string& name) {
  if (name == "gelu") return Activation::gelu;
  if (name == "relu") return Activation::relu;
  if (name == "silu") return Activation::silu;
  if (name == "gelu_new") return Activation::gelu_new;
  throw DamagedError("unknown activation " + name);
}

Positions positions_of(const std::string& name) {
  if (name == "absolute") return Positions::absolute;
  if (name == "relative_key") return Positions::relative_key;
  if (name == "relative_key_query") return Positions::relative_key_query;
  throw DamagedError("unknown position type " + name);
}

constexpr std::size_t largest_table = std::size_t(1) << 26;  // numbers, as core/student_config.py says

Network shape_of(const Settings& settings) {
  Network net{};
  net.vocab = settings.vocab_size;
  net.hidden = settings.hidden_size;
  net.inner = settings.intermediate_size;
  net.heads = settings.num_attention_heads;
  net.layers = settings.num_hidden_layers;
  net.max_length = settings.max_sequence_length;
  net.labels = settings.labels;
  net.max_nodes = settings.max_data_flow;
  net.parts = settings.pair ? 2 : 1;
  net.symmetric = settings.pair && settings.symmetric;
  net.activation = activation_of(settings.hidden_act);
  net.positions = positions_of(settings.position_embedding_type);
  constexpr std::size_t most = std::size_t(1) << 24;
  for (const std::size_t size : {net.vocab, net.hidden, net.inner, net.heads, net.layers, net.max_length, net.labels})
    if (size == 0 || size > most) throw DamagedError("a size of the configuration is out of range");
  if (net.max_nodes > most) throw DamagedError("a size of the configuration is out of range");
  if (settings.embedding_size > most || (settings.embedding_size && net.vocab > largest_table / net.hidden))
    throw DamagedError("the factorised word table is too large to expand");
  if (net.hidden % net.heads) throw DamagedError("hidden size is not divisible by the number of heads");
  return net;
}

constexpr std::size_t projected_block = 256;  // rows of a factorised word table that are projected at once

// Fills a network with floats that `kept` holds.
class Loader {
 public:
  Loader(const Reader& reader, Network& net, std::vector<Floats>& kept)
      : reader_(reader), net_(net), kept_(kept), stride_(padded(net.hidden)) {}

  void embeddings(const Kernels& kernels, std::size_t narrow) {
    const bool absolute = net_.positions == Positions::absolute;
    const std::size_t rows = net_.max_length + (net_.max_nodes ? 1 : 0);
    net_.word = narrow ? expanded(kernels, narrow) : reader_.stored("embeddings.word", net_.vocab, net_.hidden);
    Floats position =
        absolute ? reader_.floats("embeddings.position", rows, net_.hidden, stride_) : Floats(stride_);
    const Floats token_type = reader_.floats("embeddings.token_type", 1, net_.hidden, stride_);
    for (std::size_t i = 0; i < position.size(); ++i) position.data()[i] += token_type.data()[i % stride_];
    net_.position = keep(std::move(position));
    net_.position_stride = absolute ? stride_ : 0;
    net_.node_position = net_.position + (rows - 1) * net_.position_stride;
    net_.embedding_norm = norm("embeddings.norm");
  }

  Layer layer(std::size_t index) {
    const std::string name = "layers." + std::to_string(index);
    Layer layer{};
    layer.query = linear(name + ".attention.query", net_.hidden, net_.hidden);
    layer.key = linear(name + ".attention.key", net_.hidden, net_.hidden);
    layer.value = linear(name + ".attention.value", net_.hidden, net_.hidden);
    layer.output = linear(name + ".attention.output", net_.hidden, net_.hidden);
    const bool last = index + 1 == net_.layers;
    if (net_.positions != Positions::absolute)
      distances(name + ".attention.distance", last ? net_.max_length : 2 * net_.max_length - 1, layer);
    layer.attention_norm = norm(name + ".attention.norm");
    layer.intermediate = linear(name + ".intermediate", net_.inner, net_.hidden);
    layer.output_dense = linear(name + ".output", net_.hidden, net_.inner);
    layer.norm = norm(name + ".norm");
    return layer;
  }

  // The dense layer of a pair is cut into the columns of its first and of its second half.
  void head() {
    const std::size_t columns = net_.parts * net_.hidden;
    const Floats dense = reader_.floats("head.dense.weight", net_.hidden, columns, columns);
    for (std::size_t part = 0; part < net_.parts; ++part) {
      Floats half(net_.hidden * stride_);
      for (std::size_t row = 0; row < net_.hidden; ++row)
        std::copy_n(dense.data() + row * columns + part * net_.hidden, net_.hidden, half.data() + row * stride_);
      net_.dense[part] = {keep(std::move(half)), part ? nullptr : vector("head.dense.bias", net_.hidden)};
    }
    net_.out = linear("head.out", net_.labels, net_.hidden);
  }

  // What a one-layer student asks of functions that start with `<s>` (id 0).
  void first_question(const Kernels& kernels) {
    Floats scratch(kernels.encode_scratch(net_, 1, 0));
    Floats query(stride_), attention(stride_ * padded(net_.heads));
    kernels.first_question(net_, 0, scratch.data(), query.data(), attention.data());
    net_.first_query = keep(std::move(query));
    net_.first_attention = keep(std::move(attention));
  }

 private:
  // A factorised word table times its projection, so that a look-up costs what it costs without.
  StoredRows expanded(const Kernels& kernels, std::size_t narrow) {
    const StoredRows word = reader_.stored("embeddings.word", net_.vocab, narrow);
    const Floats projection = reader_.floats("embeddings.projection", net_.hidden, narrow, narrow);
    Floats transposed(narrow * stride_), block(projected_block * padded(narrow)), wide(net_.vocab * stride_);
    for (std::size_t row = 0; row < net_.hidden; ++row)
      for (std::size_t k = 0; k < narrow; ++k)
        transposed.data()[k * stride_ + row] = projection.data()[row * narrow + k];
    for (std::size_t begin = 0; begin < net_.vocab; begin += projected_block) {
      const std::size_t count = std::min(projected_block, net_.vocab - begin);
      for (std::size_t i = 0; i < count; ++i)
        Reader::copy_row(word, begin + i, narrow, block.data() + i * padded(narrow));
      kernels.project(count, narrow, net_.hidden, block.data(), transposed.data(), wide.data() + begin * stride_);
    }
    return {keep(std::move(wide)), nullptr, stride_, Dtype::fp32};
  }

  const float* keep(Floats floats) {
    kept_.push_back(std::move(floats));
    return kept_.back().data();
  }

  const float* vector(const std::string& name, std::size_t size) {
    return keep(reader_.floats(name, 1, size, padded(size)));
  }

  Norm norm(const std::string& name) {
    return {vector(name + ".weight", net_.hidden), vector(name + ".bias", net_.hidden)};
  }

  Linear linear(const std::string& name, std::size_t out, std::size_t in) {
    return {keep(reader_.floats(name + ".weight", out, in, padded(in))), vector(name + ".bias", out)};
  }

  void distances(const std::string& name, std::size_t rows, Layer& layer) {
    const std::size_t depth = net_.head_size();
    const Floats source = reader_.floats(name, rows, depth, depth);
    layer.distance_stride = padded(rows + distance_padding);
    Floats transposed(depth * layer.distance_stride);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t d = 0; d < depth; ++d)
        transposed.data()[d * layer.distance_stride + row] = source.data()[row * depth + d];
    layer.distance = keep(std::move(transposed));
  }

  const Reader& reader_;
  Network& net_;
  std::vector<Floats>& kept_;
  std::size_t stride_;
};

}  // namespace

Student::Student(std::span<const std::uint8_t> weights, const TensorTable& table, const Settings& settings,
                 const std::string& target)
    : network_(shape_of(settings)), kernels_(choose(target)) {
  const Reader reader(weights, table);
  Loader loader(reader, network_, floats_);
  loader.embeddings(*kernels_, settings.embedding_size);
  for (std::size_t index = 0; index < network_.layers; ++index) layers_.push_back(loader.layer(index));
  network_.layer = layers_.data();
  loader.head();
  if (network_.layers == 1) loader.first_question(*kernels_);
}

Student::Borrowed::Borrowed(Student& student) : student_(student) {
  const std::lock_guard lock(student_.mutex_);
  if (student_.idle_.empty()) {
    scratch_ = std::make_unique<Scratch>();
  } else {
    scratch_ = std::move(student_.idle_.back());
    student_.idle_.pop_back();
  }
}

Student::Borrowed::~Borrowed() {
  const std::lock_guard lock(student_.mutex_);
  student_.idle_.push_back(std::move(scratch_));
}

// Calls work(scratch, i) for every i in [0, count); which thread takes which i changes no result.
void Student::run(std::size_t count, std::size_t threads, const std::function<void(Scratch&, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto worker = [&] {
    try {
      Borrowed scratch(*this);
      for (std::size_t i; (i = next.fetch_add(1)) < count;) work(*scratch, i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(worker);
  } catch (const std::system_error&) {
    // The system gives no more threads: the ones there are do the work.
  }
  worker();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
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

void Student::encode_one(const Function& given, Floats& floats, float* out) const {
  static constexpr std::int32_t alone[] = {0};
  Function function = given;
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
  run(texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    tokenizer.normalize(texts[i], scratch.text);
    tokenizer.encode(scratch.text, network_.max_length, scratch.ids);
    encode_one({scratch.ids.data(), scratch.ids.size(), nullptr, 0, nullptr, 0}, scratch.floats,
               vectors.data() + i * network_.hidden);
  });
  return vectors;
}

std::vector<float> Student::encode_ids(std::span<const std::vector<std::int32_t>> functions, std::size_t threads) {
  std::vector<float> vectors(functions.size() * network_.hidden);
  run(functions.size(), threads, [&](Scratch& scratch, std::size_t i) {
    const auto& ids = functions[i];
    encode_one({ids.data(), ids.size(), nullptr, 0, nullptr, 0}, scratch.floats, vectors.data() + i * network_.hidden);
  });
  return vectors;
}

std::vector<float> Student::encode_graphs(std::span<const Graph> functions, std::size_t threads) {
  std::vector<float> vectors(functions.size() * network_.hidden);
  run(functions.size(), threads, [&](Scratch& scratch, std::size_t i) {
    const auto& [ids, spans, edges] = functions[i];
    encode_one({ids.data(), ids.size(), spans.data(), spans.size() / 2, edges.data(), edges.size() / 2}, scratch.floats,
               vectors.data() + i * network_.hidden);
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
  const std::size_t stride = padded(network_.hidden), parts = network_.parts;
  const Floats rows = padded_rows(vectors);
  const std::size_t functions = vectors.size() / network_.hidden;
  if (items.size() % parts) throw std::invalid_argument("items are not whole");
  std::vector<float> result(items.size() / parts * network_.labels);
  Floats scratch(kernels_->logits_scratch(network_));
  for (std::size_t i = 0; i < items.size() / parts; ++i) {
    const float* chosen[2] = {};
    for (std::size_t part = 0; part < parts; ++part) {
      const std::int64_t index = items[i * parts + part];
      if (index < 0 || std::size_t(index) >= functions) throw std::invalid_argument("an item names no vector");
      chosen[part] = rows.data() + std::size_t(index) * stride;
    }
    kernels_->logits(network_, chosen[0], chosen[1], scratch.data(), result.data() + i * network_.labels);
  }
  for (const float value : result)
    if (!std::isfinite(value)) throw DamagedError("the weights give a logit that is not finite");
  return result;
}

std::vector<PairScore> Student::pairs_above(std::span<const float> vectors, float threshold, float temperature,
                                          std::size_t positive, std::size_t limit, std::size_t threads) {
  const Network& net = network_;
  if (net.parts != 2 || positive >= net.labels) throw std::invalid_argument("not a pair task, or no such label");
  const std::size_t functions = vectors.size() / net.hidden, stride = padded(net.hidden), lanes = kernels_->panel;
  const std::size_t panels = (functions + lanes - 1) / lanes;
  const Floats rows = padded_rows(vectors);
  Floats left(panels * lanes * net.hidden), right(net.symmetric ? 0 : panels * lanes * net.hidden);
  Floats margin_weight((net.labels - 1) * stride), margin_bias(net.labels - 1);
  for (std::size_t label = 0, row = 0; label < net.labels; ++label) {
    if (label == positive) continue;
    const float *weight = net.out.weight + label * stride, *reference = net.out.weight + positive * stride;
    std::transform(weight, weight + stride, reference, margin_weight.data() + row * stride, std::minus<>());
    margin_bias.data()[row++] = net.out.bias[label] - net.out.bias[positive];
  }
  PairTable table{left.data(), right.data(), false, margin_weight.data(), margin_bias.data(), 1 / temperature};
  Floats preparation(kernels_->pairs_scratch(net));
  kernels_->prepare_pairs(net, rows.data(), functions, preparation.data(), table);

  // A panel of functions against all panels from its own on, so that the other panel's numbers stay in the cache.
  std::vector<std::vector<PairScore>> found(functions);
  std::atomic<std::size_t> count{0};
  run(panels, threads, [&](Scratch& scratch, std::size_t own) {
    const std::size_t needed = kernels_->pairs_scratch(net) + padded(lanes);
    if (scratch.floats.size() < needed) scratch.floats = Floats(needed);
    float* probability = scratch.floats.data();
    for (std::size_t p = own; p < panels; ++p) {
      for (std::size_t i = own * lanes; i < std::min(functions, (own + 1) * lanes); ++i) {
        const std::size_t before = found[i].size();
        kernels_->score_pairs(net, table, i, p, probability + padded(lanes), probability);
        for (std::size_t j = std::max(i + 1, p * lanes); j < std::min(functions, (p + 1) * lanes); ++j)
          if (probability[j % lanes] > threshold)
            found[i].push_back({std::int32_t(i), std::int32_t(j), probability[j % lanes]});
        if ((count += found[i].size() - before) > limit) throw std::overflow_error("more pairs than the limit");
      }
    }
  });
  std::vector<PairScore> all;
  all.reserve(count);
  for (const auto& some : found) all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace codewren
