// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

#include "unicode/text.h"

namespace codewren::unicode {

// How many bytes at the begin are well-formed UTF-8: all of them, or those before the first that is not.
inline std::size_t valid_prefix(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Decoded next = decode(text, at);
    const std::size_t least = next.size == 4 ? 0x10000 : next.size == 3 ? 0x800 : 0x80;
    if (next.size == 1 || next.code < least || next.code > 0x10FFFF || (next.code >= 0xD800 && next.code < 0xE000))
      return at;
    at += next.size;
  }
  return text.size();
}

}  // namespace codewren::unicode
