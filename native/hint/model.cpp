#include "hint/model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "kernel/tensors.h"
#include "parallel.h"

namespace codewren::hint {
namespace {

constexpr std::size_t most_entries = std::size_t(1) << 24, most_heads = 64;
constexpr std::size_t longest_probe = 512;  // a table at most half full has no such run but by design
constexpr std::uint32_t most_counted = 64;

// round(16 * (1 + ln count))
constexpr std::uint8_t damped_counts[most_counted + 1] = {
    0,  16, 27, 34, 38, 42, 45, 47, 49, 51, 53, 54, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65,
    65, 66, 67, 68, 68, 69, 69, 70, 70, 71, 71, 72, 72, 73, 73, 74, 74, 75, 75, 75, 76, 76,
    77, 77, 77, 78, 78, 78, 79, 79, 79, 80, 80, 80, 80, 81, 81, 81, 82, 82, 82, 82, 83};

std::int32_t damped_count(std::uint32_t count) { return damped_counts[std::min(count, most_counted)]; }

const std::uint8_t* range(std::span<const std::uint8_t> weights, std::size_t offset, std::size_t size) {
  if (offset > weights.size() || size > weights.size() - offset) throw DamagedError("a table lies outside the weights");
  return weights.data() + offset;
}

}  // namespace

Model::Model(std::span<const std::uint8_t> weights, const Settings& settings) : settings_(settings) {
  const auto& [entries, heads, kind_entries, kinds, fingerprints_offset, rows_offset, kind_rows_offset] = settings;
  if (entries > most_entries || heads > most_heads || kind_entries > entries || kinds > most_heads)
    throw DamagedError("a table of features has impossible sizes");
  rows_ = reinterpret_cast<const std::int8_t*>(range(weights, rows_offset, entries * heads));
  kind_rows_ = reinterpret_cast<const std::int8_t*>(range(weights, kind_rows_offset, kind_entries * kinds));
  const std::uint8_t* bytes = range(weights, fingerprints_offset, 4 * entries);
  slots_.resize(std::bit_ceil(2 * entries + 2));
  mask_ = slots_.size() - 1;
  for (std::size_t entry = 0; entry < entries; ++entry, bytes += 4) {
    const std::uint32_t fingerprint = std::uint32_t(bytes[0]) | std::uint32_t(bytes[1]) << 8 |
                                      std::uint32_t(bytes[2]) << 16 | std::uint32_t(bytes[3]) << 24;
    std::size_t slot = slot_of(fingerprint), probes = 0;
    for (; slots_[slot].entry >= 0; slot = (slot + 1) & mask_)
      if (slots_[slot].fingerprint == fingerprint || ++probes > longest_probe)
        throw DamagedError("fingerprints of features collide");
    slots_[slot] = {fingerprint, std::int32_t(entry)};
  }
}

void Model::count(std::string_view text, Scratch& scratch) const {
  for (const std::int32_t entry : scratch.distinct) scratch.counts[entry] = 0;
  scratch.entries.clear();
  scratch.distinct.clear();
  scratch.counts.resize(settings_.entries);
  read_features(text, scratch.features);
  for (const Occurrence& occurrence : scratch.features.occurrences) {
    const std::int32_t entry = find(std::uint32_t(occurrence.hash >> 32));
    scratch.entries.push_back(entry);
    if (entry >= 0 && !scratch.counts[entry]++) scratch.distinct.push_back(entry);
  }
}

void Model::add_up(const Scratch& scratch, std::int64_t* out) const {
  std::int64_t *heads = out + 1, *kinds = heads + settings_.heads;
  for (const std::int32_t entry : scratch.distinct) {
    const std::int64_t amount = damped_count(scratch.counts[entry]);
    const std::int8_t* row = rows_ + entry * settings_.heads;
    out[0] += amount * amount;
    for (std::size_t h = 0; h < settings_.heads; ++h) heads[h] += amount * row[h];
    if (std::size_t(entry) < settings_.kind_entries)
      for (std::size_t k = 0; k < settings_.kinds; ++k) kinds[k] += amount * kind_rows_[entry * settings_.kinds + k];
  }
  std::copy(scratch.features.counts.begin(), scratch.features.counts.end(), kinds + settings_.kinds);
}

void Model::weigh(Scratch& scratch, std::span<const double> factors) const {
  std::int64_t squares = 0;
  for (const std::int32_t entry : scratch.distinct) {
    const std::int64_t amount = damped_count(scratch.counts[entry]);
    squares += amount * amount;
  }
  scratch.shares.resize(settings_.entries);
  for (const std::int32_t entry : scratch.distinct) {
    const std::uint32_t count = scratch.counts[entry];
    double weight = 0;
    for (std::size_t h = 0; h < settings_.heads; ++h) weight += factors[h] * rows_[entry * settings_.heads + h];
    scratch.shares[entry] = weight * damped_count(count) / (std::sqrt(double(squares)) * count);
  }
}

std::vector<double> Model::add_up_lines(std::string_view text, Scratch& scratch) const {
  scratch.lines.clear();
  const char* from = text.data();
  std::uint32_t line = 0;
  for (const similarity::Token& token : scratch.features.tokens) {
    line += std::uint32_t(std::count(from, token.text.data(), '\n'));
    scratch.lines.push_back(line);
    from = token.text.data();
  }
  std::vector<double> sums(std::size_t(std::count(text.begin(), text.end(), '\n')) + 1);
  for (std::size_t k = 0; k < scratch.entries.size(); ++k)
    if (const std::int32_t entry = scratch.entries[k]; entry >= 0)
      sums[scratch.lines[scratch.features.occurrences[k].token]] += scratch.shares[entry];
  return sums;
}

std::vector<std::int64_t> Model::sums(std::span<const std::string_view> texts, std::size_t threads) {
  std::vector<std::int64_t> rows(texts.size() * width());
  for_each_item(scratches_, texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    count(texts[i], scratch);
    add_up(scratch, rows.data() + i * width());
  });
  return rows;
}

std::vector<std::vector<double>> Model::lines(std::span<const std::string_view> texts, std::span<const double> factors,
                                              std::size_t threads) {
  if (factors.size() != settings_.heads) throw std::invalid_argument("not one factor a head");
  std::vector<std::vector<double>> rows(texts.size());
  for_each_item(scratches_, texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    count(texts[i], scratch);
    weigh(scratch, factors);
    rows[i] = add_up_lines(texts[i], scratch);
  });
  return rows;
}

}  // namespace codewren::hint
