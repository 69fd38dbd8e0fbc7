// All pairs of many functions, scored by panels.
#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <vector>

#include "kernel/student.h"
#include "parallel.h"

namespace codewren {

std::vector<PairScore> Student::pairs_above(std::span<const float> vectors, float threshold, float temperature,
                                            std::size_t positive, std::size_t limit, std::size_t threads) {
  const Network& net = network_;
  if (net.functions != 2 || positive >= net.labels) throw std::invalid_argument("not a pair task, or no such label");
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
  std::vector<std::vector<PairScore>> above(functions);
  std::atomic<std::size_t> count{0};
  for_each_item(scratches_, panels, threads, [&](Scratch& scratch, std::size_t own) {
    const std::size_t needed = kernels_->pairs_scratch(net) + padded(lanes);
    if (scratch.floats.size() < needed) scratch.floats = Floats(needed);
    float* probability = scratch.floats.data();
    for (std::size_t p = own; p < panels; ++p) {
      for (std::size_t i = own * lanes; i < std::min(functions, (own + 1) * lanes); ++i) {
        const std::size_t before = above[i].size();
        kernels_->score_pairs(net, table, i, p, probability + padded(lanes), probability);
        for (std::size_t j = std::max(i + 1, p * lanes); j < std::min(functions, (p + 1) * lanes); ++j)
          if (probability[j % lanes] > threshold)
            above[i].push_back({std::int32_t(i), std::int32_t(j), probability[j % lanes]});
        if ((count += above[i].size() - before) > limit) throw std::overflow_error("more pairs than the limit");
      }
    }
  });
  std::vector<PairScore> scores;
  scores.reserve(count);
  for (const auto& row : above) scores.insert(scores.end(), row.begin(), row.end());
  return scores;
}

}  // namespace codewren
