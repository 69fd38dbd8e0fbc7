// What bundles of tables have in common: arrays that the config wants and the tensor table must name, a lexer's name.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/container.h"

namespace codewren {

// An array, as the tensor table must state it; `offset` is where it was found.
struct Array {
  std::string name;
  std::string_view dtype;
  std::vector<std::size_t> shape;
  std::uint64_t bytes;
  std::size_t* offset;
};

// Finds all arrays and nothing else in the tensor table, side by side in the weights; throws DamagedError.
void read_arrays(const Json& rows, std::span<const Array> arrays, std::size_t weight_bytes);

// Throws DamagedError where an object has another key than these.
void check_keys(const Json& object, std::initializer_list<std::string_view> known);

// Throws DamagedError where `tokenizer.json` is not the name of this lexer, version 1.
void check_lexer(const Json& tokenizer, std::string_view name);

}  // namespace codewren
