// Rows of tokens and of data flow nodes, as the first layer reads them.
#pragma once

#include "kernel/math.h"

namespace codewren {
namespace {

// row = stored row `id` + addend
void add_stored_row(const StoredRows& table, size_t size, size_t id, const float* addend, float* __restrict row) {
  switch (table.dtype) {
    case Dtype::int8: {
      const int8_t* numbers = static_cast<const int8_t*>(table.numbers) + id * table.stride;
      const float scale = half_to_float(table.scales[id]);
      for (size_t k = 0; k < size; ++k) row[k] = float(numbers[k]) * scale + addend[k];
      break;
    }
    case Dtype::fp16: {
      const uint16_t* numbers = static_cast<const uint16_t*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = half_to_float(numbers[k]) + addend[k];
      break;
    }
    case Dtype::fp32: {
      const float* numbers = static_cast<const float*>(table.numbers) + id * table.stride;
      for (size_t k = 0; k < size; ++k) row[k] = numbers[k] + addend[k];
      break;
    }
  }
}

// Normalised embeddings of tokens [begin, begin + count) as rows of padded(H).
void embed(const Network& net, const int32_t* ids, size_t begin, size_t count, float* rows) {
  const size_t stride = padded(net.hidden);
  for (size_t t = 0; t < count; ++t) {
    float* row = rows + t * stride;
    for (size_t k = net.hidden; k < stride; ++k) row[k] = 0;
    add_stored_row(net.word, net.hidden, size_t(ids[begin + t]), net.position + (begin + t) * net.position_stride, row);
    norm_vector(net.embedding_norm, net.hidden, row);
  }
}

// The same of nodes [begin, begin + count): each the mean of the words it stands for. `spare` is padded(H) floats.
void embed_nodes(const Network& net, const Function& function, size_t begin, size_t count, float* rows, float* spare) {
  const size_t stride = padded(net.hidden);
  for (size_t n = 0; n < count; ++n) {
    float* row = rows + n * stride;
    const int32_t* span = function.spans + 2 * (begin + n);
    for (size_t k = 0; k < stride; ++k) row[k] = 0;
    for (int32_t t = span[0]; t < span[1]; ++t) {
      memcpy(spare, row, stride * sizeof(float));
      add_stored_row(net.word, net.hidden, size_t(function.ids[t]), spare, row);
    }
    const float share = 1.0f / float(span[1] - span[0]);
    for (size_t k = 0; k < net.hidden; ++k) row[k] = row[k] * share + net.node_position[k];
    norm_vector(net.embedding_norm, net.hidden, row);
  }
}

}  // namespace
}  // namespace codewren
