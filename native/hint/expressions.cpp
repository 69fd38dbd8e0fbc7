#include "hint/expressions.h"

#include <algorithm>
#include <initializer_list>

namespace codewren::hint {
namespace {

using similarity::Kind;

constexpr std::size_t longest_call = 200, longest_index = 16, longest_value = 60;

// Parts of names that ask for a size which the compiler knows.
constexpr std::string_view known_sizes[] = {"array_size",  "arraysize", "n_elements", "countof",  "array_elems",
                                            "array_count", "nelem",     "nitems",     "lengthof", "offsetof"};

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::ranges::find(known, text) != known.end();
}

bool has_small_letter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

bool asks_for_size(std::string_view text) {
  if (is_one_of(text, {"sizeof", "alignof", "_Alignof"})) return true;
  const std::string small = lowered(text);
  return std::ranges::any_of(known_sizes, [&](std::string_view part) { return small.find(part) != small.npos; });
}

bool is_number_macro(std::string_view text) { return text.starts_with("PRI") || text.starts_with("SCN"); }

}  // namespace

std::string lowered(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = char(c + 32);
  return small;
}

Expressions::Expressions(const Features& features)
    : features_(features),
      tokens_(features.tokens),
      hidden_(tokens_.size()),
      writes_(features.compared_at.size()),
      measured_at_(features.compared_at.size(), tokens_.size()),
      first_jump_(tokens_.size()) {
  for (std::size_t k = 0; k < tokens_.size(); ++k) {
    const std::string_view text = tokens_[k].text;
    if (tokens_[k].kind == Kind::word && (text == "sizeof" || is_called(k)) && asks_for_size(text)) hide(k);
    if (is_length(k) && is(k + 3, ")"))
      measured_at_[features.variables[k + 2]] = std::min(measured_at_[features.variables[k + 2]], k);
    if (is_one_of(text, {"for", "while", "do", "goto"})) first_jump_ = std::min(first_jump_, k);
  }
  measured_at_[0] = tokens_.size();
  for (std::size_t k = 0; k < tokens_.size(); ++k)
    if (features.variables[k] && !is_member(k)) note_write(k);
}

void Expressions::hide(std::size_t k) {
  if (is(++k, "(")) return hide_call(k);
  while (is(k, "*")) hidden_[k++] = true;
  for (; k < tokens_.size(); ++k) {
    if (tokens_[k].kind != Kind::word && !is(k, "->") && !is(k, ".")) return;
    hidden_[k] = true;
  }
}

void Expressions::hide_call(std::size_t open) {
  const std::size_t end = std::min(closing(open) + 1, tokens_.size());
  for (std::size_t k = open; k < end; ++k) hidden_[k] = true;
}

std::size_t Expressions::closing(std::size_t open) const {
  std::size_t depth = 0, k = open;
  for (; k < std::min(open + longest_call, tokens_.size()); ++k) {
    if (is(k, "(")) ++depth;
    if (is(k, ")") && !--depth) break;
  }
  return k;
}

bool Expressions::is_length(std::size_t k) const {
  return is_one_of(tokens_[k].text, {"strlen", "wcslen"}) && is(k + 1, "(");
}

Range Expressions::right_side(std::size_t k) const {
  const std::size_t begin = k + 1;
  for (std::size_t depth = 0; ++k < std::min(begin + longest_value, tokens_.size());) {
    if (is(k, "(")) ++depth;
    if (is(k, ";") || (!depth && (is(k, ",") || is(k, ")") || is(k, "}")))) return {begin, k};
    if (is(k, ")")) --depth;
  }
  return {begin, begin};
}

void Expressions::note_write(std::size_t k) {
  const std::string_view next = k + 1 < tokens_.size() ? tokens_[k + 1].text : std::string_view();
  auto& writes = writes_[features_.variables[k]];
  if (next == "=") {
    const Range value = right_side(k + 1);
    bool is_bounded = !value.is_empty();
    for (std::size_t i = value.begin; i < value.end && is_bounded; ++i)
      is_bounded = !varies(i) && (!is_called(i) || hidden_[i] || asks_for_size(tokens_[i].text) ||
                                  !has_small_letter(tokens_[i].text));
    writes.push_back({k, is_bounded || (!value.is_empty() && is_minimum(value.begin))});
  } else if (is_one_of(next, {"++", "--"}) ||
             (next.size() > 1 && next.back() == '=' && next != "==" && next != "!=" && next != "<=" && next != ">=")) {
    writes.push_back({k, false});
  } else if (k && is_one_of(tokens_[k - 1].text, {"++", "--"})) {
    writes.push_back({k, false});
  } else if (k > 1 && is(k - 1, "&") && is_one_of(tokens_[k - 2].text, {"(", ",", "=", "return", "{"})) {
    writes.push_back({k, false});
  }
}

std::vector<Range> Expressions::arguments(std::size_t at) const {
  std::vector<Range> found;
  std::size_t depth = 0, begin = at + 2;
  for (std::size_t k = at + 1; k < tokens_.size() && k < at + longest_call; ++k) {
    if (is(k, "(")) ++depth;
    const bool ends = is(k, ")") && !--depth;
    if (ends || (is(k, ",") && depth == 1)) {
      if (begin < k) found.push_back({begin, k});
      begin = k + 1;
    }
    if (ends) return found;
  }
  return {};
}

Range Expressions::index(std::size_t at) const {
  std::size_t end = at + 1;
  for (std::size_t depth = 1; end < tokens_.size() && end < at + longest_index; ++end) {
    if (is(end, "[")) ++depth;
    if (is(end, "]") && !--depth) return {at + 1, end};
  }
  return {at, at};
}

bool Expressions::varies(std::size_t k) const {
  const std::string_view text = tokens_[k].text;
  return features_.variables[k] && has_small_letter(text) && !text.ends_with("_t") && !hidden_[k];
}

bool Expressions::is_bounded(std::size_t k) const {
  if (is_member(k)) return false;
  bool is_written = false;
  for (const Write& write : writes_[features_.variables[k]]) {
    if (write.token >= k && first_jump_ >= k) break;
    is_written |= write.token < k;
    if (!write.is_bounded) return false;
  }
  return is_written;
}

std::size_t Expressions::deciding(Range range, bool with_lengths) const {
  std::size_t variable = tokens_.size();
  for (std::size_t k = range.begin; k < range.end; ++k) {
    if (!with_lengths && is_length(k)) k = closing(k + 1);
    if (k >= range.end || !varies(k) || is_bounded(k) || is_member(k + 2)) continue;
    if (variable == tokens_.size() || is_checked(variable, range.begin) || !is_checked(k, range.begin)) variable = k;
  }
  return variable;
}

Range Expressions::alternatives(Range range) const {
  for (std::size_t k = range.begin; k < range.end; ++k)
    if (is(k, "?")) return {k + 1, range.end};
  return range;
}

bool Expressions::is_literal(Range range) const {
  const Range chosen = alternatives(range);
  if (!chosen.is_empty() && tokens_[chosen.begin].kind == Kind::string && !has(chosen, ":")) return true;
  bool has_any = false;
  for (std::size_t k = chosen.begin; k < chosen.end; ++k) {
    const std::string_view text = tokens_[k].text;
    if (tokens_[k].kind == Kind::op) {
      if (!is_one_of(text, {"(", ")", ":"})) return false;
    } else if (tokens_[k].kind == Kind::word) {
      if (has_small_letter(text) && !is_number_macro(text) && text != "gettext") return false;
      has_any |= text != "_" && text != "N_" && text != "gettext";
    } else {
      has_any = true;
    }
  }
  return has_any;
}

std::string Expressions::literal_text(Range range) const {
  std::string found;
  const Range chosen = alternatives(range);
  for (std::size_t k = chosen.begin; k < chosen.end; ++k) {
    const std::string_view text = tokens_[k].text;
    if (tokens_[k].kind == Kind::string && text.size() >= 2) found += text.substr(1, text.size() - 2);
    if (tokens_[k].kind == Kind::word) found += is_number_macro(text) ? 'd' : '9';
  }
  return found;
}

bool Expressions::is_minimum(std::size_t k) const {
  const std::string name = lowered(tokens_[k].text);
  return is_called(k) && (name.ends_with("min") || name == "min_t");
}

bool Expressions::is_kept_small(Range range) const {
  while (is(range.begin, "(") && closing(range.begin) + 1 == range.end) ++range.begin, --range.end;
  bool is_kept = false;
  for (std::size_t k = range.begin; k < range.end; ++k) {
    const std::string_view text = tokens_[k].text;
    if (is_minimum(k)) return true;
    if (is(k, "(")) {
      is_kept |= is_cast_to_byte(k);
      k = closing(k);
    } else if (k > range.begin && is_one_of(text, {"+", "-", "*", "<<"})) {
      return false;
    } else {
      is_kept |= text == "%" || (text == "&" && k > range.begin);
    }
  }
  return is_kept;
}

bool Expressions::is_cast_to_byte(std::size_t k) const {
  if (is(k + 1, "unsigned")) return is(k + 2, "char") && is(k + 3, ")");
  const bool is_byte =
      k + 1 < tokens_.size() && is_one_of(tokens_[k + 1].text, {"uint8_t", "u8", "uchar", "guchar", "BYTE"});
  return is_byte && is(k + 2, ")");
}

bool Expressions::has(Range range, std::string_view wanted) const {
  for (std::size_t k = range.begin; k < range.end; ++k)
    if (is(k, wanted)) return true;
  return false;
}

}  // namespace codewren::hint
