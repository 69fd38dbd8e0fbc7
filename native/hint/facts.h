// Places of a function that a reader would look at: what is copied, allocated, indexed or freed, and what was checked.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hint/features.h"

namespace codewren::hint {

struct Fact {
  std::uint32_t line;         // counted from 1
  std::string_view kind;      // copy, unbounded, allocation, index, format, command, free, freed
  std::string_view name;      // of the function that is called, or of what is indexed or freed
  std::string_view variable;  // that decides, or empty
  bool is_checked;            // whether it is compared with anything before
};

// Facts of a function whose features have been read, in order; they point into its text.
std::vector<Fact> read_facts(std::string_view text, const Features& features);

}  // namespace codewren::hint
