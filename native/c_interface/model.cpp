#include "c_interface/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "bundle/hint_bundle.h"
#include "bundle/similarity_bundle.h"
#include "bundle/student_bundle.h"

namespace codewren {
namespace {

std::vector<std::string_view> views_of(std::span<const codewren_text> texts) {
  std::vector<std::string_view> views;
  views.reserve(texts.size());
  for (const codewren_text& text : texts) views.emplace_back(text.data ? text.data : "", text.size);
  return views;
}

// out = softmax(logits / temperature)
void softmax(std::span<const float> logits, double temperature, double* out) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    out[c] = std::exp((double(logits[c]) - largest) / temperature);
    total += out[c];
  }
  for (std::size_t c = 0; c < logits.size(); ++c) out[c] /= total;
}

// out = each label's own probability
void sigmoids(std::span<const float> logits, double temperature, double* out) {
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const double power = std::exp(-std::abs(double(logits[c])) / temperature);
    out[c] = (logits[c] > 0 ? 1 : power) / (1 + power);
  }
}

// The last label that is reached, or passed, with more than the threshold.
std::size_t reached(std::span<const double> row, double threshold) {
  double beyond = 0;
  for (std::size_t c = row.size(); --c > 0;)
    if ((beyond += row[c]) > threshold) return c;
  return 0;
}

class StudentModel : public AnyModel {
 public:
  explicit StudentModel(const Container& container)
      : bundle_(read_student(container, "")), labels_(container.task.labels.size()), task_(container.task) {}

  const char* target() const override { return bundle_.student->target(); }
  std::size_t vector_bytes() const override { return bundle_.hidden_size * sizeof(float); }
  double threshold() const override { return bundle_.threshold; }
  double alert_threshold() const override { return bundle_.alert_threshold; }

  void use_calibration(std::string_view) override { throw std::invalid_argument("a student has no calibrations"); }

  void encode(std::span<const codewren_text> texts, std::size_t threads, std::uint8_t* vectors) override {
    const std::vector<float> rows = bundle_.student->encode(views_of(texts), *bundle_.tokenizer, threads);
    if (!rows.empty()) std::memcpy(vectors, rows.data(), rows.size() * sizeof(float));
  }

  void predict(const std::uint8_t* vectors, std::size_t count, std::span<const std::int64_t> indices,
               double* probabilities) override {
    const std::vector<float> logits = bundle_.student->logits(rows_of(vectors, count), indices);
    const auto normal = task_.kind == Kind::multi_label ? sigmoids : softmax;
    for (std::size_t item = 0; item * labels_ < logits.size(); ++item)
      normal(std::span(logits).subspan(item * labels_, labels_), bundle_.temperature, probabilities + item * labels_);
  }

  void decide(const Task& task, std::span<const double> row, std::uint8_t* predicted) const override {
    if (task.kind != Kind::multi_label) return AnyModel::decide(task, row, predicted);
    for (std::size_t c = 0; c < row.size(); ++c) predicted[c] = row[c] > bundle_.thresholds[c];
  }

  std::vector<codewren_pair> pairs(const std::uint8_t* vectors, std::size_t count, double threshold, std::size_t room,
                                   std::size_t threads) override {
    if (!task_.pair) throw std::invalid_argument("this model judges single functions; pairs need a pair bundle");
    const auto scores = bundle_.student->pairs_above(rows_of(vectors, count), float(threshold),
                                                     float(bundle_.temperature), task_.positive, room, threads);
    std::vector<codewren_pair> pairs;
    for (const PairScore& score : scores) pairs.push_back({score.first, score.second, double(score.probability)});
    return pairs;
  }

  std::vector<codewren_pair> neighbours(std::span<const std::uint8_t>, std::span<const std::uint8_t>, std::size_t,
                                        std::size_t) override {
    throw std::invalid_argument("neighbours need a similarity encoder, this model is a student");
  }

 private:
  // The caller's bytes may lie anywhere, so they are copied to where floats may lie.
  std::vector<float> rows_of(const std::uint8_t* vectors, std::size_t count) const {
    std::vector<float> rows(count * bundle_.hidden_size);
    if (!rows.empty()) std::memcpy(rows.data(), vectors, rows.size() * sizeof(float));
    for (const float value : rows)
      if (!std::isfinite(value)) throw std::invalid_argument("a vector is not finite; give what codewren_encode made");
    return rows;
  }

  StudentBundle bundle_;
  std::size_t labels_;
  const Task& task_;
};

class SimilarityModel : public AnyModel {
 public:
  explicit SimilarityModel(const Container& container)
      : bundle_(read_similarity(container, "")),
        calibration_(bundle_.calibrations.at("general")),
        positive_(container.task.positive) {}

  const char* target() const override { return bundle_.encoder->target(); }
  std::size_t vector_bytes() const override { return bundle_.encoder->vector_bytes(); }
  double threshold() const override { return calibration_.threshold; }
  double alert_threshold() const override { return calibration_.alert_threshold; }

  void use_calibration(std::string_view name) override {
    const auto calibration = bundle_.calibrations.find(name);
    if (calibration == bundle_.calibrations.end()) throw std::invalid_argument("no such calibration");
    calibration_ = calibration->second;
  }

  void encode(std::span<const codewren_text> texts, std::size_t threads, std::uint8_t* vectors) override {
    std::vector<std::uint8_t> is_python;
    for (const codewren_text& text : texts)
      is_python.push_back(text.language ? std::string_view(text.language) == "python" : 2);
    bundle_.encoder->encode(views_of(texts), is_python, threads,
                            {reinterpret_cast<std::int8_t*>(vectors), bytes(texts.size())});
  }

  void predict(const std::uint8_t* vectors, std::size_t count, std::span<const std::int64_t> indices,
               double* probabilities) override {
    const std::vector<std::int32_t> products = bundle_.encoder->products(rows_of({vectors, bytes(count)}), indices);
    for (std::size_t item = 0; item < products.size(); ++item) {
      const double clone = calibration_.probability(products[item]);
      probabilities[2 * item + positive_] = clone;
      probabilities[2 * item + 1 - positive_] = 1 - clone;
    }
  }

  std::vector<codewren_pair> pairs(const std::uint8_t* vectors, std::size_t count, double threshold, std::size_t room,
                                   std::size_t threads) override {
    return scored(bundle_.encoder->pairs_above(rows_of({vectors, bytes(count)}), calibration_.least_product(threshold),
                                               room, threads));
  }

  std::vector<codewren_pair> neighbours(std::span<const std::uint8_t> queries, std::span<const std::uint8_t> vectors,
                                        std::size_t k, std::size_t threads) override {
    return scored(bundle_.encoder->neighbours(rows_of(queries), rows_of(vectors), {}, k,
                                              std::numeric_limits<std::int32_t>::min(), threads));
  }

 private:
  static std::span<const std::int8_t> rows_of(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()};
  }

  std::size_t bytes(std::size_t count) const { return count * vector_bytes(); }

  std::vector<codewren_pair> scored(const std::vector<similarity::Product>& products) const {
    std::vector<codewren_pair> pairs;
    for (const auto& [first, second, product] : products)
      pairs.push_back({first, second, calibration_.probability(product)});
    return pairs;
  }

  SimilarityBundle bundle_;
  Calibration calibration_;
  std::size_t positive_;
};

class HintModel : public AnyModel {
 public:
  explicit HintModel(const Container& container)
      : bundle_(read_hint(container)),
        calibration_(&bundle_.calibrations.at("general")),
        positive_(container.task.positive) {}

  const char* target() const override { return "generic"; }
  std::size_t vector_bytes() const override { return 0; }
  double threshold() const override { return calibration_->threshold; }
  double alert_threshold() const override { return calibration_->alert_threshold; }

  void use_calibration(std::string_view name) override {
    const auto calibration = bundle_.calibrations.find(name);
    if (calibration == bundle_.calibrations.end()) throw std::invalid_argument("no such calibration");
    calibration_ = &calibration->second;
  }

  void judge(std::span<const codewren_text> texts, std::size_t threads, double* probabilities) override {
    const std::size_t width = bundle_.model->width();
    const std::vector<std::int64_t> rows = bundle_.model->sums(views_of(texts), threads);
    for (std::size_t item = 0; item < texts.size(); ++item) {
      const double alarm = bundle_.probability(std::span(rows).subspan(item * width, width), *calibration_);
      probabilities[2 * item + positive_] = alarm;
      probabilities[2 * item + 1 - positive_] = 1 - alarm;
    }
  }

  void encode(std::span<const codewren_text>, std::size_t, std::uint8_t*) override { refuse_vectors(); }

  void predict(const std::uint8_t*, std::size_t, std::span<const std::int64_t>, double*) override { refuse_vectors(); }

  std::vector<codewren_pair> pairs(const std::uint8_t*, std::size_t, double, std::size_t, std::size_t) override {
    refuse_vectors();
  }

  std::vector<codewren_pair> neighbours(std::span<const std::uint8_t>, std::span<const std::uint8_t>, std::size_t,
                                        std::size_t) override {
    refuse_vectors();
  }

 private:
  [[noreturn]] static void refuse_vectors() {
    throw std::invalid_argument("a hint makes no vectors of functions; vectors and pairs need a clone bundle");
  }

  HintBundle bundle_;
  const HintCalibration* calibration_;
  std::size_t positive_;
};

}  // namespace

void AnyModel::judge(std::span<const codewren_text> texts, std::size_t threads, double* probabilities) {
  std::vector<std::int64_t> indices(texts.size());
  std::iota(indices.begin(), indices.end(), 0);
  std::vector<std::uint8_t> vectors(texts.size() * vector_bytes());
  encode(texts, threads, vectors.data());
  predict(vectors.data(), texts.size(), indices, probabilities);
}

void AnyModel::decide(const Task& task, std::span<const double> row, std::uint8_t* predicted) const {
  std::size_t label = std::size_t(std::max_element(row.begin(), row.end()) - row.begin());
  if (task.kind == Kind::ordinal)
    label = reached(row, threshold());
  else if (row.size() == 2)
    label = row[task.positive] > threshold() ? task.positive : 1 - task.positive;
  for (std::size_t c = 0; c < row.size(); ++c) predicted[c] = c == label;
}

std::unique_ptr<AnyModel> make_model(const Container& container) {
  if (container.form == Form::hint) return std::make_unique<HintModel>(container);
  if (container.form == Form::similarity) return std::make_unique<SimilarityModel>(container);
  const auto config = container.manifest->root().find("config");
  if (config && config->is(JsonKind::object))
    if (const auto nodes = config->find("max_data_flow"); nodes && nodes->is(JsonKind::whole) && nodes->whole() > 0)
      throw UnsupportedError("the model reads data flow, which needs a parser; use codewren for Python");
  return std::make_unique<StudentModel>(container);
}

}  // namespace codewren
