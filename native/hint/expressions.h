// Expressions of a function whose features have been read: arguments, literals, and which variable decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hint/features.h"

namespace codewren::hint {

// Tokens from `begin` to before `end`.
struct Range {
  std::size_t begin, end;
  bool is_empty() const { return begin >= end; }
};

// A text in lower case, letters of ASCII only.
std::string lowered(std::string_view text);

class Expressions {
 public:
  explicit Expressions(const Features& features);

  bool is(std::size_t k, std::string_view wanted) const { return k < tokens_.size() && tokens_[k].text == wanted; }
  bool is_member(std::size_t k) const { return k && (is(k - 1, "->") || is(k - 1, ".")); }
  bool is_called(std::size_t k) const { return tokens_[k].kind == similarity::Kind::word && is(k + 1, "("); }

  // Whether the variable of a token is compared with anything before another token.
  bool is_checked(std::size_t k, std::size_t before) const {
    return features_.compared_at[features_.variables[k]] < before;
  }

  // Whether `strlen` is asked for the variable of a token before it.
  bool is_measured(std::size_t k) const { return measured_at_[features_.variables[k]] < k; }

  // The arguments of a call whose name stands at `at`; none where its end is far or there is none.
  std::vector<Range> arguments(std::size_t at) const;

  // What is behind the index bracket at `at`.
  Range index(std::size_t at) const;

  // The variable that says how large a value is: the last that is not compared before `range.begin`, or else the last
  // one; or the number of tokens. Constants, sizes of types, and variables that have been given either are none, nor
  // are objects whose member is taken, and those whose `strlen` is asked for, where lengths do not count.
  std::size_t deciding(Range range, bool with_lengths = true) const;

  // Whether a range holds literals and constants only; a condition before `?` does not count.
  bool is_literal(Range range) const;

  // What the strings of a range hold, without quotation marks; PRIu64 and its like stand for `d`, other
  // macros for a width.
  std::string literal_text(Range range) const;

  // Whether a remainder, a mask, a minimum or a type of one byte keeps a value small.
  bool is_kept_small(Range range) const;

  bool has(Range range, std::string_view wanted) const;

 private:
  struct Write {
    std::size_t token;
    bool is_bounded;
  };

  void hide(std::size_t sizeof_at);
  void hide_call(std::size_t open);
  std::size_t closing(std::size_t open) const;
  bool is_length(std::size_t k) const;
  bool is_cast_to_byte(std::size_t k) const;
  void note_write(std::size_t k);
  Range right_side(std::size_t assignment) const;
  bool is_minimum(std::size_t k) const;
  bool varies(std::size_t k) const;
  bool is_bounded(std::size_t k) const;
  Range alternatives(Range range) const;

  const Features& features_;
  const std::vector<similarity::Token>& tokens_;
  std::vector<bool> hidden_;                // of each token: whether it stands where a size alone is asked for
  std::vector<std::vector<Write>> writes_;  // of each variable
  std::vector<std::size_t> measured_at_;    // of each variable: where `strlen` is asked for it first
  std::size_t first_jump_;                  // the first loop, or a jump
};

}  // namespace codewren::hint
