#include "syntax/lexer.h"

#include <algorithm>
#include <tuple>

#include "syntax/characters.h"

namespace codewren {
namespace {

enum class Kind : std::uint8_t { other, name, literal, line };

constexpr std::size_t kTab = 8;

// One past a word of letters, digits, `_` and `$`.
std::size_t word_end(std::string_view code, std::size_t i) {
  while (i < code.size() && is(code[i], kWord)) ++i;
  return i;
}

// One past a number: letters, digits, points and the signs of exponents.
std::size_t number_end(std::string_view code, std::size_t i) {
  i += code[i] == '.';
  for (++i; i < code.size();) {
    const char lower = static_cast<char>(code[i] | 0x20), sign = at(code, i + 1);
    if ((lower == 'e' || lower == 'p') && (sign == '+' || sign == '-')) {
      i += 2;
    } else if ((is(code[i], kWord) && code[i] != '$' && static_cast<unsigned char>(code[i]) < 0x80) || code[i] == '.') {
      ++i;
    } else {
      break;
    }
  }
  return i;
}

// One past a joined line, or `start`.
std::size_t joined_line_end(std::string_view code, std::size_t start) {
  const std::size_t end = start + 1 + (at(code, start + 1) == '\r');
  return at(code, end) == '\n' ? end + 1 : start;
}

// One past the margin of the line that begins at `newline`, or `newline` if the line holds no code.
std::size_t margin_end(std::string_view code, std::size_t newline) {
  std::size_t i = newline + 1;
  while (i < code.size() && (code[i] == ' ' || code[i] == '\t' || code[i] == '\f')) ++i;
  return i == code.size() || !(is(code[i], kSpace) || code[i] == '#') ? i : newline;
}

// Line starts outside brackets as levels of nesting, so that neither the margin nor the width of a level counts.
class Levels {
 public:
  void see(std::string_view token) {
    if (token == "(" || token == "[" || token == "{") ++brackets_;
    if (token == ")" || token == "]" || token == "}") --brackets_;
  }

  bool counts() const { return brackets_ <= 0; }

  // A token for a line break with its margin.
  std::string_view level(std::string_view margin) {
    std::size_t column = 0;
    for (char c : margin.substr(1)) column += c == '\t' ? kTab - column % kTab : 1;
    while (!columns_.empty() && columns_.back() > column) columns_.pop_back();
    if (columns_.empty() || columns_.back() < column) columns_.push_back(column);
    token_ = "\n" + std::to_string(columns_.size() - 1);
    return token_;
  }

 private:
  std::ptrdiff_t brackets_ = 0;
  std::vector<std::size_t> columns_;
  std::string token_;
};

}  // namespace

Lexer::Lexer(LexerSettings settings) : settings_(std::move(settings)) {
  keywords_.insert(settings_.keywords.begin(), settings_.keywords.end());
  types_.insert(settings_.types.begin(), settings_.types.end());
}

std::size_t Lexer::operator_size(std::string_view code) const {
  for (const std::string& whole : settings_.operators) {
    if (code.starts_with(whole)) return whole.size();
  }
  return 1;
}

// `begins_none`: what comes behind the code is no token, so no line begins with it.
template <typename Take>
void Lexer::cut_code(std::string_view code, bool begins_none, Take& take) const {
  const bool indented = settings_.indented;
  StringEnds string_end(code);
  for (std::size_t i = 0, end; i < code.size(); i = end) {
    const char c = code[i];
    Kind kind = Kind::other;
    end = i + 1;
    if (is(c, kNameStart)) {
      kind = Kind::name;
      end = word_end(code, end);
    } else if (is(c, kDigit) || (c == '.' && is(at(code, i + 1), kDigit))) {
      kind = Kind::literal;
      end = number_end(code, i);
    } else if (is(c, kSpace)) {
      const std::size_t margin = indented && c == '\n' ? margin_end(code, i) : i;
      if (margin > i && !(begins_none && margin == code.size())) take(code.substr(i, margin - i), Kind::line);
      end = std::max(end, margin);
      continue;
    } else if (c == '\\' && joined_line_end(code, i) > i) {
      end = joined_line_end(code, i);
      continue;
    } else if (!indented && c == '/' && (at(code, end) == '/' || at(code, end) == '*')) {
      end = code[end] == '/' ? line_end(code, i) : block_comment_end(code, i);
      continue;
    } else if (!indented && (c == '"' || (c == '\'' && settings_.single_quoted))) {
      const std::size_t close = string_end(i);
      if (close != code.npos) {
        kind = Kind::literal;
        end = close;
      }
    } else {
      end = i + operator_size(code.substr(i));
    }
    take(code.substr(i, end - i), kind);
  }
}

template <typename Take>
void Lexer::cut(std::string_view source, std::size_t start, std::size_t end, std::span<const Literal> literals,
                Take take) const {
  Levels levels;
  const auto level = [&](std::string_view token, Kind kind) {
    if (kind == Kind::other && settings_.indented) levels.see(token);
    if (kind != Kind::line) {
      take(token, kind);
    } else if (levels.counts()) {
      take(levels.level(token), kind);
    }
  };
  const auto begins_before = [](const Literal& literal, std::size_t position) { return literal.start < position; };
  auto literal = std::lower_bound(literals.begin(), literals.end(), start, begins_before);
  std::size_t position = start;
  for (; literal != literals.end() && literal->start < end; ++literal) {
    cut_code(source.substr(position, literal->start - position), literal->is_comment, level);
    if (!literal->is_comment) level(source.substr(literal->start, literal->end - literal->start), Kind::literal);
    position = literal->end;
  }
  if (position < end) cut_code(source.substr(position, end - position), true, level);
}

std::vector<std::string> Lexer::tokens(std::string_view source, std::size_t start, std::size_t end,
                                       std::span<const Literal> literals) const {
  std::vector<std::string> result;
  cut(source, start, end, literals, [&](std::string_view token, Kind) { result.emplace_back(token); });
  return result;
}

std::pair<std::string, std::string> Lexer::text_and_shape(std::string_view source, std::size_t start, std::size_t end,
                                                          std::span<const Literal> literals) const {
  using namespace std::string_view_literals;
  std::string text, shape;
  text.reserve(end - start);
  shape.reserve(end - start);
  bool was_type = false;
  cut(source, start, end, literals, [&](std::string_view token, Kind kind) {
    text.append(token).push_back('\0');
    const bool is_type = kind == Kind::name && types_.contains(token);
    if (!(is_type && was_type)) {
      const bool is_name = kind == Kind::name && !keywords_.contains(token);
      shape.append(is_name ? "\0n"sv : kind == Kind::literal ? "\0l"sv : token).push_back('\0');
    }
    was_type = is_type;
  });
  if (!text.empty()) text.pop_back();  // the joints are between tokens
  if (!shape.empty()) shape.pop_back();
  return {std::move(text), std::move(shape)};
}

std::vector<Literal> literals_of(std::span<const std::uint32_t> marks) {
  using Node = std::tuple<std::size_t, std::size_t, std::uint32_t>;  // start, end, mark
  std::vector<Node> nodes;
  for (std::size_t i = 0; i + 2 < marks.size(); i += 3) nodes.emplace_back(marks[i], marks[i + 1], marks[i + 2]);
  std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
    return std::get<0>(a) != std::get<0>(b) ? std::get<0>(a) < std::get<0>(b) : std::get<1>(a) > std::get<1>(b);
  });
  nodes.emplace_back(SIZE_MAX, SIZE_MAX, kCode);
  std::vector<Literal> result;
  std::vector<std::pair<std::size_t, std::uint32_t>> around;  // end and mark of the nodes that hold the current one
  std::size_t position = 0;
  const auto add = [&](std::size_t end, std::uint32_t mark) {
    if (mark != kCode && position < end) result.push_back({position, end, mark == kComment});
  };
  for (const auto& [start, end, mark] : nodes) {
    for (; !around.empty() && around.back().first <= start; around.pop_back()) {
      add(around.back().first, around.back().second);
      position = std::max(position, around.back().first);
    }
    if (!around.empty() && around.back().second != kCode) {
      if (mark != kCode) continue;
      add(start, around.back().second);
    }
    around.emplace_back(end, mark);
    position = start;
  }
  return result;
}

}  // namespace codewren
