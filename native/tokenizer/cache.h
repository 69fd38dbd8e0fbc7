// Code repeats its words, so the ids of a word are kept after the first time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codewren {

// A hash table of bounded size and bounded search: text chosen to collide only loses the speed-up. Not thread-safe.
class WordCache {
 public:
  static constexpr std::size_t kLongestWord = 64;

  static std::uint64_t hash(std::string_view word) {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
    std::uint64_t state = word.size() * kOdd;
    for (; word.size() > 8; word.remove_prefix(8)) state = mix(state ^ load(word.data(), 8));
    // The last 1 to 8 bytes, in fixed-size pieces that may overlap.
    if (word.size() >= 4) {
      state ^= load(word.data(), 4) | load(word.data() + word.size() - 4, 4) << 32;
    } else if (!word.empty()) {
      state ^= load(word.data(), 1) | load(word.data() + word.size() / 2, 1) << 8 | load(&word.back(), 1) << 16;
    }
    return mix(state);
  }

  // Adds the ids of `word` to `ids` if it is known.
  bool append(std::string_view word, std::uint64_t hash, std::vector<std::int32_t>& ids) const {
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      const Slot& slot = slots_[(hash + probe) % kSlots];
      if (!slot.used) return false;
      if (slot.hash == hash && std::string_view(words_).substr(slot.word, slot.word_size) == word) {
        ids.insert(ids.end(), ids_.begin() + slot.ids, ids_.begin() + slot.ids + slot.id_count);
        return true;
      }
    }
    return false;
  }

  // Remembers a word of at most kLongestWord bytes.
  void remember(std::string_view word, std::uint64_t hash, std::span<const std::int32_t> ids) {
    if (word_count_ == kSlots / 2) *this = WordCache();
    std::size_t index = hash % kSlots;  // taken over when all probes are in use
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      if (slots_[(hash + probe) % kSlots].used) continue;
      index = (hash + probe) % kSlots;
      break;
    }
    slots_[index] = {hash,
                     static_cast<std::uint32_t>(words_.size()),
                     static_cast<std::uint32_t>(ids_.size()),
                     static_cast<std::uint16_t>(word.size()),
                     static_cast<std::uint16_t>(ids.size()),
                     true};
    words_ += word;
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    ++word_count_;
  }

 private:
  static constexpr std::size_t kSlots = 1 << 14, kProbes = 16;

  struct Slot {
    std::uint64_t hash;
    std::uint32_t word, ids;  // where they start in words_ and ids_
    std::uint16_t word_size, id_count;
    bool used;
  };

  static std::uint64_t load(const char* from, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, size);
    return value;
  }

  static std::uint64_t mix(std::uint64_t value) {
    value *= 0xFF51AFD7ED558CCD;
    return value ^ value >> 32;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
  std::string words_;
  std::vector<std::int32_t> ids_;
  std::size_t word_count_ = 0;
};

}  // namespace codewren
