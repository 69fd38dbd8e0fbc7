// Classes of bytes, and the ends of comments and strings.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace codewren {

enum CharacterClass : std::uint8_t { kSpace = 1, kDigit = 2, kNameStart = 4, kWord = 8 };

inline constexpr std::array<std::uint8_t, 256> kCharacterClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
    classes[c] = static_cast<std::uint8_t>((is_space ? kSpace : 0) | (is_digit ? kDigit | kWord : 0) |
                                           (is_letter ? kNameStart | kWord : 0));
  }
  return classes;
}();

inline bool is(char c, CharacterClass wanted) { return kCharacterClasses[static_cast<unsigned char>(c)] & wanted; }

inline char at(std::string_view text, std::size_t index) { return index < text.size() ? text[index] : '\0'; }

// One past the end of a comment of several lines that begins at `start`, or the end of the text.
inline std::size_t block_comment_end(std::string_view text, std::size_t start) {
  const std::size_t close = text.find("*/", start + 2);
  return close == text.npos ? text.size() : close + 2;
}

inline std::size_t line_end(std::string_view text, std::size_t start) {
  return std::min(text.find('\n', start), text.size());
}

// Ends of strings on one line. Where a string has none, no later one of its quote before that point has: it is looked
// for once, or a line of quotes would take quadratic time.
class StringEnds {
 public:
  explicit StringEnds(std::string_view text) : text_(text) {}

  // One past the closing quote of the string that begins at `start`, or `npos` if its line has none.
  std::size_t operator()(std::size_t start) {
    const char quote = text_[start];
    std::size_t& hopeless = hopeless_[quote == '"'];
    if (start < hopeless) return text_.npos;
    std::size_t i = start + 1;
    for (; i < text_.size() && text_[i] != '\n'; ++i) {
      if (text_[i] == quote) return i + 1;
      if (text_[i] == '\\' && (++i >= text_.size() || text_[i] == '\n')) break;
    }
    hopeless = i;
    return text_.npos;
  }

 private:
  std::string_view text_;
  std::size_t hopeless_[2] = {0, 0};
};

}  // namespace codewren
