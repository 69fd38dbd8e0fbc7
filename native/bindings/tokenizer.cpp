// Python bindings of the tokenizers: the class Tokenizer.
#include "tokenizer/tokenizer.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "bindings/bindings.h"
#include "bindings/keywords.h"

namespace nb = nanobind;

namespace {

using codewren::Tokenizer;
using Ids = std::vector<std::int32_t>;

Ids encode_code(const Tokenizer& self, std::string_view code, std::size_t max_length) {
  std::string text;
  Ids ids;
  self.normalize(code, text);
  self.encode(text, max_length, ids);
  return ids;
}

Ids encode(const Tokenizer& self, nb::str code, std::size_t max_length) {
  const std::string_view bytes = utf8(code);
  const nb::gil_scoped_release release;
  return encode_code(self, bytes, max_length);
}

std::vector<Ids> encode_batch(const Tokenizer& self, const std::vector<nb::str>& codes, std::size_t max_length) {
  std::vector<std::string_view> views;
  for (const nb::str& code : codes) views.push_back(utf8(code));
  std::vector<Ids> batch;
  const nb::gil_scoped_release release;
  for (std::string_view code : views) batch.push_back(encode_code(self, code, max_length));
  return batch;
}

codewren::TokenizerSettings settings_of(const nb::kwargs& keywords) {
  codewren::TokenizerSettings settings{};
  Keywords(keywords)
      .read("kind", settings.kind)
      .read("vocab", settings.vocab)
      .read("merges", settings.merges)
      .read("scores", settings.scores)
      .read("lowercase", settings.lowercase)
      .read("nfkd", settings.nfkd)
      .read("strip_accents", settings.strip_accents)
      .read("add_prefix_space", settings.add_prefix_space)
      .read("add_special_tokens", settings.add_special_tokens)
      .finish();
  return settings;
}

}  // namespace

void bind_tokenizer(nb::module_& m) {
  using namespace nb::literals;
  using codewren::Tokenizer;
  nb::class_<Tokenizer>(m, "Tokenizer",
                        "A tokenizer built from the fields of a TokenizerSpec; safe to share by threads.")
      .def(nb::new_([](const nb::kwargs& settings) { return codewren::make_tokenizer(settings_of(settings)); }))
      .def("encode", &encode, "code"_a, "max_length"_a, "Ids of source code, which is normalised first.")
      .def("encode_batch", &encode_batch, "codes"_a, "max_length"_a, "encode() of each, without the GIL.")
      .def(
          "encode_normalized",
          [](const Tokenizer& self, nb::str text, std::size_t max_length) {
            Ids ids;
            self.encode(utf8(text), max_length, ids);
            return ids;
          },
          "text"_a, "max_length"_a, "Ids of text that normalize() returned.")
      .def(
          "encode_lines",
          [](const Tokenizer& self, nb::str code, std::size_t max_length) {
            codewren::Lines lines;
            self.encode_lines(utf8(code), max_length, lines);
            lines.ends.insert(lines.ends.begin(), lines.begin);
            return nb::make_tuple(lines.ids, lines.ends, lines.read, lines.total);
          },
          "code"_a, "max_length"_a,
          "Ids of source code, where its lines begin and the last one ends, tokens read and all tokens.")
      .def(
          "normalize",
          [](const Tokenizer& self, nb::str code) {
            std::string text;
            self.normalize(utf8(code), text);
            return text;
          },
          "code"_a, "White space collapsed, then the normaliser.");
}
