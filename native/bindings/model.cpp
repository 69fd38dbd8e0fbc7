// Python bindings of the kernel: the class Model.
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bindings/bindings.h"
#include "bindings/keywords.h"
#include "kernel/instruction_sets.h"
#include "kernel/student.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Ids = std::vector<std::int32_t>;
using Pair = std::pair<std::int32_t, std::int32_t>;
using Row = std::tuple<std::string, std::size_t, std::size_t, std::size_t, std::size_t>;

// A model with the Python objects it must not outlive.
class PythonModel {
 public:
  PythonModel(Bytes weights, const std::map<std::string, Row>& tensors, const codewren::Settings& settings,
              const std::string& target)
      : weights_(std::move(weights)), student_({weights_.data(), weights_.size()}, table(tensors), settings, target) {}

  nb::bytes encode(nb::list texts, const codewren::Tokenizer& tokenizer, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    return floats([&] { return student_.encode(views, tokenizer, threads); });
  }

  nb::bytes encode_ids(const std::vector<std::vector<std::int32_t>>& functions, std::size_t threads) {
    return floats([&] { return student_.encode_ids(functions, threads); });
  }

  nb::bytes encode_graphs(const std::vector<std::tuple<Ids, std::vector<Pair>, std::vector<Pair>>>& functions,
                          std::size_t threads) {
    std::vector<codewren::Graph> graphs;
    graphs.reserve(functions.size());
    for (const auto& [ids, spans, edges] : functions) graphs.push_back({ids, flat(spans), flat(edges)});
    return floats([&] { return student_.encode_graphs(graphs, threads); });
  }

  // For each text: tokens read, tokens, numbers of the lines that were left out, and rows of logits.
  nb::list without_lines(nb::list texts, const codewren::Tokenizer& tokenizer, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    std::vector<codewren::Student::LineLogits> explained;
    {
      nb::gil_scoped_release release;
      explained = student_.without_lines(views, tokenizer, threads);
    }
    nb::list result;
    for (const auto& [read, total, lines, logits] : explained)
      result.append(nb::make_tuple(read, total, lines, nb::bytes(logits.data(), logits.size() * sizeof(float))));
    return result;
  }

  nb::bytes logits(nb::bytes vectors, const std::vector<std::int64_t>& items) {
    return floats([&] { return student_.logits(numbers(vectors), items); });
  }

  std::vector<std::tuple<std::int32_t, std::int32_t, float>> pairs_above(nb::bytes vectors, float threshold,
                                                                         float temperature, std::size_t positive,
                                                                         std::size_t limit, std::size_t threads) {
    std::vector<codewren::PairScore> scores;
    {
      nb::gil_scoped_release release;
      scores = student_.pairs_above(numbers(vectors), threshold, temperature, positive, limit, threads);
    }
    std::vector<std::tuple<std::int32_t, std::int32_t, float>> result;
    result.reserve(scores.size());
    for (const auto& pair : scores) result.emplace_back(pair.first, pair.second, pair.probability);
    return result;
  }

  std::string target() const { return student_.target(); }

 private:
  static Ids flat(const std::vector<Pair>& pairs) {
    Ids numbers;
    numbers.reserve(2 * pairs.size());
    for (const auto& [first, second] : pairs) numbers.insert(numbers.end(), {first, second});
    return numbers;
  }

  static codewren::TensorTable table(const std::map<std::string, Row>& tensors) {
    codewren::TensorTable result;
    for (const auto& [name, row] : tensors)
      result[name] = {std::get<0>(row), std::get<1>(row), std::get<2>(row), std::get<3>(row), std::get<4>(row)};
    return result;
  }

  static std::span<const float> numbers(const nb::bytes& vectors) {
    // Python keeps the bytes of such an object on a boundary of at least 8.
    return {reinterpret_cast<const float*>(vectors.c_str()), vectors.size() / sizeof(float)};
  }

  template <typename Work>
  static nb::bytes floats(const Work& work) {
    std::vector<float> result;
    {
      nb::gil_scoped_release release;
      result = work();
    }
    return nb::bytes(result.data(), result.size() * sizeof(float));
  }

  Bytes weights_;
  codewren::Student student_;
};

codewren::Settings settings_of(const nb::kwargs& keywords) {
  codewren::Settings settings{};
  Keywords(keywords)
      .read("vocab_size", settings.vocab_size)
      .read("hidden_size", settings.hidden_size)
      .read("intermediate_size", settings.intermediate_size)
      .read("num_attention_heads", settings.num_attention_heads)
      .read("num_hidden_layers", settings.num_hidden_layers)
      .read("max_sequence_length", settings.max_sequence_length)
      .read("hidden_act", settings.hidden_act)
      .read("position_embedding_type", settings.position_embedding_type)
      .read("labels", settings.labels)
      .read("pair", settings.pair)
      .read("symmetric", settings.symmetric)
      .read_optional("embedding_size", settings.embedding_size)
      .read_optional("max_data_flow", settings.max_data_flow)
      .finish();
  return settings;
}

}  // namespace

void bind_model(nb::module_& m) {
  nb::exception<codewren::DamagedError>(m, "DamagedError", PyExc_ValueError);
  m.def(
      "targets",
      [] {
        std::vector<std::string> names;
        for (const codewren::Kernels* kernels : codewren::available_kernels()) names.emplace_back(kernels->name);
        return names;
      },
      "Instruction sets this machine can run, best first.");
  nb::class_<PythonModel>(m, "Model", "A student, ready to run; see codewren.predict.predictor.")
      .def(
          "__init__",
          [](PythonModel* self, Bytes weights, const std::map<std::string, Row>& tensors, const std::string& target,
             const nb::kwargs& settings) {
            new (self) PythonModel(std::move(weights), tensors, settings_of(settings), target);
          },
          "weights"_a, "tensors"_a, nb::kw_only(), "target"_a = "", "settings"_a)
      .def("encode", &PythonModel::encode, "texts"_a, "tokenizer"_a, "threads"_a)
      .def("encode_ids", &PythonModel::encode_ids, "functions"_a, "threads"_a)
      .def("encode_graphs", &PythonModel::encode_graphs, "functions"_a, "threads"_a)
      .def("without_lines", &PythonModel::without_lines, "texts"_a, "tokenizer"_a, "threads"_a)
      .def("logits", &PythonModel::logits, "vectors"_a, "items"_a)
      .def("pairs_above", &PythonModel::pairs_above, "vectors"_a, "threshold"_a, "temperature"_a, "positive"_a,
           "limit"_a, "threads"_a)
      .def_prop_ro("target", &PythonModel::target);
}
