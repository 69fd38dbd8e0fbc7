#include "similarity/lexer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace codewren::similarity {
namespace {

enum : std::uint8_t { space_bit = 1, digit_bit = 2, word_begin_bit = 4, word_bit = 8, number_bit = 16, prefix_bit = 32 };

constexpr std::array<std::uint8_t, 256> byte_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view bytes, std::uint8_t bits) {
    for (const char c : bytes) classes[std::uint8_t(c)] |= bits;
  };
  add(" \t\r\n\f\v", space_bit);
  add("0123456789", digit_bit | word_bit | number_bit);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", word_begin_bit | word_bit | number_bit);
  add("$", word_begin_bit | word_bit);
  add(".", number_bit);
  add("rRbBuUfF", prefix_bit);
  for (int c = 0x80; c < 256; ++c) classes[c] |= word_begin_bit | word_bit;
  return classes;
}

constexpr auto classes = byte_classes();

// Longer ones are read as operators and words: many beginnings of one on a long line would each be read to its end.
constexpr std::ptrdiff_t longest_regex = 1024;

bool is(char c, std::uint8_t bits) { return classes[std::uint8_t(c)] & bits; }

// Longest first among those with one beginning, as the reference tries them.
constexpr std::string_view operators[] = {
    ">>>=", "===", "!==", "**=", "//=", "<<=", ">>=", ">>>", "...", "??=", "??", "?.", "=>", "->", "::", "++",
    "--",   "&&",  "||",  "==",  "!=",  "<=",  ">=",  "+=",  "-=",  "*=",  "/=", "%=", "&=", "|=", "^=", "<<",
    ">>",   "**",  "//",  ":=",  "<-"};

// Whether an operator of several bytes may begin with a byte.
constexpr std::array<bool, 256> operator_beginnings() {
  std::array<bool, 256> begins{};
  for (const std::string_view text : operators) begins[std::uint8_t(text[0])] = true;
  return begins;
}

constexpr auto begins_operator = operator_beginnings();

bool before_regex(std::string_view last) {
  if (last.size() == 1) return std::string_view("(,=:[!&|?{};").find(last[0]) != std::string_view::npos;
  for (const std::string_view text : {"=>", "&&", "||", "==", "===", "!=", "!==", "return"})
    if (last == text) return true;
  return false;
}

class Lexer {
 public:
  Lexer(std::string_view text, bool python, std::vector<Token>& tokens)
      : begin_(text.data()), end_(begin_ + text.size()), python_(python), tokens_(tokens) {}

  void run() {
    for (const char* p = begin_; p < end_;) {
      if (!python_ && *p == '/' && before_regex(last_)) {
        if (const char* stop = regex_literal(p)) {
          tokens_.push_back({Kind::string, span(p, stop)});
          last_ = "\"";
          p = stop;
          continue;
        }
      }
      const char* skipped = skip(p);
      p = skipped == p ? token(p) : skipped;
    }
  }

 private:
  static std::string_view span(const char* from, const char* to) { return {from, std::size_t(to - from)}; }

  bool at(const char* p, std::string_view text) const {
    return std::size_t(end_ - p) >= text.size() && std::memcmp(p, text.data(), text.size()) == 0;
  }

  const char* run_of(const char* p, std::uint8_t bits) const {
    while (p < end_ && is(*p, bits)) ++p;
    return p;
  }

  const char* line_end(const char* p) const {
    const void* newline = std::memchr(p, '\n', std::size_t(end_ - p));
    return newline ? static_cast<const char*>(newline) : end_;
  }

  const char* skip(const char* p) const {
    if (is(*p, space_bit)) return run_of(p, space_bit);
    if (python_) {
      if (*p == '#') return line_end(p);
      return at(p, "\\\n") ? p + 2 : p;
    }
    if (at(p, "//")) return line_end(p);
    if (at(p, "/*")) {
      const std::size_t close = span(p, end_).find("*/", 2);
      return close == std::string_view::npos ? end_ : p + close + 2;
    }
    return p;
  }

  const char* token(const char* p) {
    if (const char* stop = string(p)) {
      const std::string_view text = span(p, stop);
      const bool is_docstring = python_ && last_ == ":" && (text.ends_with("\"\"\"") || text.ends_with("'''"));
      return is_docstring ? stop : add(Kind::string, p, stop);
    }
    if (is(*p, digit_bit) || (*p == '.' && p + 1 < end_ && is(p[1], digit_bit)))
      return add(Kind::number, p, run_of(p + 1, number_bit));
    if (is(*p, word_begin_bit)) return add(Kind::word, p, run_of(p + 1, word_bit));
    if (begins_operator[std::uint8_t(*p)])
      for (const std::string_view text : operators)
        if (at(p, text)) return add(Kind::op, p, p + text.size());
    return add(Kind::op, p, p + 1);
  }

  const char* add(Kind kind, const char* from, const char* to) {
    tokens_.push_back({kind, span(from, to)});
    last_ = tokens_.back().text;
    return to;
  }

  // One past a string literal, or nothing.
  const char* string(const char* p) {
    const char* quote = p;
    if (python_)
      while (quote < end_ && quote - p < 2 && is(*quote, prefix_bit)) ++quote;
    if (quote == end_) return nullptr;
    if (*quote == '`') return python_ ? nullptr : closed(quote, 1, true, no_backtick_before_);
    if (*quote != '"' && *quote != '\'') return nullptr;
    const bool is_double = *quote == '"';
    if (python_ && at(quote, is_double ? "\"\"\"" : "'''"))
      if (const char* stop = closed(quote, 3, true, no_triple_before_[is_double])) return stop;
    return closed(quote, 1, false, no_short_before_[is_double]);
  }

  // One past the closing quotes. Where there are none, none can close a literal that begins before the point where
  // this search ended, in `hopeless_before`: a quote that was passed was escaped, and what follows it is read alike.
  // Without this a long text of escaped quotes takes a time that grows with its square.
  const char* closed(const char* quote, std::ptrdiff_t quotes, bool with_lines, const char*& hopeless_before) const {
    if (hopeless_before && quote < hopeless_before) return nullptr;
    const char* p = quote + quotes;
    for (; p < end_; ++p) {
      if (*p == '\\') {
        if (++p == end_) break;
      } else if (*p == *quote) {
        if (quotes == 1 || (end_ - p >= 3 && p[1] == *quote && p[2] == *quote)) return p + quotes;
      } else if (*p == '\n' && !with_lines) {
        break;
      }
    }
    hopeless_before = p;
    return nullptr;
  }

  const char* regex_literal(const char* p) const {
    if (end_ - p < 2 || p[1] == '*' || p[1] == '/') return nullptr;
    const char* const last = end_ - p > longest_regex ? p + longest_regex : end_;
    bool in_class = false;
    for (++p; p < last && *p != '\n'; ++p) {
      if (*p == '\\') {
        if (++p == last || *p == '\n') return nullptr;
      } else if (in_class) {
        in_class = *p != ']';
      } else if (*p == '[') {
        in_class = true;
      } else if (*p == '/') {
        for (++p; p < end_ && *p >= 'a' && *p <= 'z';) ++p;
        return p <= last ? p : nullptr;
      }
    }
    return nullptr;
  }

  const char* begin_;
  const char* end_;
  bool python_;
  std::vector<Token>& tokens_;
  std::string_view last_ = "(";
  const char* no_backtick_before_ = nullptr;
  const char* no_triple_before_[2] = {};
  const char* no_short_before_[2] = {};
};

// What Python's `\s` takes of ASCII.
bool is_blank(char c) { return is(c, space_bit) || (c >= 0x1c && c <= 0x1f); }

bool is_word(char c) { return is(c, word_bit) && c != '$'; }

// The position after `word`, or the end and beyond.
bool take(std::string_view text, std::size_t& p, std::string_view word) {
  if (text.substr(std::min(p, text.size())).starts_with(word)) {
    p += word.size();
    return true;
  }
  return false;
}

template <typename Test>
std::size_t run_of(std::string_view text, std::size_t p, Test test) {
  while (p < text.size() && test(text[p])) ++p;
  return p;
}

bool begins_def(std::string_view text, std::size_t p) {
  const auto is_gap = [](char c) { return c == ' ' || c == '\t'; };
  p = run_of(text, p, is_gap);
  std::size_t after = p;
  if (take(text, after, "async") && run_of(text, after, is_gap) > after) p = run_of(text, after, is_gap);
  if (!take(text, p, "def")) return false;
  const std::size_t name = run_of(text, p, is_gap), name_end = run_of(text, name, is_word);
  if (name == p || name_end == name) return false;
  p = run_of(text, name_end, is_gap);
  return p < text.size() && text[p] == '(';
}

bool begins_decorated(std::string_view text) {
  std::size_t p = run_of(text, 0, is_blank);
  if (p == text.size() || text[p] != '@') return false;
  const std::size_t name = p + 1, name_end = run_of(text, name, [](char c) { return is_word(c) || c == '.'; });
  if (name_end == name) return false;
  p = run_of(text, name_end, [](char c) { return c != '\n' && c != ';' && c != '{'; });
  if (p == text.size() || text[p] != '\n') return false;
  p = run_of(text, p + 1, is_blank);
  std::size_t after = p;
  if (take(text, after, "async") && run_of(text, after, is_blank) > after) p = run_of(text, after, is_blank);
  return take(text, p, "def") && p < text.size() && is_blank(text[p]);
}

}  // namespace

bool looks_python(std::string_view text) {
  if (begins_def(text, 0) || begins_decorated(text)) return true;
  for (std::size_t p = 0; (p = text.find('\n', p)) != std::string_view::npos; ++p)
    if (begins_def(text, p + 1)) return true;
  return false;
}

void lex(std::string_view text, bool python, std::vector<Token>& tokens) {
  tokens.clear();
  Lexer(text, python, tokens).run();
}

}  // namespace codewren::similarity
