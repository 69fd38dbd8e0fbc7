// What a line of a function is made of, for the trees that say where a security patch would change it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "hint/features.h"

namespace codewren::hint {

// Measures of a line, in the order of `docs/bundle-format.md`; none is above 255.
enum LineMeasure : std::size_t {
  line_bytes,
  line_tokens,
  line_variables,
  line_calls,
  line_numbers,
  line_strings,
  line_assignments,
  line_comparisons,
  line_conjunctions,
  line_negations,
  line_indices,
  line_members,
  line_products,
  line_sums,
  line_shifts,
  line_commas,
  line_branches,
  line_loops,
  line_jumps,
  line_sizes,
  line_types,
  line_capitals,
  line_compared,
  line_uncompared,
  line_first,
  line_last,
  line_uses,
  line_facts,
  line_unchecked,
  line_goes_on,
  line_declares,
  line_depth,
  line_place,
  line_number,
  line_behind,
  line_all,
  line_size_words,
  line_failure_words,
  line_freeing_words,
  line_copying_words,
  own_line_measures
};

// What is also known of the line before and of the line behind that hold tokens.
constexpr LineMeasure neighbour_measures[] = {line_tokens,   line_calls, line_assignments,
                                              line_branches, line_loops, line_jumps,
                                              line_declares, line_facts, line_failure_words};
constexpr std::size_t line_measures = own_line_measures + 2 * std::size(neighbour_measures);

struct LineMeasures {
  std::uint32_t line;  // counted from 0
  bool is_telling;     // whether a token begins on it that is no operator
  std::array<std::uint8_t, line_measures> values;
};

// Of the lines on which a token begins, in order; `features` are those of the text.
std::vector<LineMeasures> read_line_measures(std::string_view text, const Features& features);

}  // namespace codewren::hint
