// Python bindings of the lexer: the class Lexer.
#include "syntax/lexer.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings/bindings.h"
#include "bindings/keywords.h"

namespace nb = nanobind;

namespace {

using codewren::Lexer;
using Marks = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Span = std::pair<std::size_t, std::size_t>;

std::string_view view(const nb::bytes& bytes) { return {bytes.c_str(), bytes.size()}; }

nb::bytes to_bytes(const std::string& text) { return nb::bytes(text.data(), text.size()); }

// Throws ValueError for a span or a mark that is not inside the source.
void check(const Span& span, std::size_t size) {
  if (span.first > span.second || span.second > size) throw nb::value_error("a span is not inside the source");
}

std::vector<codewren::Literal> literals(const Marks& marks, std::size_t size) {
  if (marks.size() % 3) throw nb::value_error("marks are triples of start, end and kind");
  for (std::size_t i = 0; i < marks.size(); i += 3) check({marks.data()[i], marks.data()[i + 1]}, size);
  return codewren::literals_of({marks.data(), marks.size()});
}

nb::list tokens(const Lexer& self, const nb::bytes& source, const Marks& marks) {
  const std::string_view text = view(source);
  nb::list result;
  for (const std::string& token : self.tokens(text, 0, text.size(), literals(marks, text.size()))) {
    result.append(to_bytes(token));
  }
  return result;
}

nb::list texts_and_shapes(const Lexer& self, const nb::bytes& source, const std::vector<Span>& spans,
                          const Marks& marks) {
  const std::string_view text = view(source);
  const std::vector<codewren::Literal> known = literals(marks, text.size());
  nb::list result;
  for (const Span& span : spans) {
    check(span, text.size());
    const auto [exact, shape] = self.text_and_shape(text, span.first, span.second, known);
    result.append(nb::make_tuple(to_bytes(exact), to_bytes(shape)));
  }
  return result;
}

codewren::LexerSettings settings_of(const nb::kwargs& keywords) {
  codewren::LexerSettings settings;
  Keywords(keywords)
      .read("keywords", settings.keywords)
      .read("types", settings.types)
      .read("operators", settings.operators)
      .read("indented", settings.indented)
      .read("single_quoted", settings.single_quoted)
      .read("text_blocks", settings.text_blocks)
      .read("angles", settings.angles)
      .finish();
  return settings;
}

}  // namespace

void bind_lexer(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Lexer>(m, "Lexer", "Cuts the source text of one language into tokens; safe to share by threads.")
      .def("__init__", [](Lexer* self, const nb::kwargs& settings) { new (self) Lexer(settings_of(settings)); })
      .def("tokens", &tokens, "source"_a, "marks"_a, "Tokens without comments.")
      .def("texts_and_shapes", &texts_and_shapes, "source"_a, "spans"_a, "marks"_a,
           "For each span its tokens joined by zero bytes, as they are and with names, types and literals blanked.")
      .def(
          "nesting_depth", [](const Lexer& self, const nb::bytes& source) { return self.nesting_depth(view(source)); },
          "source"_a, "How deep brackets nest outside comments and strings.");
}
