// A lexer for every language at once: no parse tree, comments and white space left out.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace codewren::similarity {

enum class Kind : std::uint8_t { word, number, string, op };

struct Token {
  Kind kind;
  std::string_view text;
};

// Whether a text without a stated language is read as Python: some line begins `def NAME(`.
bool looks_python(std::string_view text);

// Tokens of one function; they point into `text`, which is UTF-8 or any other bytes.
void lex(std::string_view text, bool python, std::vector<Token>& tokens);

}  // namespace codewren::similarity
