// Cutting normalised text into the words that a tokenizer's model sees one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "unicode/text.h"

namespace codewren {

// A position in text, and what stands there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

 protected:
  bool at_end() const { return at_ == text_.size(); }
  unicode::Decoded peek() const { return unicode::decode(text_, at_); }
  std::string_view since(std::size_t start) const { return text_.substr(start, at_ - start); }

  // Moves on while `holds` is true for the flags of the character.
  template <typename Predicate>
  void skip_while(Predicate holds) {
    while (!at_end()) {
      const unicode::Decoded next = peek();
      if (!holds(unicode::flags_of(next.code))) return;
      at_ += next.size;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// GPT-2's words: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
class ByteLevelWords : Scanner {
 public:
  using Scanner::Scanner;

  bool next(std::string_view& word) {
    if (at_end()) return false;
    const std::size_t start = at_;
    if (!contraction() && !run_after_optional_space()) white_space();
    word = since(start);
    return true;
  }

 private:
  static constexpr std::uint8_t kKinds = unicode::kLetter | unicode::kNumber | unicode::kSpace;

  bool contraction() {
    if (text_[at_] != '\'') return false;
    const std::string_view following = text_.substr(at_ + 1, 2);
    for (std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"}) {
      if (following.starts_with(ending)) {
        at_ += 1 + ending.size();
        return true;
      }
    }
    return false;
  }

  bool run_after_optional_space() {
    const std::size_t start = at_;
    if (text_[at_] == ' ') ++at_;
    const std::uint8_t kind = at_end() ? unicode::kSpace : unicode::flags_of(peek().code) & kKinds;
    if (kind == unicode::kSpace) {
      at_ = start;
      return false;
    }
    skip_while([kind](std::uint8_t flags) { return (flags & kKinds) == kind; });
    return true;
  }

  // All of the white space at the end of the text; elsewhere the last one is left to the word that follows.
  void white_space() {
    std::size_t last = at_, count = 0;
    while (!at_end() && unicode::flags_of(peek().code) & unicode::kSpace) {
      last = at_;
      at_ += peek().size;
      ++count;
    }
    if (!at_end() && count > 1) at_ = last;
  }
};

// \w+|[^\w\s]+, and with `single_digits` every digit by itself.
class PlainWords : Scanner {
 public:
  PlainWords(std::string_view text, bool single_digits)
      : Scanner(text), digit_(single_digits ? std::uint8_t{unicode::kDigit} : std::uint8_t{0}) {}

  bool next(std::string_view& word) {
    skip_while([](std::uint8_t flags) { return flags & unicode::kSpace; });
    if (at_end()) return false;
    const std::size_t start = at_;
    const unicode::Decoded first = peek();
    const std::uint8_t kinds = unicode::kWord | unicode::kSpace | digit_;
    const std::uint8_t kind = unicode::flags_of(first.code) & kinds;
    if (kind & digit_) {
      at_ += first.size;
    } else {
      skip_while([kind, kinds](std::uint8_t flags) { return (flags & kinds) == kind; });
    }
    word = since(start);
    return true;
  }

 private:
  std::uint8_t digit_;
};

// Words that start at a space, at U+2581 or at the text's own start; each is given without that mark.
class MarkedWords {
 public:
  static constexpr std::string_view kMark = "\u2581";

  explicit MarkedWords(std::string_view text) : remaining_(text), done_(text.empty()) { skip_mark(); }

  bool next(std::string_view& word) {
    if (done_) return false;
    std::size_t end = 0;
    while (end < remaining_.size() && remaining_[end] != ' ' && !remaining_.substr(end).starts_with(kMark)) ++end;
    word = remaining_.substr(0, end);
    remaining_.remove_prefix(end);
    done_ = remaining_.empty();
    skip_mark();
    return true;
  }

 private:
  void skip_mark() {
    if (remaining_.starts_with(' ')) {
      remaining_.remove_prefix(1);
    } else if (remaining_.starts_with(kMark)) {
      remaining_.remove_prefix(kMark.size());
    }
  }

  std::string_view remaining_;
  bool done_;
};

}  // namespace codewren
