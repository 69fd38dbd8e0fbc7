// JSON (RFC 8259) of a stranger: 16 bytes of memory a value, whatever the text, and a limit to how deep it nests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codewren {

enum class JsonKind : std::uint32_t { null, boolean, whole, number, text, list, object };

class JsonDocument;

// A value of a document, which must outlive it.
class Json {
 public:
  JsonKind kind() const;
  bool is(JsonKind kind) const { return this->kind() == kind; }

  // The value as it is; ask for its kind first.
  bool boolean() const;
  std::int64_t whole() const;
  double number() const;  // of a whole number too
  std::string_view text() const;

  // Items of a list; keys and values by turns of an object.
  std::vector<Json> items() const;
  std::size_t size() const;  // of a list

  // The value of a key, the last one where there are several; nothing where there is none.
  std::optional<Json> find(std::string_view key) const;

  // As `find`; throws DamagedError where there is none, or it is of another kind.
  Json field(std::string_view key, JsonKind kind) const;

 private:
  friend class JsonDocument;
  Json(const JsonDocument& document, std::size_t index) : document_(&document), index_(index) {}

  const JsonDocument* document_;
  std::size_t index_;
};

class JsonDocument {
 public:
  // Throws DamagedError where `bytes`, of less than 2^31, are not one JSON object in UTF-8.
  JsonDocument(std::span<const std::uint8_t> bytes, const std::string& name);
  JsonDocument(const JsonDocument&) = delete;  // its values point to it
  JsonDocument& operator=(const JsonDocument&) = delete;

  Json root() const { return {*this, 0}; }

 private:
  friend class Json;
  friend class JsonParser;

  struct Span {
    std::uint32_t offset, size;  // of texts_
  };

  // Values in the order of the text; those inside a list or an object follow it, up to `end`.
  struct Node {
    JsonKind kind;
    std::uint32_t end;
    union {
      bool boolean;
      std::int64_t whole;
      double number;
      Span text;
      std::uint64_t size;
    };
  };

  std::vector<Node> nodes_;
  std::string texts_;
};

}  // namespace codewren
