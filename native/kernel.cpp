// Python bindings of the kernel.
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "kernel_student.h"

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
  PythonModel(Bytes weights, const std::map<std::string, Row>& tensors, codewren::Settings settings,
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

  nb::bytes logits(nb::bytes vectors, const std::vector<std::int64_t>& items) {
    return floats([&] { return student_.logits(numbers(vectors), items); });
  }

  std::vector<std::tuple<std::int32_t, std::int32_t, float>> pairs_above(nb::bytes vectors, float threshold,
                                                                         float temperature, std::size_t positive,
                                                                         std::size_t limit, std::size_t threads) {
    std::vector<codewren::PairScore> found;
    {
      nb::gil_scoped_release release;
      found = student_.pairs_above(numbers(vectors), threshold, temperature, positive, limit, threads);
    }
    std::vector<std::tuple<std::int32_t, std::int32_t, float>> result;
    result.reserve(found.size());
    for (const auto& pair : found) result.emplace_back(pair.first, pair.second, pair.probability);
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

  // Views stay valid while `texts` holds the strings.
  static std::vector<std::string_view> text_views(const nb::list& texts) {
    std::vector<std::string_view> views;
    views.reserve(nb::len(texts));
    for (nb::handle text : texts) {
      Py_ssize_t size = 0;
      const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
      if (!data) throw nb::python_error();
      views.emplace_back(data, std::size_t(size));
    }
    return views;
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

}  // namespace

void bind_kernel(nb::module_& m) {
  nb::exception<codewren::DamagedError>(m, "DamagedError", PyExc_ValueError);
  m.def("targets", [] {
    std::vector<std::string> names;
    for (const codewren::Kernels* kernels : codewren::available_kernels()) names.emplace_back(kernels->name);
    return names;
  }, "Instruction sets this machine can run, best first.");
  nb::class_<PythonModel>(m, "Model", "A student, ready to run; see codewren.runtime.predictor.")
      .def("__init__",
           [](PythonModel* self, Bytes weights, const std::map<std::string, Row>& tensors, std::size_t vocab_size,
              std::size_t hidden_size, std::size_t intermediate_size, std::size_t num_attention_heads,
              std::size_t num_hidden_layers, std::size_t max_sequence_length, std::string hidden_act,
              std::string position_embedding_type, std::size_t labels, bool pair, bool symmetric, std::string target,
              std::size_t embedding_size, std::size_t max_data_flow) {
             new (self) PythonModel(std::move(weights), tensors,
                                    {vocab_size, hidden_size, intermediate_size, num_attention_heads, num_hidden_layers,
                                     max_sequence_length, hidden_act, position_embedding_type, labels, pair, symmetric,
                                     embedding_size, max_data_flow},
                                    target);
           },
           "weights"_a, "tensors"_a, nb::kw_only(), "vocab_size"_a, "hidden_size"_a, "intermediate_size"_a,
           "num_attention_heads"_a, "num_hidden_layers"_a, "max_sequence_length"_a, "hidden_act"_a,
           "position_embedding_type"_a, "labels"_a, "pair"_a, "symmetric"_a, "target"_a = "", "embedding_size"_a = 0, "max_data_flow"_a = 0)
      .def("encode", &PythonModel::encode, "texts"_a, "tokenizer"_a, "threads"_a)
      .def("encode_ids", &PythonModel::encode_ids, "functions"_a, "threads"_a)
      .def("encode_graphs", &PythonModel::encode_graphs, "functions"_a, "threads"_a)
      .def("logits", &PythonModel::logits, "vectors"_a, "items"_a)
      .def("pairs_above", &PythonModel::pairs_above, "vectors"_a, "threshold"_a, "temperature"_a, "positive"_a,
           "limit"_a, "threads"_a)
      .def_prop_ro("target", &PythonModel::target);
}
