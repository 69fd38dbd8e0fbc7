#include "bundle/similarity_bundle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "bundle/arrays.h"
#include "kernel/tensors.h"

namespace codewren {
namespace {

constexpr std::int64_t most_entries = 1 << 22, widest = 1 << 12;
constexpr std::int32_t square = 1 << 16;  // dot product of a vector with itself, but for rounding

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

// A table's sizes; where its arrays lie is still to be read.
similarity::TableSettings table_of(const Json& raw) {
  check_keys(raw, {"entries", "rows", "width", "sketch_width", "unknown"});
  similarity::TableSettings table{};
  table.entries = whole_of(raw, "entries", 0, most_entries);
  table.rows = whole_of(raw, "rows", 0, std::int64_t(table.entries));
  table.width = whole_of(raw, "width", 0, widest);
  table.sketch_width = whole_of(raw, "sketch_width", 0, widest);
  table.unknown = whole_of(raw, "unknown", 0, 255);
  if (table.sketch_width & (table.sketch_width - 1)) refuse("a sketch_width is no power of two");
  return table;
}

std::array<double, 4> roots_of(const Json& config) {
  const std::vector<Json> raw = config.field("roots", JsonKind::list).items();
  std::array<double, 4> roots{};
  double total = 0;
  if (raw.size() != roots.size()) refuse("there are not four roots");
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (!raw[i].is(JsonKind::whole) && !raw[i].is(JsonKind::number)) refuse("a root is no number");
    roots[i] = raw[i].number();
    if (!(roots[i] >= 0 && roots[i] <= 1)) refuse("a root is out of range");
    total += roots[i] * roots[i];
  }
  if (total > 1.001) refuse("the roots are no shares of a whole");
  return roots;
}

void read_tables(const Json& rows, std::array<similarity::TableSettings, 2>& tables, std::size_t weight_bytes) {
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < 2; ++i) {
    similarity::TableSettings& t = tables[i];
    const std::string name = i ? "structure." : "names.";
    arrays.push_back({name + "fingerprints", "uint32", {t.entries}, 4 * t.entries, &t.fingerprints_offset});
    arrays.push_back({name + "weights", "uint8", {t.entries}, t.entries, &t.weights_offset});
    arrays.push_back({name + "rows", "int8", {t.rows, t.width}, std::uint64_t(t.rows) * t.width, &t.rows_offset});
  }
  read_arrays(rows, arrays, weight_bytes);
}

Calibration calibration_of(const Json& raw) {
  Calibration calibration{number_of(raw, "slope"), number_of(raw, "offset"), threshold_of(raw, "threshold"), 0};
  calibration.alert_threshold = alert_threshold_of(raw, calibration.threshold);
  if (!(calibration.slope > 0 && std::isfinite(calibration.slope) && std::isfinite(calibration.offset)))
    refuse("a calibration is out of range");
  return calibration;
}

}  // namespace

double Calibration::probability(std::int32_t product) const {
  const double log_odds = slope * (double(product) / square) + offset;
  return 1 / (1 + std::exp(std::min(-log_odds, 700.0)));
}

std::int32_t Calibration::least_product(double threshold) const {
  std::int32_t low = -square * 8, high = square * 8;
  while (low < high) {
    const std::int32_t middle = low + (high - low) / 2;
    if (probability(middle) > threshold)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

SimilarityBundle read_similarity(const Container& container, const std::string& target) {
  if (!container.task.pair || container.task.labels.size() != 2)
    refuse("a similarity encoder judges pairs by two labels, this one does not");
  check_lexer(container.tokenizer->root(), "source");
  const Json manifest = container.manifest->root(), config = manifest.field("config", JsonKind::object);
  check_keys(config, {"names", "structure", "roots"});
  std::array<similarity::TableSettings, 2> tables = {table_of(config.field("names", JsonKind::object)),
                                                     table_of(config.field("structure", JsonKind::object))};
  const std::array<double, 4> roots = roots_of(config);
  SimilarityBundle bundle;
  const std::vector<Json> calibrations = manifest.field("calibrations", JsonKind::object).items();
  for (std::size_t i = 0; i < calibrations.size(); i += 2) {
    if (!calibrations[i + 1].is(JsonKind::object)) refuse("a calibration is no object");
    bundle.calibrations[std::string(calibrations[i].text())] = calibration_of(calibrations[i + 1]);
  }
  if (!bundle.calibrations.contains("general")) refuse("there is no calibration named general");
  read_tables(manifest.field("tensors", JsonKind::list), tables, container.weights.size());
  bundle.encoder = std::make_unique<similarity::Encoder>(container.weights, tables[0], tables[1], roots, target);
  return bundle;
}

}  // namespace codewren
