// Python bindings of the training kernel: the class TrainingBatch.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include "bindings/bindings.h"
#include "bindings/keywords.h"
#include "train/batch.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using codewren::train::Batch;
using codewren::train::BatchSettings;
using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Target = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename Array>
auto flat(const Array& array) {
  return std::span(array.data(), array.size());
}

// A batch with the arrays it must not outlive.
class PythonBatch {
 public:
  PythonBatch(Floats word, Floats position, Floats gain, Floats shift, Ids ids, Ids lengths, const nb::kwargs& keywords)
      : arrays_{std::move(word), std::move(position), std::move(gain), std::move(shift)},
        ids_(std::move(ids)),
        lengths_(std::move(lengths)),
        batch_(settings(keywords), target_) {}

  void first_rows(Target rows) const {
    nb::gil_scoped_release release;
    batch_.first_rows(flat(rows), threads_);
  }

  void attend(Floats query_key, Floats extra, Target weights, Target sums, Target mix) const {
    nb::gil_scoped_release release;
    batch_.attend({flat(query_key), flat(extra), flat(weights), flat(sums), flat(mix)}, threads_);
  }

  // Arrays are those of `attend`, then their gradients, then those of the tables.
  void attend_backward(Floats query_key, Floats extra, Target weights, Floats sums, Floats mix, Target query_keys,
                       Target extras, Target word, Target position, Target gain, Target shift) const {
    nb::gil_scoped_release release;
    std::vector<float> no_sums(sums.size()), no_mix(mix.size());  // that pass computes neither again
    batch_.attend_backward({flat(query_key), flat(extra), flat(weights), no_sums, no_mix},
                           {flat(sums), flat(mix), flat(query_keys), flat(extras)},
                           {flat(word), flat(position), flat(gain), flat(shift)}, threads_);
  }

  void first_rows_backward(Floats rows, Target word, Target position, Target gain, Target shift) const {
    nb::gil_scoped_release release;
    batch_.first_rows_backward(flat(rows), {flat(word), flat(position), flat(gain), flat(shift)});
  }

 private:
  BatchSettings settings(const nb::kwargs& keywords) {
    BatchSettings s;
    s.word = flat(arrays_[0]), s.position = flat(arrays_[1]), s.gain = flat(arrays_[2]), s.shift = flat(arrays_[3]);
    s.ids = flat(ids_), s.lengths = flat(lengths_);
    Keywords(keywords)
        .read("heads", s.heads)
        .read("hidden_dropout", s.hidden_dropout)
        .read("weight_dropout", s.weight_dropout)
        .read("seed", s.seed)
        .read("threads", threads_)
        .read_optional("target", target_)
        .finish();
    return s;
  }

  Floats arrays_[4];
  Ids ids_, lengths_;
  std::size_t threads_ = 1;
  std::string target_;
  Batch batch_;
};

}  // namespace

void bind_training(nb::module_& m) {
  nb::class_<PythonBatch>(m, "TrainingBatch", "Embeddings and attention, forward and backward; see train/first_token.")
      .def(nb::init<Floats, Floats, Floats, Floats, Ids, Ids, const nb::kwargs&>())
      .def("first_rows", &PythonBatch::first_rows)
      .def("attend", &PythonBatch::attend)
      .def("attend_backward", &PythonBatch::attend_backward)
      .def("first_rows_backward", &PythonBatch::first_rows_backward);
}
