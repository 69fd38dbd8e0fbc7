// Each source file of this folder binds its own classes.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>
#include <vector>

void bind_tokenizer(nanobind::module_& m);
void bind_model(nanobind::module_& m);
void bind_lexer(nanobind::module_& m);
void bind_similarity(nanobind::module_& m);
void bind_word_bags(nanobind::module_& m);
void bind_hint(nanobind::module_& m);
void bind_training(nanobind::module_& m);

// The UTF-8 of a Python string, kept alive by it; a surrogate escape raises UnicodeEncodeError.
inline std::string_view utf8(nanobind::handle text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!data) throw nanobind::python_error();
  return {data, static_cast<std::size_t>(size)};
}

// Views of the strings of a list, valid while it holds them.
inline std::vector<std::string_view> text_views(const nanobind::list& texts) {
  std::vector<std::string_view> views;
  views.reserve(nanobind::len(texts));
  for (nanobind::handle text : texts) views.push_back(utf8(text));
  return views;
}
