// Text to token ids: words, a cache of words, and the model that cuts a word into tokens.
#include "tokenizer.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings.h"
#include "tokenizer_cache.h"
#include "tokenizer_models.h"
#include "tokenizer_words.h"
#include "unicode_text.h"

namespace nb = nanobind;

namespace codewren {
namespace {

// Lends each running call a cache of its own, and keeps it warm for the next call of whichever thread.
class CachePool {
 public:
  class Lease {
   public:
    explicit Lease(CachePool& pool) : pool_(pool), cache_(pool.take()) {}
    Lease(const Lease&) = delete;
    ~Lease() { pool_.give(std::move(cache_)); }
    WordCache& operator*() { return *cache_; }

   private:
    CachePool& pool_;
    std::unique_ptr<WordCache> cache_;
  };

 private:
  std::unique_ptr<WordCache> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto cache = std::move(idle_.back());
        idle_.pop_back();
        return cache;
      }
    }
    return std::make_unique<WordCache>();
  }

  void give(std::unique_ptr<WordCache> cache) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(cache));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

enum class Kind { kBpe, kWordPiece, kUnigram, kWord };

Kind kind_of(std::string_view name) {
  if (name == "bpe") return Kind::kBpe;
  if (name == "wordpiece") return Kind::kWordPiece;
  if (name == "unigram") return Kind::kUnigram;
  if (name == "word") return Kind::kWord;
  throw std::invalid_argument("tokenizer kind is none of bpe, wordpiece, unigram, word");
}

class TextTokenizer : public Tokenizer {
 public:
  TextTokenizer(Kind kind, std::unique_ptr<Model> model, unicode::Normalizer normalizer, bool prefix, bool special)
      : kind_(kind), model_(std::move(model)), normalizer_(normalizer), prefix_(prefix), special_(special) {}

  void normalize(std::string_view code, std::string& text) const override { normalizer_(code, text); }

  void encode(std::string_view text, std::size_t max_length, Ids& ids) const override {
    ids.clear();
    if (special_) ids.push_back(kBegin);
    const std::size_t limit = special_ ? std::max<std::size_t>(max_length, 2) - 1 : max_length;
    append_words(text, limit, ids);
    ids.resize(std::min(ids.size(), limit));
    if (special_) ids.push_back(kEnd);
    ids.resize(std::min(ids.size(), max_length));
  }

 private:
  void append_words(std::string_view text, std::size_t limit, Ids& ids) const {
    switch (kind_) {
      case Kind::kBpe: {
        if (!prefix_ || text.empty() || text[0] == ' ') return append_all(ByteLevelWords(text), limit, ids);
        const std::string prefixed = std::string(" ").append(text);
        return append_all(ByteLevelWords(prefixed), limit, ids);
      }
      case Kind::kWordPiece:
        return append_all(PlainWords(text, false), limit, ids);
      case Kind::kUnigram:
        return append_all(MarkedWords(text), limit, ids);
      case Kind::kWord:
        return append_all(PlainWords(text, true), limit, ids);
    }
  }

  // Stops with the word that reaches `limit`: what follows can change nothing.
  template <typename Words>
  void append_all(Words words, std::size_t limit, Ids& ids) const {
    CachePool::Lease cache(caches_);
    std::string_view word;
    while (ids.size() < limit && words.next(word)) {
      if (word.size() > WordCache::kLongestWord) {
        model_->append(word, limit - ids.size(), ids);
        continue;
      }
      const std::uint64_t hash = WordCache::hash(word);
      if ((*cache).append(word, hash, ids)) continue;
      const std::size_t before = ids.size();
      model_->append(word, limit - before, ids);
      (*cache).keep(word, hash, {ids.data() + before, ids.size() - before});
    }
  }

  Kind kind_;
  std::unique_ptr<Model> model_;
  unicode::Normalizer normalizer_;
  bool prefix_, special_;
  mutable CachePool caches_;
};

std::unique_ptr<Model> make_model(Kind kind, std::vector<std::string> vocab, const Ids& merges,
                                  std::vector<double> scores) {
  switch (kind) {
    case Kind::kBpe:
      return std::make_unique<BpeModel>(std::move(vocab), merges);
    case Kind::kWordPiece:
      return std::make_unique<WordPieceModel>(std::move(vocab));
    case Kind::kUnigram:
      return std::make_unique<UnigramModel>(std::move(vocab), std::move(scores));
    case Kind::kWord:
      break;
  }
  return std::make_unique<WordModel>(std::move(vocab));
}

// The UTF-8 of a Python string, kept alive by it; a surrogate escape raises UnicodeEncodeError.
std::string_view utf8(nb::handle text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!data) throw nb::python_error();
  return {data, static_cast<std::size_t>(size)};
}

std::unique_ptr<Tokenizer> make_tokenizer(std::string_view kind, std::vector<std::string> vocab, const Ids& merges,
                                          std::vector<double> scores, bool lowercase, bool nfkd, bool strip_accents,
                                          bool add_prefix_space, bool add_special_tokens) {
  const Kind which = kind_of(kind);
  auto model = make_model(which, std::move(vocab), merges, std::move(scores));
  return std::make_unique<TextTokenizer>(which, std::move(model), unicode::Normalizer{lowercase, nfkd, strip_accents},
                                         add_prefix_space, add_special_tokens);
}

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

}  // namespace
}  // namespace codewren

void bind_tokenizer(nb::module_& m) {
  using namespace nb::literals;
  using codewren::Tokenizer;
  nb::class_<Tokenizer>(m, "Tokenizer", "A tokenizer built from the fields of a TokenizerSpec; safe to share by threads.")
      .def(nb::new_(&codewren::make_tokenizer), nb::kw_only(), "kind"_a, "vocab"_a, "merges"_a, "scores"_a,
           "lowercase"_a, "nfkd"_a, "strip_accents"_a, "add_prefix_space"_a, "add_special_tokens"_a)
      .def("encode", &codewren::encode, "code"_a, "max_length"_a, "Ids of source code, which is normalised first.")
      .def("encode_batch", &codewren::encode_batch, "codes"_a, "max_length"_a, "encode() of each, without the GIL.")
      .def(
          "encode_normalized",
          [](const Tokenizer& self, nb::str text, std::size_t max_length) {
            codewren::Ids ids;
            self.encode(codewren::utf8(text), max_length, ids);
            return ids;
          },
          "text"_a, "max_length"_a, "Ids of text that normalize() returned.")
      .def(
          "normalize",
          [](const Tokenizer& self, nb::str code) {
            std::string text;
            self.normalize(codewren::utf8(code), text);
            return text;
          },
          "code"_a, "White space collapsed, then the normaliser.");
}
