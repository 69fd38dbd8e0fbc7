// Python bindings of the bags of words: the class WordBags.
#include "similarity/word_bags.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include "bindings/bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using codewren::similarity::OverlapRule;
using codewren::similarity::WordBags;
using Words = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// The bytes of what `work` returns, made without the GIL.
template <typename Work>
nb::bytes numbers(const Work& work) {
  decltype(work()) result;
  {
    nb::gil_scoped_release release;
    result = work();
  }
  return nb::bytes(result.data(), result.size() * sizeof(result[0]));
}

}  // namespace

void bind_word_bags(nb::module_& m) {
  nb::class_<WordBags>(m, "WordBags", "Bags of words; see codewren.scan.lexical.")
      .def(
          "__init__",
          [](WordBags* self, const Words& words, const std::vector<std::uint64_t>& ends) {
            new (self) WordBags({words.data(), words.size()}, ends);
          },
          "words"_a, "ends"_a)
      .def("__len__", &WordBags::size)
      .def(
          "overlapping",
          [](const WordBags& self, double least, std::uint32_t fewest, std::size_t limit) {
            return numbers([&] { return self.overlapping({least, fewest}, limit); });
          },
          "least"_a, "fewest"_a, "limit"_a)
      .def(
          "overlaps",
          [](const WordBags& self, const std::vector<std::int32_t>& pairs) {
            return numbers([&] { return self.overlaps(pairs); });
          },
          "pairs"_a)
      .def(
          "commonest",
          [](const WordBags& self, double least, std::uint32_t fewest) {
            return numbers([&] { return self.commonest({least, fewest}); });
          },
          "least"_a, "fewest"_a);
}
