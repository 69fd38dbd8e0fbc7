// Text to token ids. Implemented in tokenizer.cpp, used by the kernel and by the Python bindings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codewren {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Replaces `text` by source code as `encode` wants it: white space collapsed, then the tokenizer's normalisation.
  virtual void normalize(std::string_view code, std::string& text) const = 0;

  // Replaces `ids` by the ids of a normalised UTF-8 text, `<s>` and `</s>` included where this tokenizer adds them,
  // at most `max_length` in all. Safe to call from several threads at once.
  virtual void encode(std::string_view text, std::size_t max_length, std::vector<std::int32_t>& ids) const = 0;
};

}  // namespace codewren
