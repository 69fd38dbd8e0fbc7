// The functions of codewren.h: arguments checked, exceptions turned into codes and a line.
#include "codewren.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>

#include "c_interface/model.h"
#include "kernel/tensors.h"
#include "unicode/valid.h"

#ifndef CODEWREN_VERSION
#define CODEWREN_VERSION "unknown"
#endif

namespace {

constexpr std::size_t longest_message = 400;
thread_local char message[longest_message] = "";

codewren_status fail(codewren_status status, const char* what) noexcept {
  std::strncpy(message, what, longest_message - 1);
  message[longest_message - 1] = 0;
  for (char* c = message; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20) *c = ' ';
  return status;
}

// Runs `work`, and says in one line what it throws.
template <typename Work>
codewren_status guarded(const Work& work) noexcept {
  try {
    work();
    return CODEWREN_OK;
  } catch (const codewren::DamagedError& error) {
    return fail(CODEWREN_BAD_BUNDLE, error.what());
  } catch (const UnsupportedError& error) {
    return fail(CODEWREN_UNSUPPORTED, error.what());
  } catch (const std::bad_alloc&) {
    return fail(CODEWREN_NO_MEMORY, "there is not enough memory");
  } catch (const std::length_error&) {
    return fail(CODEWREN_NO_MEMORY, "there is not enough memory");
  } catch (const std::overflow_error& error) {
    return fail(CODEWREN_TOO_MANY, error.what());
  } catch (const std::invalid_argument& error) {
    return fail(CODEWREN_BAD_INPUT, error.what());
  } catch (const std::exception& error) {
    return fail(CODEWREN_INTERNAL, error.what());
  } catch (...) {
    return fail(CODEWREN_INTERNAL, "an unknown error");
  }
}

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::invalid_argument(otherwise);
}

void require_model(const codewren_model* model) { require(model != nullptr, "the model is NULL"); }

void require_rows(const codewren_model* model, const void* vectors, std::size_t count) {
  require(vectors || !count, "the vectors are NULL");
  require(
      count <= std::numeric_limits<std::int32_t>::max() &&
          count <= std::numeric_limits<std::ptrdiff_t>::max() / std::max<std::size_t>(model->model->vector_bytes(), 1),
      "there are more vectors than a memory holds");
}

void require_texts(const codewren_text* texts, std::size_t count) {
  require(texts || !count, "the texts are NULL");
  for (std::size_t i = 0; i < count; ++i) {
    require(texts[i].data || !texts[i].size, "a text is NULL");
    const std::string_view text(texts[i].data ? texts[i].data : "", texts[i].size);
    require(codewren::unicode::valid_prefix(text) == text.size(), "a text is not UTF-8; replace what is not");
  }
}

std::span<const std::uint8_t> bytes_of(const codewren_model* model, const void* vectors, std::size_t count) {
  return {static_cast<const std::uint8_t*>(vectors), count * model->model->vector_bytes()};
}

std::unique_ptr<codewren_model> loaded(const void* bytes, std::size_t size) {
  require(bytes || !size, "the bytes are NULL");
  auto model = std::make_unique<codewren_model>();
  model->container = codewren::read_container({static_cast<const std::uint8_t*>(bytes), size});
  const auto outside = model->container.weights;
  model->weights = codewren::Floats(outside.size() / sizeof(float) + 1);
  auto* copy = reinterpret_cast<std::uint8_t*>(model->weights.data());
  std::memcpy(copy, outside.data(), outside.size());
  model->container.weights = {copy, outside.size()};
  model->model = codewren::make_model(model->container);
  return model;
}

}  // namespace

const char* codewren_version(void) { return CODEWREN_VERSION; }

const char* codewren_error(void) { return message; }

codewren_status codewren_load(const void* bytes, size_t size, codewren_model** model) {
  if (!model) return fail(CODEWREN_BAD_INPUT, "the place for the model is NULL");
  *model = nullptr;
  return guarded([&] { *model = loaded(bytes, size).release(); });
}

void codewren_free(codewren_model* model) { delete model; }

const char* codewren_task(const codewren_model* model) { return model->container.task.name.c_str(); }

const char* codewren_language(const codewren_model* model) { return model->container.task.language.c_str(); }

const char* codewren_manifest(const codewren_model* model) { return model->container.manifest_text.c_str(); }

const char* codewren_target(const codewren_model* model) { return model->model->target(); }

size_t codewren_functions_per_item(const codewren_model* model) { return model->container.task.pair ? 2 : 1; }

size_t codewren_label_count(const codewren_model* model) { return model->container.task.labels.size(); }

const char* codewren_label(const codewren_model* model, size_t index) {
  const auto& labels = model->container.task.labels;
  return index < labels.size() ? labels[index].c_str() : nullptr;
}

size_t codewren_positive(const codewren_model* model) { return model->container.task.positive; }

size_t codewren_vector_bytes(const codewren_model* model) { return model->model->vector_bytes(); }

const char* codewren_kind(const codewren_model* model) {
  switch (model->container.task.kind) {
    case codewren::Kind::multi_label:
      return "multi-label";
    case codewren::Kind::ordinal:
      return "ordinal";
    default:
      return "single-label";
  }
}

double codewren_threshold(const codewren_model* model) { return model->model->threshold(); }

double codewren_alert_threshold(const codewren_model* model) { return model->model->alert_threshold(); }

codewren_status codewren_set_threads(codewren_model* model, size_t threads) {
  return guarded([&] {
    require_model(model);
    require(threads > 0, "0 threads do no work; give 1 or more");
    model->threads = threads;
  });
}

codewren_status codewren_use_calibration(codewren_model* model, const char* name) {
  return guarded([&] {
    require_model(model);
    require(name, "the name is NULL");
    model->model->use_calibration(name);
  });
}

codewren_status codewren_encode(codewren_model* model, const codewren_text* texts, size_t count, void* vectors) {
  return guarded([&] {
    require_model(model);
    require_texts(texts, count);
    require_rows(model, vectors, count);
    model->model->encode({texts, count}, model->threads, static_cast<std::uint8_t*>(vectors));
  });
}

codewren_status codewren_predict(codewren_model* model, const codewren_text* texts, size_t items,
                                 double* probabilities) {
  return guarded([&] {
    require_model(model);
    require(probabilities || !items, "the place for the probabilities is NULL");
    require(items <= std::numeric_limits<std::int32_t>::max() / 2, "there are too many items");
    const std::size_t count = items * codewren_functions_per_item(model);
    require_texts(texts, count);
    model->model->judge({texts, count}, model->threads, probabilities);
  });
}

codewren_status codewren_decide(const codewren_model* model, const double* probabilities, size_t items,
                                unsigned char* predicted) {
  return guarded([&] {
    require_model(model);
    require((probabilities && predicted) || !items, "the probabilities or the place for the labels are NULL");
    const codewren::Task& task = model->container.task;
    const std::size_t labels = task.labels.size();
    require(items <= std::numeric_limits<std::int32_t>::max() / labels, "there are too many items");
    for (std::size_t item = 0; item < items; ++item)
      model->model->decide(task, {probabilities + item * labels, labels}, predicted + item * labels);
  });
}

codewren_status codewren_predict_vectors(codewren_model* model, const void* vectors, size_t count,
                                         const int64_t* indices, size_t items, double* probabilities) {
  return guarded([&] {
    require_model(model);
    require_rows(model, vectors, count);
    require((indices && probabilities) || !items, "the indices or the place for the probabilities are NULL");
    require(items <= std::numeric_limits<std::int32_t>::max() / 2, "there are too many items");
    model->model->predict(static_cast<const std::uint8_t*>(vectors), count,
                          {indices, items * codewren_functions_per_item(model)}, probabilities);
  });
}

codewren_status codewren_pairs(codewren_model* model, const void* vectors, size_t count, double threshold,
                               codewren_pair* pairs, size_t room, size_t* found) {
  return guarded([&] {
    require_model(model);
    require_rows(model, vectors, count);
    require((pairs || !room) && found, "the place for the pairs, or for their number, is NULL");
    require(threshold >= 0 && threshold <= 1, "the threshold is no probability");
    const auto scores =
        model->model->pairs(static_cast<const std::uint8_t*>(vectors), count, threshold, room, model->threads);
    std::copy(scores.begin(), scores.end(), pairs);
    *found = scores.size();
  });
}

codewren_status codewren_neighbours(codewren_model* model, const void* queries, size_t query_count, const void* vectors,
                                    size_t count, size_t k, codewren_pair* pairs) {
  return guarded([&] {
    require_model(model);
    require_rows(model, queries, query_count);
    require_rows(model, vectors, count);
    require(k > 0, "0 neighbours are none; ask for 1 or more");
    require(pairs || !query_count || !count, "the place for the pairs is NULL");
    const auto scores = model->model->neighbours(bytes_of(model, queries, query_count), bytes_of(model, vectors, count),
                                                 k, model->threads);
    std::copy(scores.begin(), scores.end(), pairs);
  });
}
