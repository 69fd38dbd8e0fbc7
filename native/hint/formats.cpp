#include "hint/formats.h"

namespace codewren::hint {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_one_of(char c, std::string_view known) { return known.find(c) != known.npos; }

// Reads a format from left to right; 0 stands behind its end.
class FormatReader {
 public:
  explicit FormatReader(std::string_view format) : format_(format) {}

  // Goes behind the next `%` that begins a conversion.
  bool next() {
    while (at_ < format_.size()) {
      if (format_[at_++] != '%') continue;
      if (here() != '%') return true;
      ++at_;
    }
    return false;
  }

  char here() const { return at_ < format_.size() ? format_[at_] : '\0'; }
  void step() { at_ += at_ < format_.size(); }

  bool take(char wanted) {
    if (here() != wanted) return false;
    ++at_;
    return true;
  }

  void skip(std::string_view known) {
    while (at_ < format_.size() && is_one_of(format_[at_], known)) ++at_;
  }

  // The digits that stand here as a number, or 0.
  std::size_t number() {
    std::size_t value = 0;
    for (; is_digit(here()); ++at_) value = value > 9999 ? value : 10 * value + std::size_t(format_[at_] - '0');
    return value;
  }

  // The number of an argument that `3$` names, or 0.
  std::size_t position() {
    const std::size_t begin = at_, value = number();
    if (value && take('$')) return value;
    at_ = begin;
    return 0;
  }

 private:
  std::string_view format_;
  std::size_t at_ = 0;
};

class PrintReader {
 public:
  explicit PrintReader(std::string_view format) : reader_(format) {}

  std::vector<OpenConversion> run() {
    while (reader_.next()) conversion();
    return std::move(open_);
  }

 private:
  void conversion() {
    const std::size_t position = reader_.position();
    reader_.skip("-+ #0'I");
    const bool is_wide = measure();
    const bool is_cut = reader_.take('.'), is_precise = is_cut && measure();
    reader_.skip("hlLqjzt");
    const char letter = reader_.here();
    reader_.step();
    const bool is_text = is_one_of(letter, "sS");
    if (is_wide) open_.push_back({width_, false});
    if (is_precise && !is_text) open_.push_back({width_, false});
    if (letter == 'm') return;
    const std::size_t argument = position ? position - 1 : arguments_++;
    if (is_text && !is_cut) open_.push_back({argument, true});
  }

  // A width or a precision: whether an argument says it.
  bool measure() {
    if (!reader_.take('*')) return reader_.number(), false;
    const std::size_t position = reader_.position();
    width_ = position ? position - 1 : arguments_++;
    return true;
  }

  FormatReader reader_;
  std::vector<OpenConversion> open_;
  std::size_t arguments_ = 0, width_ = 0;
};

}  // namespace

std::vector<OpenConversion> open_conversions(std::string_view format) { return PrintReader(format).run(); }

bool scans_without_width(std::string_view format) {
  FormatReader reader(format);
  while (reader.next()) {
    reader.position();
    const bool is_skipped = reader.take('*'), has_width = reader.number() > 0;
    const bool is_allocated = reader.take('m') || reader.take('a');
    reader.skip("hlLqjzt");
    if (is_one_of(reader.here(), "sS[") && !is_skipped && !has_width && !is_allocated) return true;
    if (!reader.take('[')) continue;
    reader.take('^');
    reader.take(']');
    while (reader.here() && !reader.take(']')) reader.step();
  }
  return false;
}

}  // namespace codewren::hint
