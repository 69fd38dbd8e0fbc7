// Python bindings of the hint: its features, and the class HintModel.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "bindings/bindings.h"
#include "hint/evidence.h"
#include "hint/facts.h"
#include "hint/line_trees.h"
#include "hint/model.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using codewren::hint::Model;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename Number>
nb::bytes packed(const std::vector<Number>& values) {
  return nb::bytes(values.data(), values.size() * sizeof(Number));
}

// Distinct features of functions, one function after another: how many each has, their hashes, their counts; measures.
nb::tuple hint_features(nb::list texts) {
  std::vector<std::uint64_t> hashes, buffer;
  std::vector<std::uint32_t> sizes, counts, totals;
  codewren::hint::Features features;
  for (const std::string_view text : text_views(texts)) {
    codewren::hint::read_features(text, features);
    buffer.clear();
    for (const auto& occurrence : features.occurrences) buffer.push_back(occurrence.hash);
    std::ranges::sort(buffer);
    const std::size_t before = hashes.size();
    for (std::size_t k = 0, end; k < buffer.size(); k = end) {
      for (end = k; end < buffer.size() && buffer[end] == buffer[k];) ++end;
      hashes.push_back(buffer[k]);
      counts.push_back(std::uint32_t(end - k));
    }
    sizes.push_back(std::uint32_t(hashes.size() - before));
    totals.insert(totals.end(), features.counts.begin(), features.counts.end());
  }
  return nb::make_tuple(packed(sizes), packed(hashes), packed(counts), packed(totals));
}

using ReadFacts = std::vector<codewren::hint::Fact> (*)(std::string_view, const codewren::hint::Features&);

// Line, kind, name, variable and whether it is checked, of each fact of each function.
nb::list rows_of_facts(nb::list texts, ReadFacts read) {
  codewren::hint::Features features;
  nb::list rows;
  const auto word = [](std::string_view text) {
    return nb::steal(PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), "replace"));
  };
  for (const std::string_view text : text_views(texts)) {
    codewren::hint::read_features(text, features);
    nb::list row;
    for (const auto& fact : read(text, features))
      row.append(nb::make_tuple(fact.line, word(fact.kind), word(fact.name), word(fact.variable), fact.is_checked));
    rows.append(row);
  }
  return rows;
}

nb::list hint_facts(nb::list texts) { return rows_of_facts(std::move(texts), codewren::hint::read_facts); }

nb::list hint_evidence(nb::list texts) { return rows_of_facts(std::move(texts), codewren::hint::read_evidence); }

// The measures of the telling lines of functions, one function after another: how many lines each has, their numbers
// counted from 0, their measures.
nb::tuple hint_line_measures(nb::list texts) {
  std::vector<std::uint32_t> sizes, numbers;
  std::vector<std::uint8_t> values;
  codewren::hint::Features features;
  for (const std::string_view text : text_views(texts)) {
    codewren::hint::read_features(text, features);
    const std::size_t before = numbers.size();
    for (const auto& line : codewren::hint::read_line_measures(text, features)) {
      if (!line.is_telling) continue;
      numbers.push_back(line.line);
      values.insert(values.end(), line.values.begin(), line.values.end());
    }
    sizes.push_back(std::uint32_t(numbers.size() - before));
  }
  return nb::make_tuple(packed(sizes), packed(numbers), packed(values));
}

// A model with the Python object it must not outlive.
class PythonHint {
 public:
  PythonHint(Bytes weights, const std::vector<std::size_t>& settings)
      : weights_(std::move(weights)), model_({weights_.data(), weights_.size()}, checked(settings)) {}

  nb::bytes sums(nb::list texts, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    std::vector<std::int64_t> rows;
    {
      nb::gil_scoped_release release;
      rows = model_.sums(views, threads);
    }
    return packed(rows);
  }

  std::vector<std::vector<double>> lines(nb::list texts, const std::vector<double>& factors, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    const nb::gil_scoped_release release;
    return model_.lines(views, factors, threads);
  }

 private:
  static codewren::hint::Settings checked(const std::vector<std::size_t>& settings) {
    if (settings.size() != 7) throw nb::type_error("seven sizes and offsets are wanted");
    return {settings[0], settings[1], settings[2], settings[3], settings[4], settings[5], settings[6]};
  }

  Bytes weights_;
  Model model_;
};

class PythonLines {
 public:
  explicit PythonLines(const std::vector<std::int32_t>& numbers) : trees_(numbers) {}

  std::vector<std::vector<std::optional<std::int64_t>>> scores(nb::list texts, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    const nb::gil_scoped_release release;
    return trees_.scores(views, threads);
  }

 private:
  codewren::hint::LineTrees trees_;
};

}  // namespace

void bind_hint(nb::module_& m) {
  m.def("hint_features", &hint_features, "texts"_a,
        "Distinct features of functions: how many each has, hashes, counts, and the functions' measures.");
  m.def("hint_facts", &hint_facts, "texts"_a, "Facts of functions: line, kind, name, variable, whether it is checked.");
  m.def("hint_evidence", &hint_evidence, "texts"_a, "Of such facts those that a sentence may name.");
  m.def("hint_line_measures", &hint_line_measures, "texts"_a,
        "Measures of lines: how many telling lines each function has, their numbers, their measures.");
  nb::class_<PythonLines>(m, "HintLines", "Text to what the trees say of each line; see codewren.predict.hint.")
      .def(nb::init<const std::vector<std::int32_t>&>(), "numbers"_a)
      .def("scores", &PythonLines::scores, "texts"_a, "threads"_a);
  nb::class_<PythonHint>(m, "HintModel", "Text to the sums of each head; see codewren.predict.hint.")
      .def(nb::init<Bytes, const std::vector<std::size_t>&>(), "weights"_a, "settings"_a)
      .def("sums", &PythonHint::sums, "texts"_a, "threads"_a)
      .def("lines", &PythonHint::lines, "texts"_a, "factors"_a, "threads"_a);
}
