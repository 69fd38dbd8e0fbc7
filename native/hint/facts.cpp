#include "hint/facts.h"

#include <algorithm>
#include <array>

namespace codewren::hint {
namespace {

using similarity::Kind;

constexpr std::size_t longest_call = 200, longest_index = 16;

// A called function: what it does, and which of its arguments decides, counted from 0.
struct Called {
  std::string_view name, kind;
  std::size_t argument;
};

constexpr Called called_functions[] = {
    {"memcpy", "copy", 2},        {"memmove", "copy", 2},      {"memset", "copy", 2},
    {"bcopy", "copy", 2},         {"strncpy", "copy", 2},      {"strncat", "copy", 2},
    {"read", "copy", 2},          {"recv", "copy", 2},         {"fread", "copy", 2},
    {"pread", "copy", 2},         {"snprintf", "copy", 1},     {"vsnprintf", "copy", 1},
    {"strcpy", "unbounded", 1},   {"strcat", "unbounded", 1},  {"sprintf", "unbounded", 0},
    {"vsprintf", "unbounded", 0}, {"gets", "unbounded", 0},    {"sscanf", "unbounded", 0},
    {"malloc", "allocation", 0},  {"calloc", "allocation", 0}, {"realloc", "allocation", 1},
    {"alloca", "allocation", 0},  {"system", "command", 0},    {"popen", "command", 0},
    {"execl", "command", 0},      {"execlp", "command", 0},    {"execvp", "command", 0},
    {"printf", "format", 0},      {"fprintf", "format", 1},    {"syslog", "format", 1}};

char lowered(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

bool ends_lowered(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() &&
         std::ranges::equal(text.substr(text.size() - ending.size()), ending, {}, lowered);
}

class Finder {
 public:
  Finder(std::string_view text, const Features& features)
      : features_(features),
        tokens_(features.tokens),
        from_(text.data()),
        freed_at_(features.compared_at.size(), never) {}

  std::vector<Fact> run() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      const char* here = tokens_[at_].text.data();
      line_ += std::uint32_t(std::count(from_, here, '\n'));
      from_ = here;
      if (tokens_[at_].kind == Kind::word && is(at_ + 1, "(")) call();
      if (is(at_, "[") && at_ && tokens_[at_ - 1].kind == Kind::word) index();
      use();
    }
    return std::move(facts_);
  }

 private:
  bool is(std::size_t k, std::string_view wanted) const { return k < tokens_.size() && tokens_[k].text == wanted; }

  bool is_checked(std::size_t k) const { return features_.compared_at[features_.variables[k]] < at_; }

  void add(std::string_view kind, std::string_view name, std::size_t variable) {
    const bool is_one = variable < tokens_.size();
    facts_.push_back(
        {line_, kind, name, is_one ? tokens_[variable].text : std::string_view(), is_one && is_checked(variable)});
  }

  // Whether a token names something that changes: no constant in capitals, nothing whose size alone is asked for.
  bool varies(std::size_t k) const {
    const std::string_view text = tokens_[k].text;
    return features_.variables[k] && std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; }) &&
           !is(k - 1, "sizeof") && !is(k - 2, "sizeof") && !is(k - 3, "sizeof");
  }

  // The last variable between two tokens that is not compared before, or else the last one, or the number of tokens.
  std::size_t deciding(std::size_t begin, std::size_t end) const {
    std::size_t variable = tokens_.size();
    for (std::size_t k = begin; k < end; ++k)
      if (varies(k) && (variable == tokens_.size() || is_checked(variable) || !is_checked(k))) variable = k;
    return variable;
  }

  // Where an argument begins and ends.
  std::pair<std::size_t, std::size_t> argument(std::size_t wanted) const {
    std::size_t depth = 0, number = 0, begin = at_ + 2;
    for (std::size_t k = at_ + 1; k < tokens_.size() && k < at_ + longest_call; ++k) {
      if (is(k, "(")) ++depth;
      const bool ends = is(k, ")") && !--depth;
      if (ends || (is(k, ",") && depth == 1)) {
        if (number++ == wanted) return {begin, k};
        begin = k + 1;
      }
      if (ends) break;
    }
    return {at_, at_};
  }

  void call() {
    const std::string_view name = tokens_[at_].text;
    const auto known = std::ranges::find(called_functions, name, &Called::name);
    if (known != std::end(called_functions)) {
      const auto [begin, end] = argument(known->argument);
      const bool is_literal = known->kind == "format" && begin < end && tokens_[begin].kind == Kind::string;
      if (begin < end && !is_literal) add(known->kind, name, deciding(begin, end));
    } else if (ends_lowered(name, "alloc")) {
      const auto [begin, end] = argument(0);
      if (begin < end) add("allocation", name, deciding(begin, end));
    } else if (ends_lowered(name, "free")) {
      const auto [begin, end] = argument(0);
      if (end != begin + 1 || !features_.variables[begin]) return;
      add("free", name, begin);
      freed_at_[features_.variables[begin]] = std::uint32_t(end);
    }
  }

  void index() {
    std::size_t end = at_ + 1;
    for (std::size_t depth = 1; end < tokens_.size() && end < at_ + longest_index; ++end) {
      if (is(end, "[")) ++depth;
      if (is(end, "]") && !--depth) break;
    }
    const std::size_t variable = deciding(at_ + 1, end);
    if (variable < tokens_.size()) add("index", tokens_[at_ - 1].text, variable);
  }

  // A variable that was freed before in the same run of statements, and is not given another value.
  void use() {
    const std::uint32_t variable = features_.variables[at_];
    if (is(at_, "return") || is(at_, "goto") || is(at_, "break") || is(at_, "}")) {
      std::ranges::fill(freed_at_, never);
    } else if (variable && freed_at_[variable] < at_) {
      freed_at_[variable] = never;
      if (!is(at_ + 1, "=")) add("freed", tokens_[at_].text, at_);
    }
  }

  const Features& features_;
  const std::vector<similarity::Token>& tokens_;
  const char* from_;
  std::vector<std::uint32_t> freed_at_;
  std::vector<Fact> facts_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

std::vector<Fact> read_facts(std::string_view text, const Features& features) { return Finder(text, features).run(); }

}  // namespace codewren::hint
