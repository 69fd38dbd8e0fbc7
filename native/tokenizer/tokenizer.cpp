// Text to token ids: words, a cache of words, and the model that cuts a word into tokens.
#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "pool.h"
#include "tokenizer/cache.h"
#include "tokenizer/models.h"
#include "tokenizer/words.h"
#include "unicode/text.h"

namespace codewren {
namespace {

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
  TextTokenizer(Kind kind, std::unique_ptr<Model> model, const TokenizerSettings& settings)
      : kind_(kind),
        model_(std::move(model)),
        normalizer_{settings.lowercase, settings.nfkd, settings.strip_accents},
        prefix_(settings.add_prefix_space),
        special_(settings.add_special_tokens) {}

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

  // No token reaches across white space, and all of it but the text's own start is one space. Where normalisation makes
  // white space of other characters, a line may end some tokens early or late.
  void encode_lines(std::string_view code, std::size_t max_length, Lines& lines) const override {
    std::string text;
    Ids all;
    std::vector<std::size_t> ends;
    for (std::size_t at = 0, end; at <= code.size(); at = end + 1) {
      end = std::min(code.find('\n', at), code.size());
      normalizer_(code.substr(at, end - at), text);
      if (!text.empty()) append_words(all.empty() ? text : " " + text, std::numeric_limits<std::size_t>::max(), all);
      ends.push_back(all.size());
    }
    normalizer_(code, text);
    encode(text, max_length, lines.ids);
    const std::size_t special = special_ ? 2 : 0;
    lines.begin = std::min<std::size_t>(special_, max_length);
    lines.read = lines.ids.size() - std::min(special, lines.ids.size());
    lines.total = std::max(all.size(), lines.read);
    lines.ends.clear();
    for (const std::size_t end : ends) lines.ends.push_back(lines.begin + std::min(end, lines.read));
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
    Pool<WordCache>::Lease cache(caches_);
    std::string_view word;
    while (ids.size() < limit && words.next(word)) {
      if (word.size() > WordCache::kLongestWord) {
        model_->append(word, limit - ids.size(), ids);
        continue;
      }
      const std::uint64_t hash = WordCache::hash(word);
      if (cache->append(word, hash, ids)) continue;
      const std::size_t before = ids.size();
      model_->append(word, limit - before, ids);
      cache->remember(word, hash, {ids.data() + before, ids.size() - before});
    }
  }

  Kind kind_;
  std::unique_ptr<Model> model_;
  unicode::Normalizer normalizer_;
  bool prefix_, special_;
  mutable Pool<WordCache> caches_;
};

std::unique_ptr<Model> make_model(Kind kind, TokenizerSettings& settings) {
  switch (kind) {
    case Kind::kBpe:
      return std::make_unique<BpeModel>(std::move(settings.vocab), settings.merges);
    case Kind::kWordPiece:
      return std::make_unique<WordPieceModel>(std::move(settings.vocab));
    case Kind::kUnigram:
      return std::make_unique<UnigramModel>(std::move(settings.vocab), std::move(settings.scores));
    case Kind::kWord:
      break;
  }
  return std::make_unique<WordModel>(std::move(settings.vocab));
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerSettings settings) {
  const Kind kind = kind_of(settings.kind);
  auto model = make_model(kind, settings);
  return std::make_unique<TextTokenizer>(kind, std::move(model), settings);
}

}  // namespace codewren
