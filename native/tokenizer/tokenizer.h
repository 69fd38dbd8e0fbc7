// Text to token ids, for the kernel and for the Python bindings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace codewren {

// Token ids of source code whose lines are told apart.
struct Lines {
  std::vector<std::int32_t> ids;   // as `Tokenizer::encode` gives them
  std::vector<std::size_t> ends;   // of each line, one past its last token; the first line begins at `begin`
  std::size_t begin, read, total;  // read and total are tokens of the text, `<s>` and `</s>` aside
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Replaces `text` by source code as `encode` wants it: white space collapsed, then the tokenizer's normalisation.
  virtual void normalize(std::string_view code, std::string& text) const = 0;

  // Replaces `ids` by the ids of a normalised UTF-8 text, `<s>` and `</s>` included where this tokenizer adds them,
  // at most `max_length` in all. Safe to call from several threads at once.
  virtual void encode(std::string_view text, std::size_t max_length, std::vector<std::int32_t>& ids) const = 0;

  // Replaces `lines` by the ids that normalize and encode give, and where each line of the source code ends in them.
  virtual void encode_lines(std::string_view code, std::size_t max_length, Lines& lines) const = 0;
};

// The fields of a TokenizerSpec; `kind` is bpe, wordpiece, unigram or word.
struct TokenizerSettings {
  std::string kind;
  std::vector<std::string> vocab;
  std::vector<std::int32_t> merges;  // pairs of ids, by rank
  std::vector<double> scores;
  bool lowercase, nfkd, strip_accents, add_prefix_space, add_special_tokens;
};

// Throws std::invalid_argument where the settings make no tokenizer.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerSettings settings);

}  // namespace codewren
