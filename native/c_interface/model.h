// What a codewren_model is: a student, a similarity encoder or a hint, behind the same few questions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/container.h"
#include "codewren.h"
#include "kernel/tensors.h"

// What the library knows but cannot run.
struct UnsupportedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace codewren {

class AnyModel {
 public:
  virtual ~AnyModel() = default;

  virtual const char* target() const = 0;
  virtual std::size_t vector_bytes() const = 0;
  virtual double threshold() const = 0;
  virtual double alert_threshold() const = 0;
  virtual void use_calibration(std::string_view name) = 0;

  // Vectors of checked texts; a model with vectors of 0 bytes throws std::invalid_argument where one is asked for.
  virtual void encode(std::span<const codewren_text> texts, std::size_t threads, std::uint8_t* vectors) = 0;

  // Probabilities of items, one checked text or two each.
  virtual void judge(std::span<const codewren_text> texts, std::size_t threads, double* probabilities);

  // Probabilities of items, which are indices into `count` vectors.
  virtual void predict(const std::uint8_t* vectors, std::size_t count, std::span<const std::int64_t> indices,
                       double* probabilities) = 0;

  // What one row of probabilities means: 1 for each label that is predicted, else 0.
  virtual void decide(const Task& task, std::span<const double> row, std::uint8_t* predicted) const;

  // More than `room` pairs throw std::overflow_error.
  virtual std::vector<codewren_pair> pairs(const std::uint8_t* vectors, std::size_t count, double threshold,
                                           std::size_t room, std::size_t threads) = 0;

  virtual std::vector<codewren_pair> neighbours(std::span<const std::uint8_t> queries,
                                                std::span<const std::uint8_t> vectors, std::size_t k,
                                                std::size_t threads) = 0;
};

// The model of a container, whose weights must outlive it; throws what the readers throw, and UnsupportedError.
std::unique_ptr<AnyModel> make_model(const Container& container);

}  // namespace codewren

// The weights of a bundle on a 64-byte boundary, and all that was read of it.
struct codewren_model {
  codewren::Container container;
  codewren::Floats weights;
  std::unique_ptr<codewren::AnyModel> model;
  std::size_t threads = 1;
};
