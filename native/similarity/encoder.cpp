#include "similarity/encoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "kernel/tensors.h"
#include "parallel.h"
#include "similarity/hashes.h"

namespace codewren::similarity {
namespace {

constexpr double scale = 256;
constexpr std::size_t most_counted = 64;
constexpr std::size_t flush_features = 4096;  // so many add up to less than 2^31 in a sum of 32 bits
constexpr std::size_t longest_probe = 512;    // a table at most half full has no such run but by design

// round(16 * (1 + ln count))
constexpr std::uint8_t times_of_count[most_counted + 1] = {
    0,  16, 27, 34, 38, 42, 45, 47, 49, 51, 53, 54, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65,
    65, 66, 67, 68, 68, 69, 69, 70, 70, 71, 71, 72, 72, 73, 73, 74, 74, 75, 75, 75, 76, 76,
    77, 77, 77, 78, 78, 78, 79, 79, 79, 80, 80, 80, 80, 81, 81, 81, 82, 82, 82, 82, 83};

std::span<const std::uint8_t> range(std::span<const std::uint8_t> weights, std::size_t offset, std::size_t size) {
  if (offset > weights.size() || size > weights.size() - offset) throw DamagedError("a table lies outside the weights");
  return weights.subspan(offset, size);
}

// Distinct hashes with their counts, in the order in which they come first.
void count_distinct(std::span<const std::uint64_t> hashes, std::vector<std::uint32_t>& slots,
                    std::vector<std::pair<std::uint64_t, std::uint32_t>>& distinct) {
  const std::size_t size = std::bit_ceil(2 * hashes.size() + 2), mask = size - 1;
  slots.assign(size, 0);
  distinct.clear();
  distinct.reserve(hashes.size());
  for (const std::uint64_t hash : hashes) {
    std::size_t slot = (hash * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (slots[slot] && distinct[slots[slot] - 1].first != hash) slot = (slot + 1) & mask;
    if (slots[slot]) {
      ++distinct[slots[slot] - 1].second;
    } else {
      distinct.emplace_back(hash, 1);
      slots[slot] = std::uint32_t(distinct.size());
    }
  }
}

// Adds a feature at its hashed positions with its hashed signs.
void add_signs(std::uint64_t hash, std::int32_t amount, int bits, int fields, std::int32_t* sketch) {
  const std::uint64_t position_mask = (std::uint64_t(1) << (bits - 1)) - 1;
  std::uint64_t mixed = mix(hash);
  for (int field = 0; field < fields; ++field, mixed >>= bits) {
    const std::int32_t sign = -std::int32_t(mixed >> (bits - 1) & 1);
    sketch[mixed & position_mask] += (amount ^ sign) - sign;
  }
}

void flush(std::vector<std::int32_t>& sums, std::vector<std::int64_t>& totals) {
  for (std::size_t k = 0; k < sums.size(); ++k) totals[k] += sums[k];
  std::fill(sums.begin(), sums.end(), 0);
}

// Exact below 2^64, so that the root is that of the whole number, rounded once.
double norm_of(std::span<const std::int64_t> values) {
  std::uint64_t low = 0, high = 0;
  for (const std::int64_t value : values) {
    const std::uint64_t size = value < 0 ? 0 - std::uint64_t(value) : std::uint64_t(value);
    const std::uint64_t square = size * size;  // a text that made a sum of 2^32 would have a hundred million tokens
    low += square;
    high += low < square;
  }
  return std::sqrt(double(high) * 0x1p64 + double(low));
}

// Scaled to length 256 * root, rounded half to even, clipped.
void quantise(std::span<const std::int64_t> values, double root, std::int8_t* out) {
  const double norm = norm_of(values), factor = scale * root;
  if (norm == 0) {
    std::fill_n(out, values.size(), std::int8_t(0));
    return;
  }
  constexpr double to_whole = 0x1.8p52;  // adding it rounds half to even
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double exact = double(values[k]) * factor / norm;
    out[k] = std::int8_t(std::clamp(exact + to_whole - to_whole, -127.0, 127.0));
  }
}

}  // namespace

FeatureTable::FeatureTable(std::span<const std::uint8_t> weights, const TableSettings& settings)
    : rows(settings.rows),
      width(settings.width),
      sketch_width(settings.sketch_width),
      unknown_(std::int32_t(settings.unknown)) {
  constexpr std::size_t most = std::size_t(1) << 24;
  if (settings.entries > most || rows > settings.entries || width > most || sketch_width > most ||
      (sketch_width & (sketch_width - 1)) || unknown_ > 255)
    throw DamagedError("a table of features has impossible sizes");
  const auto fingerprints = range(weights, settings.fingerprints_offset, 4 * settings.entries);
  weights_ = range(weights, settings.weights_offset, settings.entries).data();
  rows_ = reinterpret_cast<const std::int8_t*>(range(weights, settings.rows_offset, rows * width).data());
  slots_.resize(std::bit_ceil(2 * settings.entries + 2));
  mask_ = slots_.size() - 1;
  for (std::size_t entry = 0; entry < settings.entries; ++entry) {
    const std::uint8_t* bytes = fingerprints.data() + 4 * entry;
    const std::uint32_t fingerprint = std::uint32_t(bytes[0]) | std::uint32_t(bytes[1]) << 8 |
                                      std::uint32_t(bytes[2]) << 16 | std::uint32_t(bytes[3]) << 24;
    std::size_t slot = slot_of(fingerprint), probes = 0;
    for (; slots_[slot].entry >= 0; slot = (slot + 1) & mask_)
      if (slots_[slot].fingerprint == fingerprint || ++probes > longest_probe)
        throw DamagedError("fingerprints of features collide");
    slots_[slot] = {fingerprint, std::int32_t(entry)};
  }
}

Encoder::Encoder(std::span<const std::uint8_t> weights, const TableSettings& names, const TableSettings& structure,
                 const std::array<double, 4>& roots, const std::string& target)
    : names_(weights, names),
      structure_(weights, structure),
      roots_(roots),
      kernels_(vector_kernels_named(target)),
      width_(names_.sketch_width + names_.width + structure_.width + structure_.sketch_width),
      head_begin_(names_.sketch_width),
      head_end_(names_.sketch_width + names_.width + structure_.width + structure_.sketch_width) {
  if (!width_ || width_ > (1u << 15)) throw DamagedError("the vectors have an impossible width");
  for (const double root : roots)
    if (!(root >= 0 && root <= 1)) throw DamagedError("a root of a share is out of range");
  if (head_begin_ == head_end_) head_begin_ = 0, head_end_ = width_;
}

void Encoder::pool(const FeatureTable& table, std::span<const std::uint64_t> hashes, Scratch& scratch) const {
  scratch.sketch_sums.assign(table.sketch_width, 0);
  scratch.dense_sums.assign(table.width, 0);
  scratch.sketch.assign(table.sketch_width, 0);
  scratch.dense.assign(table.width, 0);
  count_distinct(hashes, scratch.slots, scratch.distinct);
  const int bits = int(std::bit_width(table.sketch_width)), fields = bits ? 64 / bits : 0;
  for (std::size_t begin = 0; begin < scratch.distinct.size(); begin += flush_features) {
    const std::size_t end = std::min(scratch.distinct.size(), begin + flush_features);
    scratch.rows.clear();
    scratch.row_times.clear();
    for (std::size_t f = begin; f < end; ++f) {
      const auto [hash, count] = scratch.distinct[f];
      const std::int32_t times = times_of_count[std::min<std::size_t>(count, most_counted)];
      const std::int32_t entry = table.find(std::uint32_t(hash >> 32));
      if (table.has_row(entry)) {
        scratch.rows.push_back(table.row(entry));
        scratch.row_times.push_back(std::int16_t(times));
      }
      if (fields) add_signs(hash, times * table.weight(entry), bits, fields, scratch.sketch_sums.data());
    }
    kernels_->accumulate(scratch.rows.data(), scratch.row_times.data(), scratch.rows.size(), table.width,
                         scratch.dense_sums.data());
    flush(scratch.sketch_sums, scratch.sketch);
    flush(scratch.dense_sums, scratch.dense);
  }
}

void Encoder::encode_function(std::string_view text, bool python, Scratch& scratch, std::int8_t* out) const {
  read_features(text, python, scratch.features);
  pool(names_, scratch.features.names, scratch);
  quantise(scratch.sketch, roots_[0], out);
  out += names_.sketch_width;
  quantise(scratch.dense, roots_[1], out);
  out += names_.width;
  pool(structure_, scratch.features.structure, scratch);
  quantise(scratch.dense, roots_[2], out);
  out += structure_.width;
  quantise(scratch.sketch, roots_[3], out);
}

void Encoder::encode(std::span<const std::string_view> texts, std::span<const std::uint8_t> is_python,
                     std::size_t threads, std::span<std::int8_t> vectors) {
  if (texts.size() != is_python.size()) throw std::invalid_argument("not one language a text");
  if (vectors.size() != texts.size() * width_) throw std::invalid_argument("no room for the vectors");
  for_each_item(scratches_, texts.size(), threads, [&](Scratch& scratch, std::size_t i) {
    const bool python = is_python[i] == 2 ? looks_python(texts[i]) : is_python[i] == 1;
    encode_function(texts[i], python, scratch, vectors.data() + i * width_);
  });
}

}  // namespace codewren::similarity
