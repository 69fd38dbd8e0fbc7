#include "hint/features.h"

#include <algorithm>
#include <bit>

#include "similarity/hashes.h"
#include "similarity/sub_tokens.h"

namespace codewren::hint {
namespace {

using similarity::fnv1a_begin;
using similarity::fnv1a_go_on;
using similarity::fold;
using similarity::hashed_lowered;
using similarity::Kind;
using similarity::lowered;
using similarity::mix;
using similarity::symbol;
using similarity::Token;

constexpr std::size_t longest_argument = 24, longest_index = 16, longest_call = 120, result_distance = 16;

constexpr std::string_view keywords[] = {
    "if",       "else",    "for",     "while",   "do",        "switch",   "case",     "default",  "break",
    "continue", "return",  "goto",    "sizeof",  "struct",    "union",    "enum",     "static",   "const",
    "unsigned", "signed",  "int",     "char",    "long",      "short",    "void",     "float",    "double",
    "bool",     "size_t",  "ssize_t", "uint8_t", "uint16_t",  "uint32_t", "uint64_t", "int8_t",   "int16_t",
    "int32_t",  "int64_t", "NULL",    "nullptr", "true",      "false",    "inline",   "volatile", "extern",
    "register", "typedef", "new",     "delete",  "try",       "catch",    "throw",    "this",     "template",
    "typename", "class",   "public",  "private", "namespace", "using",    "operator"};

// Keywords found by the hash of the word.
class Keywords {
 public:
  constexpr Keywords() {
    for (const std::string_view word : keywords) {
      std::size_t slot = symbol(word) % slots;
      while (!entries_[slot].empty()) slot = (slot + 1) % slots;
      entries_[slot] = word;
    }
  }

  constexpr bool has(std::string_view word, std::uint64_t hash) const {
    for (std::size_t slot = hash % slots; !entries_[slot].empty(); slot = (slot + 1) % slots)
      if (entries_[slot] == word) return true;
    return false;
  }

 private:
  static constexpr std::size_t slots = 512;
  std::array<std::string_view, slots> entries_{};
};

constexpr Keywords keyword_set;
constexpr std::uint64_t variable_symbol = symbol("<variable>"), number_symbol = symbol("<number>"),
                        string_symbol = symbol("<string>"), format_symbol = symbol("<format>");

// Without case, underscores and dollar signs.
std::uint64_t hashed_folded(std::uint64_t seed, std::string_view text) {
  for (const char c : text)
    if (c != '_' && c != '$') seed = (seed ^ std::uint8_t(lowered(c))) * 0x100000001B3u;
  return mix(seed);
}

bool is_comparison(std::string_view text) {
  return text == "<" || text == ">" || text == "<=" || text == ">=" || text == "==" || text == "!=";
}

// What an expression is made of.
enum Shape : std::uint64_t {
  adds = 1,
  multiplies = 2,
  shifts = 4,
  follows = 8,
  indexes = 16,
  calls = 32,
  measured = 64
};

std::uint64_t shape_of(std::string_view text) {
  if (text == "+" || text == "-" || text == "++" || text == "--") return adds;
  if (text == "*" || text == "/" || text == "%") return multiplies;
  if (text == "<<" || text == ">>") return shifts;
  if (text == "->" || text == "." || text == "&") return follows;
  if (text == "[") return indexes;
  if (text == "(") return calls;
  return text == "sizeof" ? measured : 0;
}

class Reader {
 public:
  explicit Reader(Features& features) : out_(features), tokens_(features.tokens), count_(features.tokens.size()) {}

  void run() {
    prepare_variables();
    for (at_ = 0; at_ < count_; ++at_) read(tokens_[at_]);
    out_.compared_at.assign(variables_ + 1, never);
    for (at_ = 0; at_ < count_; ++at_) {
      if (at_) pairs();
      reason();
    }
  }

 private:
  void add(FeatureClass feature_class, std::uint64_t hash) {
    out_.occurrences.push_back({(mix(hash + feature_class) & ~class_mask) | feature_class, std::uint32_t(at_)});
  }

  std::string_view text(std::size_t k) const { return k < count_ ? tokens_[k].text : std::string_view(); }
  bool is(std::size_t k, std::string_view wanted) const { return k < count_ && tokens_[k].text == wanted; }

  void push(std::uint64_t named, std::uint64_t ending, std::uint32_t variable = 0) {
    out_.named.push_back(named);
    out_.endings.push_back(ending);
    out_.variables.push_back(variable);
  }

  void prepare_variables() {
    out_.variable_slots.assign(std::bit_ceil(2 * count_ + 2), {0, 0});
    variables_ = 0;
  }

  std::uint32_t variable(std::uint64_t hash) {
    const std::size_t mask = out_.variable_slots.size() - 1;
    std::size_t slot = hash & mask;
    while (out_.variable_slots[slot].second && out_.variable_slots[slot].first != hash) slot = (slot + 1) & mask;
    if (!out_.variable_slots[slot].second) out_.variable_slots[slot] = {hash, ++variables_};
    return out_.variable_slots[slot].second;
  }

  void read(const Token& token) {
    const std::string_view text = token.text;
    switch (token.kind) {
      case Kind::op:
        if (text == "{") ++depth_;
        if (text == "}" && depth_) --depth_;
        out_.counts[depth_measure] = std::max(out_.counts[depth_measure], depth_);
        push(symbol(text), symbol(text));
        break;
      case Kind::number: {
        const std::uint64_t hash = text.size() <= 4 ? hashed_lowered(fnv1a_begin(1), text) : number_symbol;
        push(hash, hash);
        break;
      }
      case Kind::string:
        string(text);
        break;
      case Kind::word:
        word(text);
    }
  }

  void string(std::string_view text) {
    sub_tokens(text, text_token);
    const std::uint64_t hash = text.find('%') == std::string_view::npos ? string_symbol : format_symbol;
    push(hash, hash);
  }

  void word(std::string_view text) {
    const std::uint64_t hash = symbol(text);
    if (keyword_set.has(text, hash)) {
      if (text == "for" || text == "while") ++out_.counts[loops_measure];
      if (text == "if" || text == "case") ++out_.counts[branches_measure];
      if (text == "return" || text == "goto") ++out_.counts[returns_measure];
      push(hash, hash);
      return;
    }
    const bool is_called = is(at_ + 1, "("), is_own = is_called && !depth_ && !named_;
    const std::uint64_t ending = sub_tokens(text, is_own ? own_token : sub_token);
    const std::uint64_t whole = hashed_folded(fnv1a_begin(2), text);
    if (is_called) {
      named_ = true;
      out_.counts[calls_measure] += !is_own;
      if (!is_own) add(called_name, whole);
      push(fold(whole, 1), fold(ending, 1));
    } else if (at_ && (is(at_ - 1, "->") || is(at_ - 1, "."))) {
      add(whole_name, whole);
      push(fold(whole, 2), fold(ending, 2), variable(hash));
    } else {
      add(whole_name, whole);
      push(variable_symbol, ending, variable(hash));
    }
  }

  // Features of the words of a name, in lower case; the hash of the last.
  std::uint64_t sub_tokens(std::string_view text, FeatureClass feature_class) {
    std::uint64_t last = variable_symbol;
    similarity::each_sub_token(text, [&](std::string_view word) {
      last = hashed_lowered(fnv1a_begin(3), word);
      add(feature_class, last);
    });
    return last;
  }

  void pairs() {
    const std::uint64_t *named = out_.named.data() + at_, *ending = out_.endings.data() + at_;
    add(named_pair, fold(fold(4, named[-1]), named[0]));
    add(ending_pair, fold(fold(5, ending[-1]), ending[0]));
  }

  bool is_compared(std::uint32_t variable) const { return out_.compared_at[variable] != never; }

  void compare(std::size_t k) {
    if (k >= count_ || !out_.variables[k]) return;
    std::uint32_t& first = out_.compared_at[out_.variables[k]];
    first = std::min(first, std::uint32_t(at_));
  }

  void reason() {
    const std::string_view here = text(at_);
    if (is_comparison(here)) {
      for (const std::size_t k : {at_ - 2, at_ - 1, at_ + 1, at_ + 2}) compare(k);
    } else if (here == "!") {
      compare(at_ + 1);
    } else if (here == "if" && is(at_ + 3, ")")) {
      compare(at_ + 2);
    } else if (here == "[") {
      ++out_.counts[indices_measure];
      index();
    } else if (here == "*" && at_ && at_ + 1 < count_ && out_.variables[at_ + 1] && begins_expression(text(at_ - 1))) {
      dereferenced(out_.variables[at_ + 1], 1);
    } else if (here == "->" && at_ && out_.variables[at_ - 1]) {
      dereferenced(out_.variables[at_ - 1], 2);
    } else if (here == "(" && at_ && tokens_[at_ - 1].kind == Kind::word && !out_.variables[at_ - 1] &&
               !keyword_set.has(text(at_ - 1), out_.named[at_ - 1])) {
      call();
    }
  }

  static bool begins_expression(std::string_view before) {
    return before == "=" || before == "(" || before == ";" || before == "{" || before == "}" || before == "," ||
           before == "return";
  }

  void dereferenced(std::uint32_t variable, std::uint64_t how) {
    ++out_.counts[dereferences_measure];
    add(dereference, fold(how, is_compared(variable)));
  }

  // What lies in an index or an argument.
  struct Expression {
    std::uint64_t shape = 0, ending = 0, state = 0;  // state: 0 no variable, 1 none compared, 2 some compared

    void take(const Features& features, std::size_t k) {
      shape |= shape_of(features.tokens[k].text);
      if (const std::uint32_t variable = features.variables[k]) {
        ending = features.endings[k];
        state = std::max<std::uint64_t>(state, features.compared_at[variable] != never ? 2 : 1);
      }
    }
  };

  void index() {
    Expression expression;
    std::size_t depth = 1;
    for (std::size_t k = at_ + 1; k < count_ && k < at_ + longest_index; ++k) {
      if (is(k, "[")) ++depth;
      if (is(k, "]") && !--depth) break;
      expression.take(out_, k);
    }
    add(index_shape, fold(fold(10, expression.shape), expression.state));
    if (expression.state) add(index_name, fold(fold(fold(11, expression.ending), expression.shape), expression.state));
  }

  void call() {
    const std::uint64_t name = out_.named[at_ - 1], ending = out_.endings[at_ - 1];
    Expression expression;
    std::size_t depth = 0, number = 0, k = at_;
    for (; k < count_ && k < at_ + longest_call; ++k) {
      const std::string_view here = text(k);
      if (here == "(" && !depth++) continue;
      const bool ends = here == ")" && !--depth;
      if (ends || (here == "," && depth == 1)) {
        take_argument(name, ending, number++, expression);
        expression = {};
        if (ends) break;
      } else {
        expression.take(out_, k);
      }
    }
    if (at_ >= 3 && is(at_ - 2, "=") && out_.variables[at_ - 3]) result(name, ending, out_.variables[at_ - 3], k);
  }

  void take_argument(std::uint64_t name, std::uint64_t ending, std::size_t number, const Expression& expression) {
    add(argument, fold(fold(fold(fold(12, name), number), expression.shape), expression.state));
    add(argument_check, fold(fold(fold(fold(13, ending), number), expression.shape), expression.state));
    if (expression.state) add(argument_name, fold(fold(fold(14, ending), number), expression.ending));
  }

  // Whether the variable that takes the result is looked at soon.
  void result(std::uint64_t name, std::uint64_t ending, std::uint32_t variable, std::size_t end) {
    std::uint64_t is_checked = 0;
    for (std::size_t k = end; k < count_ && k < end + result_distance && !is_checked; ++k)
      if (out_.variables[k] == variable)
        is_checked = is(k - 1, "!") || is_comparison(text(k + 1)) || (is(k - 1, "(") && is(k - 2, "if"));
    add(result_check, fold(fold(15, name), is_checked));
    add(result_check, fold(fold(16, ending), is_checked));
  }

  Features& out_;
  const std::vector<Token>& tokens_;
  std::size_t count_, at_ = 0;
  std::uint32_t variables_ = 0, depth_ = 0;
  bool named_ = false;
};

// Lines on which a token begins: comments and empty lines do not count.
std::uint32_t lines_with_tokens(std::string_view text, const std::vector<Token>& tokens) {
  std::uint32_t lines = 0;
  const char* from = text.data();
  for (const Token& token : tokens) {
    lines += !lines || std::find(from, token.text.data(), '\n') != token.text.data();
    from = token.text.data();
  }
  return lines;
}

}  // namespace

void read_features(std::string_view text, Features& features) {
  features.occurrences.clear();
  features.named.clear();
  features.endings.clear();
  features.variables.clear();
  features.counts.fill(0);
  similarity::lex(text, false, features.tokens);
  features.counts[tokens_measure] = std::uint32_t(features.tokens.size());
  features.counts[lines_measure] = lines_with_tokens(text, features.tokens);
  Reader(features).run();
}

}  // namespace codewren::hint
