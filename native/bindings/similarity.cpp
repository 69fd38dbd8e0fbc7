// Python bindings of the similarity encoder: the class SimilarityEncoder.
#include "similarity/encoder.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bindings/bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using codewren::similarity::Encoder;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An encoder with the Python objects it must not outlive.
class PythonEncoder {
 public:
  PythonEncoder(Bytes weights, const std::vector<std::vector<std::size_t>>& tables, const std::array<double, 4>& roots,
                const std::string& target)
      : weights_(std::move(weights)),
        encoder_({weights_.data(), weights_.size()}, settings(tables, 0), settings(tables, 1), roots, target) {}

  nb::bytes encode(nb::list texts, nb::bytes is_python, std::size_t threads) {
    const std::vector<std::string_view> views = text_views(texts);
    const std::span languages(reinterpret_cast<const std::uint8_t*>(is_python.c_str()), is_python.size());
    const std::size_t size = views.size() * encoder_.vector_bytes();
    nb::bytes vectors = nb::steal<nb::bytes>(PyBytes_FromStringAndSize(nullptr, Py_ssize_t(size)));
    if (!vectors.is_valid()) throw nb::python_error();
    std::int8_t* numbers = reinterpret_cast<std::int8_t*>(PyBytes_AS_STRING(vectors.ptr()));
    nb::gil_scoped_release release;
    encoder_.encode(views, languages, threads, {numbers, size});
    return vectors;
  }

  nb::bytes products(Bytes vectors, const std::vector<std::int64_t>& items) {
    return numbers([&] { return encoder_.products(rows(vectors), items); });
  }

  nb::bytes pairs_above(Bytes vectors, std::int32_t least, std::size_t limit, std::size_t threads) {
    return numbers([&] { return encoder_.pairs_above(rows(vectors), least, limit, threads); });
  }

  nb::bytes neighbours(Bytes queries, Bytes vectors, Bytes wanted, std::size_t k, std::int32_t least,
                       std::size_t threads) {
    return numbers([&] {
      return encoder_.neighbours(rows(queries), rows(vectors), {wanted.data(), wanted.size()}, k, least, threads);
    });
  }

  std::string target() const { return encoder_.target(); }

 private:
  static codewren::similarity::TableSettings settings(const std::vector<std::vector<std::size_t>>& tables,
                                                      std::size_t index) {
    if (tables.size() != 2 || tables[index].size() != 8) throw nb::type_error("two tables of eight numbers are wanted");
    const auto& table = tables[index];
    return {table[0], table[1], table[2], table[3], table[4], table[5], table[6], table[7]};
  }

  static std::span<const std::int8_t> rows(const Bytes& vectors) {
    return {reinterpret_cast<const std::int8_t*>(vectors.data()), vectors.size()};
  }

  // The bytes of what `work` returns, made without the GIL.
  template <typename Work>
  static nb::bytes numbers(const Work& work) {
    decltype(work()) result;
    {
      nb::gil_scoped_release release;
      result = work();
    }
    return nb::bytes(result.data(), result.size() * sizeof(result[0]));
  }

  Bytes weights_;
  Encoder encoder_;
};

}  // namespace

void bind_similarity(nb::module_& m) {
  m.def(
      "similarity_targets",
      [] {
        std::vector<std::string> names;
        for (const auto* kernels : codewren::similarity::available_vector_kernels()) names.emplace_back(kernels->name);
        return names;
      },
      "Instruction sets a SimilarityEncoder can use on this machine, best first.");
  nb::class_<PythonEncoder>(m, "SimilarityEncoder", "Text to int8 vectors; see codewren.predict.similarity.")
      .def(nb::init<Bytes, const std::vector<std::vector<std::size_t>>&, const std::array<double, 4>&,
                    const std::string&>(),
           "weights"_a, "tables"_a, "roots"_a, "target"_a = "")
      .def("encode", &PythonEncoder::encode, "texts"_a, "is_python"_a, "threads"_a)
      .def("products", &PythonEncoder::products, "vectors"_a, "items"_a)
      .def("pairs_above", &PythonEncoder::pairs_above, "vectors"_a, "least"_a, "limit"_a, "threads"_a)
      .def("neighbours", &PythonEncoder::neighbours, "queries"_a, "vectors"_a, "wanted"_a, "k"_a, "least"_a,
           "threads"_a)
      .def_prop_ro("target", &PythonEncoder::target);
}
