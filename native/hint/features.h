// What a careful reader of C looks at: hashed features of every token of a function, each with the token it stands at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "similarity/lexer.h"

namespace codewren::hint {

// The low bits of a feature's hash say of which class it is.
enum FeatureClass : std::uint64_t {
  sub_token,
  text_token,
  own_token,
  whole_name,
  called_name,
  named_pair,
  ending_pair,
  argument,
  argument_name,
  argument_check,
  index_shape,
  index_name,
  result_check,
  dereference,
  feature_classes
};
constexpr std::uint64_t class_mask = 31;

struct Occurrence {
  std::uint64_t hash;
  std::uint32_t token;
};

// Counts of a whole function.
enum Measure {
  tokens_measure,
  lines_measure,
  calls_measure,
  depth_measure,
  loops_measure,
  branches_measure,
  returns_measure,
  indices_measure,
  dereferences_measure,
  measures
};

constexpr std::uint32_t never = ~std::uint32_t(0);

struct Features {
  std::vector<Occurrence> occurrences;
  std::array<std::uint32_t, measures> counts;
  std::vector<similarity::Token> tokens;

  // Token by token: its hash with the names of calls and members, the hash of its last sub-token, and the number of
  // its variable (0 for none).
  std::vector<std::uint64_t> named, endings;
  std::vector<std::uint32_t> variables;
  std::vector<std::uint32_t> compared_at;  // variable by variable: the token of its first comparison, or never
  std::vector<std::pair<std::uint64_t, std::uint32_t>> variable_slots;
  std::string folded;
};

// Fills `occurrences` and `counts`.
void read_features(std::string_view text, Features& features);

}  // namespace codewren::hint
