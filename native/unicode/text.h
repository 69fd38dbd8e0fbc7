// UTF-8, character classes, and normalisation exactly as the training library does it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "unicode/tables.h"

namespace codewren::unicode {

struct Decoded {
  char32_t code;
  std::size_t size;  // bytes
};

// The character at `at` < text.size(). A byte that starts no complete sequence counts as one U+FFFD.
inline Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || size > text.size() - at) return {0xFFFD, 1};
  char32_t code = lead & (0x7Fu >> size);
  for (std::size_t index = at + 1; index < at + size; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return {0xFFFD, 1};
    code = code << 6 | (byte(index) & 0x3Fu);
  }
  return {code, size};
}

inline void append(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
}

// The row of a table, sorted and without overlaps, that covers `code`; null where none does.
template <typename Row, std::size_t N>
const Row* row_of(const Row (&rows)[N], char32_t code) {
  const Row* after = std::upper_bound(rows, rows + N, code, [](char32_t c, const Row& row) { return c < row.first; });
  return after != rows && code <= after[-1].last ? after - 1 : nullptr;
}

inline std::uint8_t look_up_flags(char32_t code) {
  const FlagRow* row = row_of(kFlags, code);
  return row ? row->flags : 0;
}

inline const auto kAsciiFlags = [] {
  std::array<std::uint8_t, 128> flags{};
  for (char32_t code = 0; code < 128; ++code) flags[code] = look_up_flags(code);
  return flags;
}();

inline std::uint8_t flags_of(char32_t code) { return code < 128 ? kAsciiFlags[code] : look_up_flags(code); }

// İ alone becomes two characters; final sigma is no special case, because the library sees one character at a time.
inline void append_lower(std::string& text, char32_t code) {
  if (code == U'İ') {
    text += "i\u0307";
    return;
  }
  const LowerRow* row = row_of(kLower, code);
  append(text, row && (code - row->first) % row->step == 0 ? row->to + (code - row->first) : code);
}

// What collapsing makes of an ASCII character: white space becomes a space, and letters lower case if asked for.
using AsciiTable = std::array<char, 128>;

inline AsciiTable ascii_table(bool lowercase) {
  AsciiTable table{};
  for (char32_t code = 0; code < 128; ++code) {
    const bool upper = lowercase && code >= 'A' && code <= 'Z';
    const bool blank = kAsciiFlags[code] & kBlank;
    table[code] = static_cast<char>(blank ? ' ' : upper ? code + ('a' - 'A') : code);
  }
  return table;
}

inline std::size_t end_of_ascii(std::string_view text, std::size_t at) {
  for (std::uint64_t eight; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if (eight & 0x8080808080808080) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 128) ++at;
  return at;
}

// Appends `ascii` without a space at the start of `text` or after another one. No branch depends on the text.
inline void append_collapsed(std::string& text, std::string_view ascii, const AsciiTable& table) {
  std::size_t size = text.size();
  char last = size ? text.back() : ' ';
  text.resize(size + ascii.size());
  for (char from : ascii) {
    const char to = table[static_cast<unsigned char>(from)];
    text[size] = to;
    size += !(to == ' ' && last == ' ');
    last = to;
  }
  text.resize(size);
}

// Python's " ".join(code.split()), with letters lower-cased on the way. Returns whether all of it was ASCII.
inline bool collapse(std::string_view code, bool lowercase, std::string& text) {
  static const AsciiTable kTables[] = {ascii_table(false), ascii_table(true)};
  text.clear();
  text.reserve(code.size());
  bool ascii = true;
  for (std::size_t at = 0; at < code.size();) {
    const std::size_t end = end_of_ascii(code, at);
    append_collapsed(text, code.substr(at, end - at), kTables[lowercase]);
    at = end;
    if (at == code.size()) break;
    const Decoded next = decode(code, at);
    at += next.size;
    if (flags_of(next.code) & kBlank) {
      append_collapsed(text, " ", kTables[lowercase]);
    } else {
      ascii = false;
      lowercase ? append_lower(text, next.code) : append(text, next.code);
    }
  }
  if (text.ends_with(' ')) text.pop_back();
  return ascii;
}

inline void decompose(char32_t code, std::u32string& out) {
  if (code >= 0xAC00 && code < 0xD7A4) {  // Hangul syllables, Unicode standard 3.12
    const char32_t index = code - 0xAC00;
    out += {0x1100 + index / 588, 0x1161 + index % 588 / 28};
    if (index % 28) out += 0x11A7 + index % 28;
  } else if (const DecompositionRow* row = row_of(kDecompositions, code)) {
    out.append(kDecomposed + row->offset + (code - row->first) * row->length, row->length);
  } else {
    out += code;
  }
}

inline std::uint8_t combining_class(char32_t code) {
  const ClassRow* row = row_of(kCombining, code);
  return row ? row->combining_class : 0;
}

// Compatibility decomposition with marks in canonical order.
inline std::string nfkd(std::string_view text) {
  std::string out;
  std::u32string pending, decomposed;  // one starter with the marks that follow it
  const auto by_class = [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); };
  const auto flush = [&] {
    std::size_t first = !pending.empty() && combining_class(pending[0]) == 0;
    std::stable_sort(pending.begin() + static_cast<std::ptrdiff_t>(first), pending.end(), by_class);
    for (char32_t code : pending) append(out, code);
    pending.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    at += next.size;
    decomposed.clear();
    decompose(next.code, decomposed);
    for (char32_t code : decomposed) {
      if (combining_class(code) == 0) flush();
      pending += code;
    }
  }
  flush();
  return out;
}

inline std::string_view strip(std::string_view text) {
  std::size_t first = 0, last = 0;
  bool started = false;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (!(flags_of(next.code) & kSpace)) {
      if (!started) first = at;
      started = true;
      last = at + next.size;
    }
    at += next.size;
  }
  return text.substr(first, last - first);
}

inline std::string without_marks(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (!(flags_of(next.code) & kMark)) append(out, next.code);
    at += next.size;
  }
  return out;
}

// What a tokenizer does to source code before it looks for words.
struct Normalizer {
  bool lowercase, decompose, strip_accents;

  void operator()(std::string_view code, std::string& text) const {
    if (collapse(code, lowercase, text)) return;  // the rest changes no ASCII
    if (decompose) text = strip(nfkd(text));
    if (strip_accents) text = without_marks(text);
  }
};

}  // namespace codewren::unicode
