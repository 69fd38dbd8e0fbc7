// How deep brackets nest. What matters is what the parser will meet: brackets in comments and strings are none.
#include <cstring>

#include "syntax/characters.h"
#include "syntax/lexer.h"

namespace codewren {
namespace {

// Open brackets; a closing one closes all that were opened inside the one it matches, and one without match nothing.
class Brackets {
 public:
  void open(char bracket) {
    open_.push_back(bracket);
    ++counts_[static_cast<unsigned char>(bracket)];
    deepest_ = std::max(deepest_, open_.size());
  }

  void close(char opening) {
    if (!counts_[static_cast<unsigned char>(opening)]) return;
    while (pop() != opening) {}
  }

  // `<` is a bracket only as long as no statement ends.
  void end_angles() {
    while (!open_.empty() && open_.back() == '<') pop();
  }

  void close_angle() {
    if (!open_.empty() && open_.back() == '<') pop();
  }

  std::size_t deepest() const { return deepest_; }

 private:
  char pop() {
    const char bracket = open_.back();
    open_.pop_back();
    --counts_[static_cast<unsigned char>(bracket)];
    return bracket;
  }

  std::string open_;
  std::size_t counts_[256] = {};
  std::size_t deepest_ = 0;
};

// Whether `<` at `i` can begin type arguments: no shift, comparison with `=` or with white space on both sides.
bool can_open(std::string_view source, std::size_t i) {
  const char before = i ? source[i - 1] : ' ', behind = at(source, i + 1);
  if (before == '<' || behind == '<' || behind == '=' || behind == '-') return false;
  return !(is(before, kSpace) && is(behind, kSpace));
}

// One past a character in single quotes, or `npos`.
std::size_t character_end(std::string_view source, std::size_t start) {
  const std::size_t first = start + 1 + (at(source, start + 1) == '\\');
  const std::size_t close = source.substr(0, std::min(source.size(), first + 12)).find('\'', first + 1);
  return close == source.npos || (first == start + 1 && is(source[first], kNameStart) && close > first + 4)
             ? source.npos
             : close + 1;
}

}  // namespace

std::size_t Lexer::nesting_depth(std::string_view source) const {
  Brackets brackets;
  StringEnds string_end(source);
  bool blocks_end = true, comments_end = true;  // one without end is none, and is looked for once
  const auto skip = [](std::size_t close, std::size_t size, bool& ends) {
    ends = close != std::string_view::npos;
    return ends ? close + size : 0;
  };
  for (std::size_t i = 0, next; i < source.size(); i = next) {
    const char c = source[i];
    next = i + 1;
    switch (c) {
      case '(':
      case '[':
        brackets.open(c);
        break;
      case '{':
        brackets.end_angles();
        brackets.open(c);
        break;
      case ')':
        brackets.close('(');
        break;
      case ']':
        brackets.close('[');
        break;
      case '}':
        brackets.close('{');
        break;
      case ';':
        brackets.end_angles();
        break;
      case '<':
        if (settings_.angles && can_open(source, i)) brackets.open(c);
        break;
      case '>':
        if (i && source[i - 1] != '-' && source[i - 1] != '=') brackets.close_angle();
        break;
      case '#':
        if (settings_.indented) next = line_end(source, i);
        break;
      case '\\':
        ++next;
        break;
      case '/':
        if (settings_.indented) break;
        if (at(source, next) == '/')
          next = line_end(source, i);
        else if (at(source, next) == '*' && comments_end)
          next = std::max(next, skip(source.find("*/", i + 2), 2, comments_end));
        break;
      case '"':
      case '\'': {
        if (c == '\'' && i && is(source[i - 1], kDigit)) break;  // 1'000
        if (settings_.text_blocks && blocks_end && at(source, i + 1) == c && at(source, i + 2) == c) {
          next = std::max(next, skip(source.find(source.substr(i, 3), i + 3), 3, blocks_end));
          break;
        }
        const std::size_t close = c == '"' || settings_.single_quoted ? string_end(i) : character_end(source, i);
        if (close != source.npos) next = close;
        break;
      }
      default:
        break;
    }
  }
  return brackets.deepest();
}

}  // namespace codewren
