// Formats of printf and scanf: which of their conversions write as much as they are given.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace codewren::hint {

// A conversion of printf's that may write more than a number does.
struct OpenConversion {
  std::size_t argument;  // that decides how much, counted from 0 behind the format
  bool is_text;          // it is written; otherwise it says how wide a number becomes
};

// Those of a format of printf's, without its quotation marks.
std::vector<OpenConversion> open_conversions(std::string_view format);

// Whether a format of scanf's holds `%s` or `%[` without a width.
bool scans_without_width(std::string_view format);

}  // namespace codewren::hint
