// Tokens of source text whose comments and literals are known from its syntax tree, and how deep its brackets nest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace codewren {

// What differs between languages.
struct LexerSettings {
  std::vector<std::string> keywords;   // stay in a shape
  std::vector<std::string> types;      // primitive ones: become names in a shape, a run of them one
  std::vector<std::string> operators;  // whole, because white space between their characters has a meaning
  bool indented = false;               // the start of a line is a token, and `#` begins a comment
  bool single_quoted = true;           // strings may stand in single quotes; otherwise only one character may
  bool text_blocks = false;            // three quotes begin a string of several lines
  bool angles = false;                 // `<` may be a bracket
};

// What the syntax tree says of a span of bytes: triples of start, end and one of these.
enum Mark : std::uint32_t { kComment, kLiteral, kCode };

// A comment or a literal, or a piece of a literal around code.
struct Literal {
  std::size_t start, end;
  bool is_comment;
};

class Lexer {
 public:
  explicit Lexer(LexerSettings settings);
  Lexer(const Lexer&) = delete;  // the sets hold views of the settings
  Lexer& operator=(const Lexer&) = delete;

  // The tokens of a span; for an indented language a line that begins in another column is one, too.
  std::vector<std::string> tokens(std::string_view source, std::size_t start, std::size_t end,
                                  std::span<const Literal> literals) const;

  // The tokens of a span joined by zero bytes, as they are and with every name, type and literal blanked.
  std::pair<std::string, std::string> text_and_shape(std::string_view source, std::size_t start, std::size_t end,
                                                     std::span<const Literal> literals) const;

  // How deep brackets nest outside comments and strings.
  std::size_t nesting_depth(std::string_view source) const;

 private:
  template <typename Take>
  void cut(std::string_view source, std::size_t start, std::size_t end, std::span<const Literal> literals,
           Take take) const;
  template <typename Take>
  void cut_code(std::string_view code, bool begins_none, Take& take) const;
  std::size_t operator_size(std::string_view code) const;

  LexerSettings settings_;
  std::unordered_set<std::string_view> keywords_, types_;
};

// Comments and literals in order, without overlap: the innermost mark decides about each byte. `marks` are triples.
std::vector<Literal> literals_of(std::span<const std::uint32_t> marks);

}  // namespace codewren
