// Features of a function: hashes of name parts, names, literals, and of n-grams that renaming leaves alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "similarity/lexer.h"

namespace codewren::similarity {

// Buffers that are reused from function to function.
struct Features {
  std::vector<std::uint64_t> names, structure;  // with repeats

  std::vector<Token> tokens;
  // The normalised stream, item by item: its hash without and with its name, and which variable it is (or 0).
  std::vector<std::uint64_t> blanked, named, variable;
  std::string folded;
};

// Fills `names` and `structure`.
void read_features(std::string_view text, bool python, Features& features);

}  // namespace codewren::similarity
