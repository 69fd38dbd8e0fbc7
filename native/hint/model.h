// The hint: a weight of each known feature for each head, added up over a function and over its lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "hint/features.h"
#include "pool.h"

namespace codewren::hint {

// Sizes as the bundle states them; offsets are bytes of its weights.
struct Settings {
  std::size_t entries, heads, kind_entries, kinds;
  std::size_t fingerprints_offset, rows_offset, kind_rows_offset;
};

class Model {
 public:
  // `weights` must outlive the model. Throws DamagedError where the settings do not fit them.
  Model(std::span<const std::uint8_t> weights, const Settings& settings);

  // Numbers of a function in what `sums` returns: squares, heads, kinds, measures.
  std::size_t width() const { return 1 + settings_.heads + settings_.kinds + measures; }

  // Function by function: the sum of the squares of its features' damped counts, the sum of each head and each kind,
  // and the measures.
  std::vector<std::int64_t> sums(std::span<const std::string_view> texts, std::size_t threads);

  // What each line adds to the sum of `factors[h]` times head h, over the root of the squares.
  std::vector<std::vector<double>> lines(std::span<const std::string_view> texts, std::span<const double> factors,
                                         std::size_t threads);

 private:
  struct Slot {
    std::uint32_t fingerprint = 0;
    std::int32_t entry = -1;
  };

  // Buffers that are reused from function to function.
  struct Scratch {
    Features features;
    std::vector<std::int32_t> entries;   // of each occurrence, or -1
    std::vector<std::uint32_t> counts;   // of each entry
    std::vector<std::int32_t> distinct;  // entries whose count is not 0
    std::vector<double> shares;          // of each entry that is there: what one occurrence adds
    std::vector<std::uint32_t> lines;    // of each token, counted from 0
  };

  std::int32_t find(std::uint32_t fingerprint) const {
    for (std::size_t slot = slot_of(fingerprint);; slot = (slot + 1) & mask_) {
      const Slot& candidate = slots_[slot];
      if (candidate.entry < 0 || candidate.fingerprint == fingerprint) return candidate.entry;
    }
  }
  std::size_t slot_of(std::uint32_t fingerprint) const { return (fingerprint * 0x9E3779B1u >> 7) & mask_; }

  void count(std::string_view text, Scratch& scratch) const;
  void add_up(const Scratch& scratch, std::int64_t* out) const;
  void weigh(Scratch& scratch, std::span<const double> factors) const;
  std::vector<double> add_up_lines(std::string_view text, Scratch& scratch) const;

  Settings settings_;
  const std::int8_t *rows_, *kind_rows_;
  std::vector<Slot> slots_;
  std::size_t mask_;
  Pool<Scratch> scratches_;
};

}  // namespace codewren::hint
