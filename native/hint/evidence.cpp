#include "hint/evidence.h"

#include <algorithm>
#include <array>
#include <string>

#include "hint/expressions.h"
#include "hint/formats.h"

namespace codewren::hint {
namespace {

using similarity::Kind;

enum class Rule {
  size,       // these arguments say how much is written
  left_over,  // so they do, and are the size of what is written to: wrong only where something is taken from it
  allocated,  // so much is allocated
  copied,     // a string is copied, however long
  printed,    // by a format
  scanned,    // by a format
  always,     // whatever the arguments are
  format,     // the format itself
  command
};

// A called function, and which of its arguments decide, counted from 0.
struct Called {
  std::string_view name;
  Rule rule;
  std::size_t first, last;
};

constexpr Called called_functions[] = {{"memcpy", Rule::size, 2, 2},
                                       {"memmove", Rule::size, 2, 2},
                                       {"memset", Rule::size, 2, 2},
                                       {"bcopy", Rule::size, 2, 2},
                                       {"strncpy", Rule::size, 2, 2},
                                       {"strncat", Rule::size, 2, 2},
                                       {"read", Rule::size, 2, 2},
                                       {"recv", Rule::size, 2, 2},
                                       {"pread", Rule::size, 2, 2},
                                       {"fread", Rule::size, 1, 2},
                                       {"snprintf", Rule::left_over, 1, 1},
                                       {"vsnprintf", Rule::left_over, 1, 1},
                                       {"fgets", Rule::left_over, 1, 1},
                                       {"strlcpy", Rule::left_over, 2, 2},
                                       {"strlcat", Rule::left_over, 2, 2},
                                       {"malloc", Rule::allocated, 0, 0},
                                       {"calloc", Rule::allocated, 0, 1},
                                       {"realloc", Rule::allocated, 1, 1},
                                       {"reallocarray", Rule::allocated, 1, 2},
                                       {"alloca", Rule::allocated, 0, 0},
                                       {"strcpy", Rule::copied, 1, 1},
                                       {"stpcpy", Rule::copied, 1, 1},
                                       {"strcat", Rule::copied, 1, 1},
                                       {"sprintf", Rule::printed, 1, 1},
                                       {"vsprintf", Rule::printed, 1, 1},
                                       {"scanf", Rule::scanned, 0, 0},
                                       {"vscanf", Rule::scanned, 0, 0},
                                       {"fscanf", Rule::scanned, 1, 1},
                                       {"vfscanf", Rule::scanned, 1, 1},
                                       {"sscanf", Rule::scanned, 1, 1},
                                       {"vsscanf", Rule::scanned, 1, 1},
                                       {"gets", Rule::always, 0, 0},
                                       {"printf", Rule::format, 0, 0},
                                       {"fprintf", Rule::format, 1, 1},
                                       {"syslog", Rule::format, 1, 1},
                                       {"system", Rule::command, 0, 0},
                                       {"popen", Rule::command, 0, 0},
                                       {"execl", Rule::command, 0, 0},
                                       {"execlp", Rule::command, 0, 0},
                                       {"execvp", Rule::command, 0, 0}};

constexpr std::string_view size_words[] = {"len", "size", "count", "num", "width", "height", "bytes"};

// Names that ask whether something is freed, or are of no pointer.
constexpr std::string_view questions[] = {"is_free", "isfree", "can_free", "should_free", "lockfree", "lock_free"};

class Finder {
 public:
  Finder(std::string_view text, const Features& features)
      : features_(features),
        tokens_(features.tokens),
        expressions_(features),
        from_(text.data()),
        freed_at_(features.compared_at.size(), never) {}

  std::vector<Fact> run() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      const char* here = tokens_[at_].text.data();
      line_ += std::uint32_t(std::count(from_, here, '\n'));
      from_ = here;
      if (is(at_, "{")) ++depth_;
      if (is(at_, "}") && depth_) --depth_;
      if (!depth_) continue;  // the function's own name, and its parameters
      if (expressions_.is_called(at_)) call();
      if (is(at_, "[") && tokens_[at_ - 1].kind == Kind::word) index();
      use();
    }
    return std::move(facts_);
  }

 private:
  bool is(std::size_t k, std::string_view wanted) const { return expressions_.is(k, wanted); }

  void add(std::string_view kind, std::string_view name, std::size_t variable) {
    const bool is_one = variable < tokens_.size();
    const std::string_view own = is_one ? tokens_[variable].text : std::string_view();
    facts_.push_back({line_, kind, name, own, is_one && expressions_.is_checked(variable, at_)});
  }

  void add_decided(std::string_view kind, Range range, bool with_lengths = true) {
    const std::size_t variable = expressions_.deciding(range, with_lengths);
    if (variable < tokens_.size()) add(kind, tokens_[at_].text, variable);
  }

  void call() {
    const std::vector<Range> arguments = expressions_.arguments(at_);
    if (arguments.empty()) return;
    const auto known = std::ranges::find(called_functions, tokens_[at_].text, &Called::name);
    if (known == std::end(called_functions)) {
      const std::string name = lowered(tokens_[at_].text);
      if (name.ends_with("alloc")) allocate(name, arguments);
      if (name.ends_with("free")) free(name, arguments);
    } else if (known->last < arguments.size() && !expressions_.is_member(at_)) {
      apply(known->rule, {arguments[known->first].begin, arguments[known->last].end}, arguments);
    }
  }

  void apply(Rule rule, Range range, const std::vector<Range>& arguments) {
    switch (rule) {
      case Rule::size:
        return sized("copy", range);
      case Rule::left_over:
        if (expressions_.has(range, "-")) sized("copy", range);
        return;
      case Rule::allocated:
        return sized("allocation", range);
      case Rule::copied:
        if (!expressions_.is_literal(range) && !is_measured(range)) add_unbounded(range);
        return;
      case Rule::printed:
        if (!expressions_.is_literal(range) || prints_any_length(range, arguments)) add_unbounded(range);
        return;
      case Rule::scanned:
        if (!expressions_.is_literal(range) || scans_without_width(expressions_.literal_text(range)))
          add_unbounded(range);
        return;
      case Rule::always:
        return add_unbounded(range);
      case Rule::format:
        if (!expressions_.is_literal(range)) add_decided("format", range);
        return;
      case Rule::command:
        if (!expressions_.is_literal(range)) add_decided("command", range);
    }
  }

  void sized(std::string_view kind, Range range) {
    // What holds a string has been allocated already: its length is none that an allocation fails of. What a string
    // leaves of a known size fits.
    if (!expressions_.is_kept_small(range))
      add_decided(kind, range, kind != "allocation" && !expressions_.has(range, "sizeof"));
  }

  void add_unbounded(Range range) { add("unbounded", tokens_[at_].text, expressions_.deciding(range)); }

  // Whether the length of the string that decides is asked for before: it may fit.
  bool is_measured(Range range) const {
    const std::size_t variable = expressions_.deciding(range);
    return variable < tokens_.size() && expressions_.is_measured(variable);
  }

  // Whether a format of printf's holds `%s` without a precision for more than a literal, or a width that varies.
  bool prints_any_length(Range format, const std::vector<Range>& arguments) const {
    const std::size_t first =
        std::size_t(std::ranges::find(arguments, format.begin, &Range::begin) - arguments.begin()) + 1;
    const bool is_known = !is_vprintf() && !expressions_.has(format, "?");
    for (const OpenConversion& open : open_conversions(expressions_.literal_text(format))) {
      const std::size_t number = first + open.argument;
      if (!is_known || number >= arguments.size()) return true;
      const Range own = arguments[number];
      if (open.is_text ? !expressions_.is_literal(own) && !is_measured(own)
                       : expressions_.deciding(own) < tokens_.size())
        return true;
    }
    return false;
  }

  bool is_vprintf() const { return tokens_[at_].text.starts_with('v'); }

  // A function of somebody's own that allocates: where its size stands is a guess.
  void allocate(const std::string& name, std::vector<Range> arguments) {
    if (name.ends_with("realloc") && arguments.size() > 1) arguments.erase(arguments.begin());
    const bool is_known = arguments.size() == 1 && (name.ends_with("malloc") || name.ends_with("realloc"));
    for (const Range range : arguments)
      if (is_known || names_size(range)) {
        const std::size_t before = facts_.size();
        sized("allocation", range);
        if (facts_.size() > before) return;
      }
  }

  bool names_size(Range range) const {
    const std::size_t variable = expressions_.deciding(range);
    if (variable == tokens_.size()) return false;
    const std::string name = lowered(tokens_[variable].text);
    return name == "n" || std::ranges::any_of(size_words, [&](auto word) { return name.find(word) != name.npos; });
  }

  // Of several arguments nobody knows which is freed, but for C's own function.
  void free(const std::string& name, const std::vector<Range>& arguments) {
    const Range first = arguments[0];
    const bool asks = std::ranges::any_of(questions, [&](auto word) { return name.ends_with(word); });
    if (asks || first.end != first.begin + 1 || !features_.variables[first.begin]) return;
    if (arguments.size() > 1 && !is(at_, "free")) return;
    add("free", tokens_[at_].text, first.begin);
    const bool is_sure = is(at_ - 1, ";") || is(at_ - 1, "{") || is(at_ - 1, "}") || is(at_ - 1, ":");
    if (is_sure) freed_at_[features_.variables[first.begin]] = std::uint32_t(first.end);
  }

  void index() {
    const Range range = expressions_.index(at_);
    if (range.is_empty() || expressions_.is_kept_small(range)) return;
    const std::size_t variable = expressions_.deciding(range);
    if (variable < tokens_.size()) add("index", tokens_[at_ - 1].text, variable);
  }

  // A variable that was freed before in the same run of statements, and is not given another value.
  void use() {
    static constexpr std::string_view ends[] = {"return", "goto", "break", "continue", "else", "case", "}"};
    const std::uint32_t variable = features_.variables[at_];
    if (std::ranges::find(ends, tokens_[at_].text) != std::end(ends)) {
      std::ranges::fill(freed_at_, never);
    } else if (variable && freed_at_[variable] < at_ && !expressions_.is_member(at_)) {
      freed_at_[variable] = never;
      if (!is(at_ + 1, "=") && !(is(at_ - 1, "&") && !is(at_ + 1, "->"))) add("freed", tokens_[at_].text, at_);
    }
  }

  const Features& features_;
  const std::vector<similarity::Token>& tokens_;
  const Expressions expressions_;
  const char* from_;
  std::vector<std::uint32_t> freed_at_;
  std::vector<Fact> facts_;
  std::size_t at_ = 0, depth_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

std::vector<Fact> read_evidence(std::string_view text, const Features& features) {
  return Finder(text, features).run();
}

}  // namespace codewren::hint
