#include "hint/line_measures.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>

#include "hint/facts.h"
#include "similarity/hashes.h"

namespace codewren::hint {
namespace {

using similarity::Kind;
using similarity::Token;

constexpr std::uint32_t largest = 255;

constexpr std::string_view size_words[] = {"len",    "size",   "count", "num",   "max",  "width",
                                           "height", "offset", "limit", "bytes", "rows", "columns"};
constexpr std::string_view failure_words[] = {"err", "throw", "exception", "warn", "fail", "fatal", "log", "debug"};
constexpr std::string_view freeing_words[] = {"free", "destroy", "relinquish", "delete", "release", "close"};
constexpr std::string_view copying_words[] = {"cpy", "memmove", "memset", "cat", "printf", "read", "write", "copy"};

bool has_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != text.npos; });
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::ranges::find(known, text) != known.end();
}

// The measure that counts a symbol or a keyword, or `own_line_measures`.
LineMeasure measure_of(std::string_view text) {
  if (is_one_of(text, {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})) return line_assignments;
  if (is_one_of(text, {"<", ">", "<=", ">=", "==", "!="})) return line_comparisons;
  if (text == "&&" || text == "||") return line_conjunctions;
  if (text == "!") return line_negations;
  if (text == "[") return line_indices;
  if (text == "->" || text == ".") return line_members;
  if (text == "*" || text == "/" || text == "%") return line_products;
  if (text == "+" || text == "-" || text == "++" || text == "--") return line_sums;
  if (text == "<<" || text == ">>") return line_shifts;
  if (text == ",") return line_commas;
  return own_line_measures;
}

LineMeasure measure_of_keyword(std::string_view text) {
  if (is_one_of(text, {"if", "else", "switch", "case", "default"})) return line_branches;
  if (is_one_of(text, {"for", "while", "do"})) return line_loops;
  if (is_one_of(text, {"return", "goto", "break", "continue"})) return line_jumps;
  return text == "sizeof" ? line_sizes : line_types;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class LineReader {
 public:
  LineReader(std::string_view text, const Features& features)
      : text_(text), features_(features), tokens_(features.tokens) {}

  std::vector<LineMeasures> run() {
    place_tokens();
    place_variables();
    for (std::size_t begin = 0, end; begin < tokens_.size(); begin = end) {
      for (end = begin; end < tokens_.size() && lines_[end] == lines_[begin];) ++end;
      read(begin, end);
    }
    take_facts();
    place();
    look_around();
    return std::move(rows_);
  }

 private:
  static void raise(std::uint8_t& value, std::uint32_t by = 1) { value = std::uint8_t(std::min(largest, value + by)); }

  bool is_word(std::size_t k) const { return k < tokens_.size() && tokens_[k].kind == Kind::word; }
  // A keyword is named by its own symbol, other words are not.
  bool is_keyword(std::size_t k) const {
    return is_word(k) && features_.named[k] == similarity::symbol(tokens_[k].text);
  }
  bool is_name(std::size_t k) const { return is_word(k) && !is_keyword(k); }
  bool is(std::size_t k, std::string_view wanted) const { return k < tokens_.size() && tokens_[k].text == wanted; }

  void place_tokens() {
    const char* from = text_.data();
    std::uint32_t line = 0;
    for (const Token& token : tokens_) {
      line += std::uint32_t(std::count(from, token.text.data(), '\n'));
      lines_.push_back(line);
      from = token.text.data();
    }
  }

  void place_variables() {
    const std::size_t count = features_.compared_at.size();
    uses_.assign(count, 0);
    first_.assign(count, never);
    last_.assign(count, 0);
    for (std::size_t k = 0; k < tokens_.size(); ++k) {
      const std::uint32_t variable = features_.variables[k];
      ++uses_[variable];
      first_[variable] = std::min(first_[variable], lines_[k]);
      last_[variable] = lines_[k];
    }
  }

  std::uint32_t bytes(std::size_t first) const {
    std::size_t begin = std::size_t(tokens_[first].text.data() - text_.data());
    begin = begin ? text_.rfind('\n', begin - 1) + 1 : 0;
    std::size_t end = std::min(text_.find('\n', begin), text_.size());
    while (begin < end && is_space(text_[begin])) ++begin;
    while (begin < end && is_space(text_[end - 1])) --end;
    return std::uint32_t(end - begin);
  }

  void read(std::size_t begin, std::size_t end) {
    LineMeasures& row = rows_.emplace_back(LineMeasures{lines_[begin], false, {}});
    raise(row.values[line_bytes], bytes(begin));
    raise(row.values[line_depth], depth_);
    raise(row.values[line_place], std::uint32_t(largest * begin / tokens_.size()));
    row.values[line_goes_on] = begin && !is_one_of(tokens_[begin - 1].text, {";", "{", "}", ":"});
    row.values[line_declares] = declares(begin);
    for (std::size_t k = begin; k < end; ++k) take(row, k);
  }

  bool declares(std::size_t k) const {
    if (!is_word(k)) return false;
    if (!is_name(k)) return measure_of_keyword(tokens_[k].text) == line_types;
    return is_name(k + 1) || (is(k + 1, "*") && is_name(k + 2) && !is(k + 3, ")"));
  }

  void take(LineMeasures& row, std::size_t k) {
    const Token& token = tokens_[k];
    auto& values = row.values;
    raise(values[line_tokens]);
    row.is_telling |= token.kind != Kind::op;
    if (token.kind == Kind::number) raise(values[line_numbers]);
    if (token.kind == Kind::string) raise(values[line_strings]);
    if (token.kind == Kind::word) is_keyword(k) ? raise(values[measure_of_keyword(token.text)]) : name(row, k);
    if (token.kind != Kind::op) return;
    if (const LineMeasure measure = measure_of(token.text); measure != own_line_measures) raise(values[measure]);
    if (token.text == "{") ++depth_;
    if (token.text == "}" && depth_) --depth_;
  }

  void name(LineMeasures& row, std::size_t k) {
    auto& values = row.values;
    lowered_.clear();
    bool has_lower = false;
    for (const char c : tokens_[k].text) {
      has_lower |= c >= 'a' && c <= 'z';
      lowered_ += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    }
    if (!has_lower && lowered_.size() > 1) raise(values[line_capitals]);
    if (has_any(lowered_, size_words)) raise(values[line_size_words]);
    if (has_any(lowered_, failure_words)) raise(values[line_failure_words]);
    if (has_any(lowered_, freeing_words)) raise(values[line_freeing_words]);
    if (has_any(lowered_, copying_words)) raise(values[line_copying_words]);
    const std::uint32_t variable = features_.variables[k];
    if (!variable) return raise(values[line_calls]);
    raise(values[line_variables]);
    raise(values[features_.compared_at[variable] < k ? line_compared : line_uncompared]);
    if (first_[variable] == lines_[k]) raise(values[line_first]);
    if (last_[variable] == lines_[k]) raise(values[line_last]);
    values[line_uses] = std::uint8_t(std::max<std::uint32_t>(values[line_uses], std::min(largest, uses_[variable])));
  }

  void take_facts() {
    auto row = rows_.begin();
    for (const Fact& fact : read_facts(text_, features_)) {
      while (row->line + 1 < fact.line) ++row;
      raise(row->values[line_facts]);
      if (!fact.variable.empty() && !fact.is_checked) raise(row->values[line_unchecked]);
    }
  }

  void place() {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      raise(rows_[i].values[line_number], std::uint32_t(i));
      raise(rows_[i].values[line_behind], std::uint32_t(rows_.size() - 1 - i));
      raise(rows_[i].values[line_all], std::uint32_t(rows_.size()));
    }
  }

  void look_around() {
    constexpr std::size_t count = std::size(neighbour_measures);
    for (std::size_t i = 0; i < rows_.size(); ++i)
      for (std::size_t m = 0; m < count; ++m) {
        if (i) rows_[i].values[own_line_measures + m] = rows_[i - 1].values[neighbour_measures[m]];
        if (i + 1 < rows_.size())
          rows_[i].values[own_line_measures + count + m] = rows_[i + 1].values[neighbour_measures[m]];
      }
  }

  std::string_view text_;
  const Features& features_;
  const std::vector<Token>& tokens_;
  std::vector<std::uint32_t> lines_;                // of each token, counted from 0
  std::vector<std::uint32_t> uses_, first_, last_;  // of each variable: how often, and on which lines
  std::vector<LineMeasures> rows_;
  std::string lowered_;
  std::uint32_t depth_ = 0;
};

}  // namespace

std::vector<LineMeasures> read_line_measures(std::string_view text, const Features& features) {
  return LineReader(text, features).run();
}

}  // namespace codewren::hint
