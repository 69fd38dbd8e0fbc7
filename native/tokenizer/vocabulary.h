// Tokens by id and by text: a sorted list, so that no vocabulary, however chosen, makes looking up slow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codewren {

inline constexpr std::int32_t kBegin = 0, kEnd = 2, kUnknown = 3, kSpecialTokens = 4, kNoToken = -1;

class Vocabulary {
 public:
  // Tokens that share a prefix of `depth` bytes.
  struct Prefix {
    std::size_t first, last, depth;
  };

  // Special tokens have ids but are not found by text.
  explicit Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
    if (tokens_.size() <= kSpecialTokens || tokens_.size() > INT32_MAX)
      throw std::invalid_argument("the vocabulary holds " + std::to_string(tokens_.size()) +
                                  " tokens, wanted 5 or more");
    for (std::size_t id = kSpecialTokens; id < tokens_.size(); ++id) sorted_.push_back(static_cast<std::int32_t>(id));
    std::sort(sorted_.begin(), sorted_.end(), [&](auto a, auto b) { return token(a) < token(b); });
    const auto same = [&](auto a, auto b) { return token(a) == token(b); };
    if (token(sorted_[0]).empty() || std::adjacent_find(sorted_.begin(), sorted_.end(), same) != sorted_.end())
      throw std::invalid_argument("the vocabulary holds an empty token, or one twice");
  }

  std::size_t size() const { return tokens_.size(); }
  std::string_view token(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)]; }
  Prefix all() const { return {0, sorted_.size(), 0}; }

  // Adds one byte to the prefix; false when no token has it.
  bool narrow(Prefix& prefix, char byte) const {
    const auto begin = sorted_.begin(), first = begin + offset(prefix.first), last = begin + offset(prefix.last);
    const auto byte_of = [&](std::int32_t id) {  // a token that ends here sorts first
      return prefix.depth < token(id).size() ? static_cast<unsigned char>(token(id)[prefix.depth]) : -1;
    };
    const int next_byte = static_cast<unsigned char>(byte);
    const auto low = std::partition_point(first, last, [&](auto id) { return byte_of(id) < next_byte; });
    const auto high = std::partition_point(low, last, [&](auto id) { return byte_of(id) == next_byte; });
    prefix = {static_cast<std::size_t>(low - begin), static_cast<std::size_t>(high - begin), prefix.depth + 1};
    return low != high;
  }

  bool narrow(Prefix& prefix, std::string_view bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return narrow(prefix, byte); });
  }

  // The id of the token that is the prefix itself, or kNoToken.
  std::int32_t match(const Prefix& prefix) const {
    if (prefix.first == prefix.last) return kNoToken;
    const std::int32_t id = sorted_[prefix.first];
    return token(id).size() == prefix.depth ? id : kNoToken;
  }

  std::int32_t find(std::string_view text) const {
    const auto token_at =
        std::partition_point(sorted_.begin(), sorted_.end(), [&](std::int32_t id) { return token(id) < text; });
    return token_at != sorted_.end() && token(*token_at) == text ? *token_at : kNoToken;
  }

 private:
  static std::ptrdiff_t offset(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

  std::vector<std::string> tokens_;
  std::vector<std::int32_t> sorted_;
};

}  // namespace codewren
