#include "bundle/similarity_bundle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "kernel/tensors.h"

namespace codewren {
namespace {

constexpr std::int64_t most_entries = 1 << 22, widest = 1 << 12;
constexpr std::int32_t square = 1 << 16;  // dot product of a vector with itself, but for rounding

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

// No keys but these.
template <std::size_t count>
void check_keys(const Json& object, const std::array<std::string_view, count>& known) {
  const std::vector<Json> items = object.items();
  for (std::size_t i = 0; i < items.size(); i += 2)
    if (std::find(known.begin(), known.end(), items[i].text()) == known.end())
      refuse("an unknown key of the config; take a newer codewren");
}

// A table's sizes; where its arrays lie is still to be read.
similarity::TableSettings table_of(const Json& raw) {
  check_keys(raw, std::array<std::string_view, 5>{"entries", "rows", "width", "sketch_width", "unknown"});
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

// An array of a table, as the tensor table must state it; `offset` is where it was found.
struct Array {
  std::string name;
  std::string_view dtype;
  std::vector<std::size_t> shape;
  std::uint64_t bytes;
  std::size_t* offset;
};

bool has_shape(const Json& row, const Array& array) {
  const Json stated = row.field("shape", JsonKind::list);
  const std::vector<Json> sizes = stated.items();
  return std::equal(sizes.begin(), sizes.end(), array.shape.begin(), array.shape.end(),
                    [](const Json& a, std::size_t b) { return a.is(JsonKind::whole) && a.whole() == std::int64_t(b); });
}

void read_array(const Json& row, const Array& array, std::size_t weight_bytes) {
  if (row.field("dtype", JsonKind::text).text() != array.dtype || !has_shape(row, array) ||
      array.bytes > weight_bytes || whole_of(row, "nbytes", 0, std::int64_t(1) << 40) != array.bytes)
    refuse("tensor " + array.name + " is not as the config wants it");
  *array.offset = offset_of(row, "offset", weight_bytes);
}

void read_arrays(const Json& rows, std::array<similarity::TableSettings, 2>& tables, std::size_t weight_bytes) {
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < 2; ++i) {
    similarity::TableSettings& t = tables[i];
    const std::string name = i ? "structure." : "names.";
    arrays.push_back({name + "fingerprints", "uint32", {t.entries}, 4 * t.entries, &t.fingerprints_offset});
    arrays.push_back({name + "weights", "uint8", {t.entries}, t.entries, &t.weights_offset});
    arrays.push_back({name + "rows", "int8", {t.rows, t.width}, std::uint64_t(t.rows) * t.width, &t.rows_offset});
  }
  std::vector<ByteRange> ranges;
  std::vector<const Array*> seen;
  for (const Json& row : rows.items()) {
    if (!row.is(JsonKind::object)) refuse("a row of the tensor table is no object");
    const std::string_view name = row.field("name", JsonKind::text).text();
    const auto array = std::find_if(arrays.begin(), arrays.end(), [&](const Array& a) { return a.name == name; });
    if (array == arrays.end() || std::find(seen.begin(), seen.end(), &*array) != seen.end())
      refuse("the table names an unknown tensor, or one twice");
    read_array(row, *array, weight_bytes);
    seen.push_back(&*array);
    ranges.push_back({*array->offset, *array->offset + std::size_t(array->bytes)});
  }
  if (seen.size() != arrays.size()) refuse("the table has not as many tensors as the config wants");
  check_ranges(ranges, weight_bytes);
}

Calibration calibration_of(const Json& raw) {
  Calibration calibration{number_of(raw, "slope"), number_of(raw, "offset"), threshold_of(raw, "threshold"), 0};
  calibration.alert_threshold = alert_threshold_of(raw, calibration.threshold);
  if (!(calibration.slope > 0 && std::isfinite(calibration.slope) && std::isfinite(calibration.offset)))
    refuse("a calibration is out of range");
  return calibration;
}

void check_tokenizer(const Json& tokenizer) {
  const auto kind = tokenizer.find("kind"), version = tokenizer.find("version");
  if (tokenizer.items().size() != 4 || !kind || !kind->is(JsonKind::text) || kind->text() != "source" || !version ||
      !version->is(JsonKind::whole) || version->whole() != 1)
    refuse("tokenizer.json names another lexer than this library's; take a newer codewren");
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
  check_tokenizer(container.tokenizer->root());
  const Json manifest = container.manifest->root(), config = manifest.field("config", JsonKind::object);
  check_keys(config, std::array<std::string_view, 3>{"names", "structure", "roots"});
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
  read_arrays(manifest.field("tensors", JsonKind::list), tables, container.weights.size());
  bundle.encoder = std::make_unique<similarity::Encoder>(container.weights, tables[0], tables[1], roots, target);
  return bundle;
}

}  // namespace codewren
