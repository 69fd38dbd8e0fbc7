// A similarity encoder out of its bundle: the C++ twin of src/codewren/bundle/similarity.py.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "bundle/container.h"
#include "similarity/encoder.h"

namespace codewren {

// How a similarity becomes a probability, and a probability a label, for one idea of a clone.
struct Calibration {
  double slope, offset, threshold, alert_threshold;

  // Of a pair whose vectors have this dot product.
  double probability(std::int32_t product) const;

  // The smallest dot product whose probability exceeds the threshold; one more than any where none does.
  std::int32_t least_product(double threshold) const;
};

struct SimilarityBundle {
  std::unique_ptr<similarity::Encoder> encoder;
  std::map<std::string, Calibration, std::less<>> calibrations;  // "general" among them
};

// `container.weights` must outlive the encoder. Throws DamagedError, or std::invalid_argument for an unknown `target`.
SimilarityBundle read_similarity(const Container& container, const std::string& target);

}  // namespace codewren
