#include "similarity/features.h"

#include <algorithm>

#include "similarity/sub_tokens.h"
#include "similarity/words.h"

namespace codewren::similarity {
namespace {

constexpr std::size_t largest_pattern = 6, largest_named = 3;
constexpr std::size_t short_string = 6;  // bytes of a literal, quotes included, that stays itself in the named stream

const PlainWords plain_words;
constexpr std::uint64_t call_symbol = symbol("<call>"), member_symbol = symbol("<member>"),
                        variable_symbol = symbol("<variable>"), number_symbol = symbol("<number>"),
                        string_symbol = symbol("<string>");

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t hashed_after(FeatureClass feature_class, std::string_view prefix, std::string_view text) {
  return mix(fnv1a_go_on(fnv1a_go_on(fnv1a_begin(feature_class), prefix), text));
}

class Reader {
 public:
  Reader(const std::vector<Token>& tokens, Features& features) : tokens_(tokens), out_(features) {}

  void run() {
    std::string_view before;
    for (std::size_t k = 0; k < tokens_.size(); ++k) {
      const auto [kind, text] = tokens_[k];
      switch (kind) {
        case Kind::op:
          plain(text, symbol(text));
          break;
        case Kind::number:
          number(text);
          break;
        case Kind::string:
          string(text);
          break;
        case Kind::word:
          word(text, before == "." || before == "->" || before == "::" || before == "?.",
               k + 1 < tokens_.size() && tokens_[k + 1].text == "(");
      }
      before = text;
    }
  }

 private:
  void push(std::uint64_t blanked, std::uint64_t named, std::uint64_t variable = 0) {
    out_.blanked.push_back(blanked);
    out_.named.push_back(named);
    out_.variable.push_back(variable);
  }

  bool plain_word(std::string_view text, std::uint64_t hash) {
    const PlainWords::Entry* entry = plain_words.find(text, hash);
    if (!entry) return false;
    for (std::uint32_t k = 0; k < entry->count; ++k) push(entry->symbols[k], entry->symbols[k]);
    return true;
  }

  void plain(std::string_view text, std::uint64_t hash) {
    if (!plain_word(text, hash)) push(hash, hash);
  }

  void number(std::string_view text) {
    out_.names.push_back(hashed_lowered(fnv1a_begin(literal), text));
    const bool is_small = text.size() <= 4 && std::find(std::begin(small_numbers), std::end(small_numbers), text) !=
                                                  std::end(small_numbers);
    push(is_small ? hashed_lowered(fnv1a_begin(symbol_class), text) : number_symbol,
         hashed_lowered(fnv1a_go_on(fnv1a_begin(symbol_class), "n "), text));
  }

  void string(std::string_view text) {
    std::string_view inner = stripped(stripped(text, "rRbBuUfF"), "\"'`");
    out_.names.push_back(hashed_after(literal, "\"", inner));
    for (std::size_t p = 0; p < inner.size();) {
      const auto begins = [](char c) { return is_upper(c) || is_lower(c) || c == '_'; };
      if (!begins(inner[p])) {
        ++p;
        continue;
      }
      std::size_t end = p + 1;
      while (end < inner.size() && (begins(inner[end]) || is_digit(inner[end]))) ++end;
      sub_tokens(inner.substr(p, end - p));
      p = end;
    }
    const bool stays = text.size() <= short_string;
    push(string_symbol, stays ? hashed_after(symbol_class, "s ", text.substr(1, text.size() > 2 ? text.size() - 2 : 0))
                              : string_symbol);
  }

  void word(std::string_view text, bool is_member, bool is_called) {
    const std::uint64_t hash = symbol(text);
    if (!is_member && plain_word(text, hash)) {
      names(text, false);
    } else if (is_called) {
      names(text, true);
      push(call_symbol, hashed_after(symbol_class, "f ", out_.folded));
    } else if (is_member) {
      names(text, true);
      push(member_symbol, hashed_after(symbol_class, "m ", out_.folded));
    } else {
      names(text, false);
      push(variable_symbol, variable_symbol, hashed_after(symbol_class, "v ", text));
    }
  }

  // Features of an identifier; `used`: it is called or a member, and `folded` is then its whole name.
  void names(std::string_view text, bool used) {
    const std::size_t parts = sub_tokens(text);
    if (parts < 2 && !used) return;
    out_.folded.clear();
    for (const char c : text)
      if (c != '_' && c != '$') out_.folded.push_back(lowered(c));
    if (parts > 1) out_.names.push_back(hashed(whole_name, out_.folded));
    if (used) out_.names.push_back(hashed(called_name, out_.folded));
  }

  // The words of a name, in lower case; how many there were.
  std::size_t sub_tokens(std::string_view text) {
    std::size_t count = 0;
    each_sub_token(text, [&](std::string_view word) {
      out_.names.push_back(hashed_lowered(fnv1a_begin(sub_token), word));
      ++count;
    });
    return count;
  }

  static std::string_view stripped(std::string_view text, std::string_view bytes) {
    const std::size_t first = text.find_first_not_of(bytes);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(bytes) - first + 1);
  }

  const std::vector<Token>& tokens_;
  Features& out_;
};

// A variable is told by the first place in the window that holds it.
void pattern_grams(const Features& features, std::vector<std::uint64_t>& grams) {
  std::uint64_t begin[largest_pattern + 1];
  for (std::size_t size = 1; size <= largest_pattern; ++size) begin[size] = mix(pattern * 256 + size);
  const std::size_t count = features.blanked.size();
  for (std::size_t start = 0; start < count; ++start) {
    const std::size_t longest = std::min(largest_pattern, count - start);
    const std::uint64_t *blanked = features.blanked.data() + start, *variable = features.variable.data() + start;
    std::uint64_t value[largest_pattern + 1];
    std::copy_n(begin, largest_pattern + 1, value);
    for (std::size_t j = 0; j < longest; ++j) {
      std::uint64_t code = blanked[j];
      if (variable[j])
        for (std::size_t i = 0; i < j; ++i)
          if (variable[i] == variable[j]) {
            code ^= i + 1;
            break;
          }
      for (std::size_t size = j + 1; size <= largest_pattern; ++size) value[size] = fold(value[size], code);
    }
    for (std::size_t size = 1; size <= longest; ++size) grams.push_back(value[size]);
  }
}

void named_grams(const Features& features, std::vector<std::uint64_t>& grams) {
  for (std::size_t size = 2; size <= largest_named; ++size) {
    const std::uint64_t begin = mix(named * 256 + size);
    for (std::size_t start = 0; start + size <= features.named.size(); ++start) {
      std::uint64_t value = begin;
      for (std::size_t j = 0; j < size; ++j) value = fold(value, features.named[start + j]);
      grams.push_back(value);
    }
  }
}

}  // namespace

void read_features(std::string_view text, bool python, Features& features) {
  for (auto* values : {&features.names, &features.structure, &features.blanked, &features.named, &features.variable})
    values->clear();
  lex(text, python, features.tokens);
  Reader(features.tokens, features).run();
  features.structure.reserve(features.blanked.size() * (largest_pattern + largest_named - 1));
  pattern_grams(features, features.structure);
  named_grams(features, features.structure);
}

}  // namespace codewren::similarity
