#include "bundle/hint_bundle.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bundle/arrays.h"
#include "kernel/tensors.h"

namespace codewren {
namespace {

constexpr std::int64_t most_entries = 1 << 22;
constexpr std::size_t most_heads = 64, slopes_of_counts = 2 * hint::measures + 1;
constexpr double largest = 1e12, long_tokens = 6;  // logarithm of the tokens where the line has its corner

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

double finite(const Json& value) {
  if (!(value.is(JsonKind::whole) || value.is(JsonKind::number)) || !(std::abs(value.number()) <= largest))
    refuse("a number is out of range, or none");
  return value.number();
}

double finite(const Json& object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) refuse("field " + std::string(key) + " is missing");
  return finite(*value);
}

using Members = std::vector<std::pair<std::string, Json>>;

// Keys in the order of their first values, each with its last value, as Python has them.
Members members_of(const Json& object) {
  const std::vector<Json> items = object.items();
  std::map<std::string_view, std::size_t> seen;
  Members members;
  for (std::size_t i = 0; i < items.size(); i += 2) {
    const auto [place, is_new] = seen.try_emplace(items[i].text(), members.size());
    if (is_new)
      members.emplace_back(items[i].text(), items[i + 1]);
    else
      members[place->second].second = items[i + 1];
  }
  return members;
}

Members heads_of(const Json& object) { return members_of(object.field("heads", JsonKind::object)); }

std::size_t index_of(const Members& heads, std::string_view name) {
  const auto head = std::find_if(heads.begin(), heads.end(), [&](const auto& known) { return known.first == name; });
  if (head == heads.end()) refuse("a calibration names an unknown head");
  return std::size_t(head - heads.begin());
}

HintCalibration calibration_of(const Json& raw, const Members& heads) {
  HintCalibration calibration{std::vector<double>(heads.size()), {}, finite(raw, "offset"), 0, 0};
  for (const auto& [name, slope] : heads_of(raw)) calibration.heads[index_of(heads, name)] = finite(slope);
  for (const Json& slope : raw.field("counts", JsonKind::list).items()) calibration.counts.push_back(finite(slope));
  if (calibration.counts.size() != slopes_of_counts) refuse("a calibration has not 19 slopes of counts");
  calibration.threshold = threshold_of(raw, "threshold");
  calibration.alert_threshold = alert_threshold_of(raw, calibration.threshold);
  return calibration;
}

hint::Settings settings_of(const Json& config, std::size_t heads) {
  check_keys(config, {"entries", "heads", "kind_entries", "kind_scale", "kinds"});
  const Members kinds = members_of(config.field("kinds", JsonKind::object));
  for (const auto& kind : kinds) finite(kind.second);
  finite(config, "kind_scale");
  if (!heads || heads > most_heads || kinds.size() > most_heads) refuse("there are no heads, or too many");
  const std::size_t entries = whole_of(config, "entries", 0, most_entries);
  return {entries, heads, whole_of(config, "kind_entries", 0, std::int64_t(entries)), kinds.size(), 0, 0, 0};
}

void place_arrays(const Json& rows, hint::Settings& s, std::size_t weight_bytes) {
  const Array arrays[] = {
      {"fingerprints", "uint32", {s.entries}, std::uint64_t(4) * s.entries, &s.fingerprints_offset},
      {"rows", "int8", {s.entries, s.heads}, std::uint64_t(s.entries) * s.heads, &s.rows_offset},
      {"kind_rows", "int8", {s.kind_entries, s.kinds}, std::uint64_t(s.kind_entries) * s.kinds, &s.kind_rows_offset}};
  read_arrays(rows, arrays, weight_bytes);
}

// The sum of some finite numbers, rounded once (Shewchuk 1997), as Python's math.fsum. This file is compiled without
// fused multiplications, which would not round the terms as Python does.
double exact_sum(std::span<const double> terms) {
  std::vector<double> partials;
  for (double term : terms) {
    std::size_t count = 0;
    for (double partial : partials) {
      if (std::abs(term) < std::abs(partial)) std::swap(term, partial);
      const double high = term + partial, low = partial - (high - term);
      if (low != 0) partials[count++] = low;
      term = high;
    }
    partials.resize(count);
    partials.push_back(term);
  }
  double sum = 0, low = 0;
  while (!partials.empty() && low == 0) {
    const double high = sum + partials.back();
    low = partials.back() - (high - sum);
    sum = high;
    partials.pop_back();
  }
  const bool goes_on = !partials.empty() && ((low < 0 && partials.back() < 0) || (low > 0 && partials.back() > 0));
  const double next = sum + 2 * low;
  return goes_on && next - sum == 2 * low ? next : sum;  // half way between two numbers, and more follows
}

}  // namespace

double HintBundle::probability(std::span<const std::int64_t> sums, const HintCalibration& calibration) const {
  const double root = sums[0] ? std::sqrt(double(sums[0])) : 1;
  std::vector<double> terms = {calibration.offset};
  for (std::size_t h = 0; h < steps.size(); ++h)
    terms.push_back(calibration.heads[h] * (steps[h] * double(sums[1 + h]) / root));
  const std::span<const std::int64_t> counts = sums.last(hint::measures);
  const std::vector<double>& slopes = calibration.counts;
  for (std::size_t m = 0; m < hint::measures; ++m) {
    terms.push_back(slopes[m] * std::log1p(double(counts[m])));
    terms.push_back(slopes[hint::measures + 1 + m] * std::sqrt(double(counts[m])));
  }
  terms.push_back(slopes[hint::measures] * std::max(0.0, std::log1p(double(counts[0])) - long_tokens));
  return 1 / (1 + std::exp(std::min(-exact_sum(terms), 700.0)));
}

HintBundle read_hint(const Container& container) {
  if (container.task.pair || container.task.labels.size() != 2)
    refuse("a hint judges functions by two labels, this one does not");
  check_lexer(container.tokenizer->root(), "hint");
  const Json manifest = container.manifest->root(), config = manifest.field("config", JsonKind::object);
  const Members heads = heads_of(config);
  hint::Settings settings = settings_of(config, heads.size());
  HintBundle bundle;
  for (const auto& head : heads) bundle.steps.push_back(finite(head.second));
  for (const auto& [name, raw] : members_of(manifest.field("calibrations", JsonKind::object))) {
    if (!raw.is(JsonKind::object)) refuse("a calibration is no object");
    bundle.calibrations[name] = calibration_of(raw, heads);
  }
  if (!bundle.calibrations.contains("general") || !bundle.calibrations.contains("review"))
    refuse("there is no calibration named general, or none named review");
  place_arrays(manifest.field("tensors", JsonKind::list), settings, container.weights.size());
  bundle.model = std::make_unique<hint::Model>(container.weights, settings);
  return bundle;
}

}  // namespace codewren
