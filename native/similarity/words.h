// Words and signs that stand for themselves, for others, or for nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "similarity/hashes.h"

namespace codewren::similarity {

constexpr std::string_view dropped_words[] = {
    ";", "{", "}", "(", ")", ":", ".", "->", "::", "?.", "\\", "public", "private", "protected", "static", "final",
    "const", "inline", "virtual", "override", "abstract", "synchronized", "async", "await", "export", "let", "var",
    "auto", "mut", "pub", "unsafe", "extern", "register", "volatile", "transient", "native", "constexpr", "noexcept",
    "explicit", "friend", "readonly", "declare", "int", "long", "short", "char", "float", "double", "unsigned",
    "signed", "size_t", "bool", "boolean", "void", "byte", "string", "str", "number", "any", "String", "Integer",
    "Boolean", "Double", "Long", "Object", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int8_t", "int16_t",
    "int32_t", "int64_t", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "usize", "isize", "uint",
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64", "rune", "std",
    "struct", "typename", "template", "throws"};

constexpr std::string_view keywords[] = {
    "if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue", "return", "try", "catch",
    "finally", "throw", "new", "delete", "in", "function", "this", "super", "true", "false", "null", "class",
    "import", "from", "as", "with", "yield", "goto", "sizeof", "instanceof", "typeof", "pass", "assert", "global",
    "nonlocal", "del", "interface", "extends", "implements", "package", "enum", "union", "typedef", "select", "range",
    "go", "chan", "map", "where", "loop", "impl", "trait", "use", "mod", "type", "operator", "using", "namespace"};

struct Canonical {
  std::string_view word, first, second;
};

// One spelling for all languages.
constexpr Canonical canonical_words[] = {
    {"and", "&&", ""},        {"or", "||", ""},       {"not", "!", ""},       {"elif", "else", "if"},
    {"None", "null", ""},     {"nil", "null", ""},    {"NULL", "null", ""},   {"nullptr", "null", ""},
    {"undefined", "null", ""}, {"null", "null", ""},  {"True", "true", ""},   {"False", "false", ""},
    {"self", "this", ""},     {"===", "==", ""},      {"!==", "!=", ""},      {"is", "==", ""},
    {"def", "function", ""},  {"func", "function", ""}, {"fn", "function", ""}, {"lambda", "=>", ""},
    {":=", "=", ""},          {"foreach", "for", ""}, {"except", "catch", ""}, {"raise", "throw", ""},
    {"of", "in", ""},         {"++", "+=", "1"},      {"--", "-=", "1"},      {"match", "switch", ""},
    {"defer", "finally", ""}};

constexpr std::string_view small_numbers[] = {"0",  "1",   "2",   "3",   "4",   "5",    "6",   "7",   "8",   "9",
                                              "10", "16",  "26",  "32",  "64",  "100",  "128", "255", "256", "1000",
                                              "1e9", "0.0", "1.0", "0.5"};

// Symbols of the words above, found by the hash of the word.
class PlainWords {
 public:
  struct Entry {
    std::string_view word;
    std::uint64_t symbols[2];
    std::uint32_t count;
  };

  constexpr PlainWords() {
    for (const Canonical& canonical : canonical_words)
      add({canonical.word,
           {symbol(canonical.first), symbol(canonical.second)},
           canonical.second.empty() ? 1u : 2u});
    for (const std::string_view word : dropped_words) add({word, {}, 0});
    for (const std::string_view word : keywords) add({word, {symbol(word), 0}, 1});
  }

  // The entry of a word whose symbol is `hash`, or nothing.
  constexpr const Entry* find(std::string_view word, std::uint64_t hash) const {
    for (std::size_t slot = hash % slots;; slot = (slot + 1) % slots) {
      if (entries_[slot].word.empty()) return nullptr;
      if (entries_[slot].word == word) return &entries_[slot];
    }
  }

 private:
  static constexpr std::size_t slots = 1024;

  constexpr void add(const Entry& entry) {
    std::size_t slot = symbol(entry.word) % slots;
    while (!entries_[slot].word.empty()) {
      if (entries_[slot].word == entry.word) return;  // the first reading of a word stands
      slot = (slot + 1) % slots;
    }
    entries_[slot] = entry;
  }

  std::array<Entry, slots> entries_{};
};

}  // namespace codewren::similarity
