// What the sentence of an explanation may name: places where the text itself shows that something may go wrong.
#pragma once

#include <string_view>
#include <vector>

#include "hint/facts.h"

namespace codewren::hint {

// Evidence of a function whose features have been read, in order; it points into its text. Unlike `read_facts`, which
// the measures of lines count and trees were fitted on, it leaves out what is harmless for certain.
std::vector<Fact> read_evidence(std::string_view text, const Features& features);

}  // namespace codewren::hint
