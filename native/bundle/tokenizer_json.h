// The tokenizer of a student: `tokenizer.json`, checked.
#pragma once

#include <memory>
#include <string_view>

#include "bundle/json.h"
#include "tokenizer/tokenizer.h"

namespace codewren {

// Throws DamagedError where a field is not what the format promises, or the kind or the number of tokens is another.
std::unique_ptr<Tokenizer> read_tokenizer(const Json& raw, std::string_view kind, std::size_t vocab_size);

}  // namespace codewren
