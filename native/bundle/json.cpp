#include "bundle/json.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "kernel/tensors.h"
#include "unicode/text.h"
#include "unicode/valid.h"

namespace codewren {

class JsonParser {
 public:
  JsonParser(std::string_view text, const std::string& name, JsonDocument& document)
      : text_(text), name_(name), document_(document) {}

  void parse() {
    if (unicode::valid_prefix(text_) != text_.size()) refuse("is not UTF-8");
    value(0);
    skip_space();
    if (at_ != text_.size()) refuse("goes on after its end");
    if (document_.nodes_[0].kind != JsonKind::object) refuse("is no object");
  }

 private:
  static constexpr std::size_t deepest = 200, longest_number = 400;

  [[noreturn]] void refuse(const char* problem) const { throw DamagedError(name_ + " " + problem); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  char peek() {
    if (at_ == text_.size()) refuse("is not JSON: it ends too early");
    return text_[at_];
  }

  char next() {
    skip_space();
    return peek();
  }

  void expect(char wanted) {
    if (next() != wanted) refuse("is not JSON");
    ++at_;
  }

  std::size_t add(JsonKind kind) {
    document_.nodes_.push_back({kind, 0, {}});
    return document_.nodes_.size() - 1;
  }

  void value(std::size_t depth) {
    if (depth > deepest) refuse("is JSON nested too deeply");
    const char first = next();
    std::size_t node = document_.nodes_.size();
    if (first == '{')
      object(add(JsonKind::object), depth);
    else if (first == '[')
      list(add(JsonKind::list), depth);
    else if (first == '"')
      text(add(JsonKind::text));
    else if (first == '-' || (first >= '0' && first <= '9'))
      number();
    else
      word();
    document_.nodes_[node].end = std::uint32_t(document_.nodes_.size());
  }

  void object(std::size_t node, std::size_t depth) {
    std::uint64_t size = 0;
    ++at_;
    for (bool more = next() != '}'; more; ++size) {
      if (next() != '"') refuse("is not JSON: a key is no string");
      const std::size_t key = add(JsonKind::text);
      text(key);
      document_.nodes_[key].end = std::uint32_t(key + 1);
      expect(':');
      value(depth + 1);
      more = comma_or('}');
    }
    ++at_;
    document_.nodes_[node].size = size;
  }

  void list(std::size_t node, std::size_t depth) {
    std::uint64_t size = 0;
    ++at_;
    for (bool more = next() != ']'; more; ++size) {
      value(depth + 1);
      more = comma_or(']');
    }
    ++at_;
    document_.nodes_[node].size = size;
  }

  // Whether more follows; the closing bracket is left where it is.
  bool comma_or(char closing) {
    const char sign = next();
    if (sign == closing) return false;
    if (sign != ',') refuse("is not JSON");
    ++at_;
    return true;
  }

  void word() {
    for (const auto& [word, kind, truth] : {Word{"null", JsonKind::null, false}, Word{"true", JsonKind::boolean, true},
                                            Word{"false", JsonKind::boolean, false}})
      if (text_.substr(at_).starts_with(word)) {
        document_.nodes_[add(kind)].boolean = truth;
        at_ += word.size();
        return;
      }
    refuse("is not JSON");
  }

  std::size_t digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - start;
  }

  bool skip(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void number() {
    const std::size_t start = at_;
    skip('-');
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t count = digits();
    if (!count || (zero && count > 1)) refuse("is not JSON: a number is malformed");
    bool whole = true;
    if (skip('.')) {
      whole = false;
      if (!digits()) refuse("is not JSON: a number is malformed");
    }
    if (skip('e') || skip('E')) {
      whole = false;
      if (!skip('+')) skip('-');
      if (!digits()) refuse("is not JSON: a number is malformed");
    }
    const std::string_view said = text_.substr(start, at_ - start);
    if (said.size() > longest_number) refuse("holds a number of too many digits");
    std::int64_t exact = 0;
    if (whole && std::from_chars(said.data(), said.data() + said.size(), exact).ec == std::errc()) {
      document_.nodes_[add(JsonKind::whole)].whole = exact;
      return;
    }
    // Whole numbers beyond 64 bits are too large for anything that a bundle states; they end here as floats.
    document_.nodes_[add(JsonKind::number)].number = std::strtod(std::string(said).c_str(), nullptr);
  }

  void text(std::size_t node) {
    const std::size_t start = document_.texts_.size();
    ++at_;
    for (char c; (c = peek()) != '"';) {
      if (static_cast<unsigned char>(c) < 0x20) refuse("is not JSON: a control character in a string");
      ++at_;
      if (c == '\\')
        escape();
      else
        document_.texts_ += c;
    }
    ++at_;
    document_.nodes_[node].text = {std::uint32_t(start), std::uint32_t(document_.texts_.size() - start)};
  }

  void escape() {
    static constexpr std::string_view signs = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char sign = peek();
    ++at_;
    if (const std::size_t index = signs.find(sign); index != signs.npos) {
      document_.texts_ += meanings[index];
      return;
    }
    if (sign != 'u') refuse("is not JSON: an unknown escape");
    char32_t code = four_digits();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const char32_t low = four_digits();
      if (low < 0xDC00 || low > 0xDFFF) refuse("holds half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code < 0xE000) refuse("holds half a surrogate pair");
    unicode::append(document_.texts_, code);
  }

  char32_t four_digits() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || read.ptr != digits.data() + 4) refuse("is not JSON: an escape is malformed");
    at_ += 4;
    return code;
  }

  struct Word {
    std::string_view word;
    JsonKind kind;
    bool truth;
  };

  std::string_view text_;
  const std::string& name_;
  JsonDocument& document_;
  std::size_t at_ = 0;
};

JsonDocument::JsonDocument(std::span<const std::uint8_t> bytes, const std::string& name) {
  JsonParser({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name, *this).parse();
}

JsonKind Json::kind() const { return document_->nodes_[index_].kind; }

bool Json::boolean() const { return document_->nodes_[index_].boolean; }

std::int64_t Json::whole() const { return document_->nodes_[index_].whole; }

double Json::number() const { return is(JsonKind::whole) ? double(whole()) : document_->nodes_[index_].number; }

std::string_view Json::text() const {
  const auto [offset, size] = document_->nodes_[index_].text;
  return std::string_view(document_->texts_).substr(offset, size);
}

std::vector<Json> Json::items() const {
  std::vector<Json> values;
  for (std::size_t index = index_ + 1; index < document_->nodes_[index_].end; index = document_->nodes_[index].end)
    values.push_back({*document_, index});
  return values;
}

std::size_t Json::size() const { return std::size_t(document_->nodes_[index_].size); }

std::optional<Json> Json::find(std::string_view key) const {
  std::optional<Json> value;
  const auto& nodes = document_->nodes_;
  for (std::size_t index = index_ + 1; index < nodes[index_].end; index = nodes[index + 1].end)
    if (Json(*document_, index).text() == key) value = Json(*document_, index + 1);
  return value;
}

Json Json::field(std::string_view key, JsonKind kind) const {
  const std::optional<Json> value = find(key);
  if (!value) throw DamagedError("manifest field " + std::string(key.substr(0, 40)) + " is missing");
  if (!value->is(kind)) throw DamagedError("manifest field " + std::string(key.substr(0, 40)) + " is of another type");
  return *value;
}

}  // namespace codewren
