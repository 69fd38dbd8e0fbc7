// The hashes of features: FNV-1a of text, mixed by the finaliser of splitmix64.
#pragma once

#include <cstdint>
#include <string_view>

namespace codewren::similarity {

enum FeatureClass : std::uint64_t { sub_token, whole_name, called_name, literal, pattern, named, symbol_class = 64 };

constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
  value = (value ^ value >> 27) * 0x94D049BB133111EBu;
  return value ^ value >> 31;
}

constexpr std::uint64_t fnv1a_begin(std::uint64_t seed) { return 0xCBF29CE484222325u ^ seed; }

constexpr std::uint64_t fnv1a_go_on(std::uint64_t value, std::string_view text) {
  for (const char c : text) value = (value ^ std::uint8_t(c)) * 0x100000001B3u;
  return value;
}

constexpr std::uint64_t hashed(FeatureClass feature_class, std::string_view text) {
  return mix(fnv1a_go_on(fnv1a_begin(feature_class), text));
}

constexpr std::uint64_t symbol(std::string_view text) { return hashed(symbol_class, text); }

// One step of the hash of an n-gram.
constexpr std::uint64_t fold(std::uint64_t value, std::uint64_t code) {
  value = (value ^ code) * 0x9E3779B97F4A7C15u;
  return value ^ value >> 29;
}

}  // namespace codewren::similarity
