// A hint out of its bundle: the C++ twin of src/codewren/bundle/hint.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bundle/container.h"
#include "hint/model.h"

namespace codewren {

// A line through the scores of heads and the counts of a function.
struct HintCalibration {
  std::vector<double> heads;   // one slope a head; 0 where the bundle states none
  std::vector<double> counts;  // slopes of the logarithms, of the tokens beyond the corner, and of the roots
  double offset, threshold, alert_threshold;
};

struct HintBundle {
  // Of a function with these sums, `model->width()` numbers: what Python computes, to the last bit.
  double probability(std::span<const std::int64_t> sums, const HintCalibration& calibration) const;

  std::unique_ptr<hint::Model> model;
  std::vector<double> steps;                                         // what one step of a weight of each head is worth
  std::map<std::string, HintCalibration, std::less<>> calibrations;  // "general" and "review" among them
};

// `container.weights` must outlive the model. Throws DamagedError.
HintBundle read_hint(const Container& container);

}  // namespace codewren
