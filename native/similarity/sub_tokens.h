// Names as the words they are made of: readBytes is "read", "bytes".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "similarity/hashes.h"

namespace codewren::similarity {

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr char lowered(char c) { return is_upper(c) ? char(c + 32) : c; }

inline std::uint64_t hashed_lowered(std::uint64_t seed, std::string_view text) {
  for (const char c : text) seed = (seed ^ std::uint8_t(lowered(c))) * 0x100000001B3u;
  return mix(seed);
}

// Calls `visit` with the matches of [A-Z]+(?![a-z])|[A-Z]?[a-z]+ in a text, as they stand.
template <typename Visit>
void each_sub_token(std::string_view text, Visit visit) {
  for (std::size_t p = 0; p < text.size();) {
    std::size_t end = p;
    while (end < text.size() && is_upper(text[end])) ++end;
    if (end < text.size() && is_lower(text[end])) {
      if (end - p > 1)
        --end;  // HTTPHeader: the last capital belongs to the next word
      else
        while (end < text.size() && is_lower(text[end])) ++end;
    }
    if (end > p) visit(text.substr(p, end - p));
    p = end > p ? end : p + 1;
  }
}

}  // namespace codewren::similarity
