// Fills a network with the weights of a bundle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "kernel/tensors.h"

namespace codewren {

inline constexpr std::size_t projected_block = 256;  // rows of a factorised word table that are projected at once

// What it loads points into the mapped weights or into `buffers`.
class NetworkLoader {
 public:
  NetworkLoader(const TensorReader& reader, Network& net, std::vector<Floats>& buffers)
      : reader_(reader), net_(net), buffers_(buffers), stride_(padded(net.hidden)) {}

  void embeddings(const Kernels& kernels, std::size_t narrow) {
    const bool absolute = net_.positions == Positions::absolute;
    const std::size_t rows = net_.max_length + (net_.max_nodes ? 1 : 0);
    net_.word = narrow ? expanded(kernels, narrow) : reader_.stored("embeddings.word", net_.vocab, net_.hidden);
    Floats position = absolute ? reader_.floats("embeddings.position", rows, net_.hidden, stride_) : Floats(stride_);
    const Floats token_type = reader_.floats("embeddings.token_type", 1, net_.hidden, stride_);
    for (std::size_t i = 0; i < position.size(); ++i) position.data()[i] += token_type.data()[i % stride_];
    net_.position = own(std::move(position));
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
    const std::size_t columns = net_.functions * net_.hidden;
    const Floats dense = reader_.floats("head.dense.weight", net_.hidden, columns, columns);
    for (std::size_t half = 0; half < net_.functions; ++half) {
      Floats columns_of_half(net_.hidden * stride_);
      for (std::size_t row = 0; row < net_.hidden; ++row)
        std::copy_n(dense.data() + row * columns + half * net_.hidden, net_.hidden,
                    columns_of_half.data() + row * stride_);
      net_.dense[half] = {own(std::move(columns_of_half)), half ? nullptr : vector("head.dense.bias", net_.hidden)};
    }
    net_.out = linear("head.out", net_.labels, net_.hidden);
  }

  // The last layer's query for `<s>` (id 0), the same for every function of a one-layer student.
  void begin_query(const Kernels& kernels) {
    Floats scratch(kernels.encode_scratch(net_, 1, 0));
    Floats query(stride_), query_key(stride_ * padded(net_.heads));
    kernels.begin_query(net_, 0, scratch.data(), query.data(), query_key.data());
    net_.begin_query = own(std::move(query));
    net_.begin_query_key = own(std::move(query_key));
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
        TensorReader::copy_row(word, begin + i, narrow, block.data() + i * padded(narrow));
      kernels.project(count, narrow, net_.hidden, block.data(), transposed.data(), wide.data() + begin * stride_);
    }
    return {own(std::move(wide)), nullptr, stride_, Dtype::fp32};
  }

  const float* own(Floats floats) {
    buffers_.push_back(std::move(floats));
    return buffers_.back().data();
  }

  const float* vector(const std::string& name, std::size_t size) {
    return own(reader_.floats(name, 1, size, padded(size)));
  }

  Norm norm(const std::string& name) {
    return {vector(name + ".weight", net_.hidden), vector(name + ".bias", net_.hidden)};
  }

  Linear linear(const std::string& name, std::size_t out, std::size_t in) {
    return {own(reader_.floats(name + ".weight", out, in, padded(in))), vector(name + ".bias", out)};
  }

  void distances(const std::string& name, std::size_t rows, Layer& layer) {
    const std::size_t depth = net_.head_size();
    const Floats source = reader_.floats(name, rows, depth, depth);
    layer.distance_stride = padded(rows + distance_padding);
    Floats transposed(depth * layer.distance_stride);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t d = 0; d < depth; ++d)
        transposed.data()[d * layer.distance_stride + row] = source.data()[row * depth + d];
    layer.distance = own(std::move(transposed));
  }

  const TensorReader& reader_;
  Network& net_;
  std::vector<Floats>& buffers_;
  std::size_t stride_;
};

}  // namespace codewren
