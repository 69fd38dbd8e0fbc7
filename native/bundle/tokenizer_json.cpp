#include "bundle/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kernel/tensors.h"

namespace codewren {
namespace {

constexpr std::array<std::string_view, 4> special_tokens = {"<s>", "<pad>", "</s>", "<unk>"};
constexpr std::size_t most_characters = std::size_t(1) << 24;  // of all merged tokens, as tokenizer_spec.py says

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError("tokenizer: " + problem); }

// All keys are there, and none but these: an unknown one could change the ids.
template <std::size_t count>
void check_keys(const Json& object, const std::array<std::string_view, count>& known) {
  const std::vector<Json> items = object.items();
  for (std::size_t i = 0; i < items.size(); i += 2)
    if (std::find(known.begin(), known.end(), items[i].text()) == known.end()) refuse("an unknown key");
  for (const std::string_view key : known)
    if (!object.find(key)) refuse(std::string(key) + " is missing");
}

bool flag_of(const Json& object, std::string_view key) {
  const Json flag = object.field(key, JsonKind::boolean);
  return flag.boolean();
}

std::vector<std::string> tokens_of(const Json& list) {
  std::vector<std::string> tokens;
  tokens.reserve(list.size());
  for (const Json& token : list.items()) {
    if (!token.is(JsonKind::text) || token.text().empty()) refuse("a token of vocab is no text, or empty");
    tokens.emplace_back(token.text());
  }
  if (tokens.size() < special_tokens.size() ||
      !std::equal(special_tokens.begin(), special_tokens.end(), tokens.begin()))
    refuse("vocab must start with <s> <pad> </s> <unk>");
  return tokens;
}

std::vector<std::int32_t> merges_of(const Json& list) {
  std::vector<std::int32_t> merges;
  merges.reserve(list.size());
  for (const Json& id : list.items()) {
    if (!id.is(JsonKind::whole) || id.whole() < 0 || id.whole() > INT32_MAX) refuse("a merge names no token");
    merges.push_back(std::int32_t(id.whole()));
  }
  if (merges.size() % 2) refuse("merges must be pairs of ids");
  return merges;
}

std::size_t characters_of(std::string_view text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

// Each merge joins two tokens made before it.
void add_merged(const std::vector<std::int32_t>& merges, std::vector<std::string>& tokens) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < merges.size(); i += 2) {
    const auto [low, high] = std::minmax(merges[i], merges[i + 1]);
    if (std::size_t(low) < special_tokens.size() || std::size_t(high) >= tokens.size())
      refuse("a merge must join two tokens that were made before it");
    std::string token = tokens[std::size_t(merges[i])] + tokens[std::size_t(merges[i + 1])];
    characters += characters_of(token);
    if (characters > most_characters) refuse("the merges make too many characters");
    tokens.push_back(std::move(token));
  }
}

std::vector<double> scores_of(const Json& list) {
  std::vector<double> scores;
  scores.reserve(list.size());
  for (const Json& score : list.items()) {
    if (!score.is(JsonKind::whole) && !score.is(JsonKind::number)) refuse("a score is no number");
    if (!std::isfinite(score.number())) refuse("a score is not finite");
    scores.push_back(score.number());
  }
  return scores;
}

void check_fit(const TokenizerSettings& settings) {
  const bool bpe = settings.kind == "bpe", unigram = settings.kind == "unigram";
  if (!bpe && (!settings.merges.empty() || settings.add_prefix_space))
    refuse("merges and add_prefix_space belong to bpe");
  if (settings.scores.size() != (unigram ? settings.vocab.size() : 0)) refuse("not one score a token of unigram");
  const std::unordered_set<std::string_view> distinct(settings.vocab.begin(), settings.vocab.end());
  if (distinct.size() != settings.vocab.size()) refuse("vocab holds a token twice");
}

TokenizerSettings settings_of(const Json& raw) {
  check_keys(raw, std::array<std::string_view, 7>{"kind", "vocab", "merges", "scores", "normalizer", "add_prefix_space",
                                                  "add_special_tokens"});
  const Json normalizer = raw.field("normalizer", JsonKind::object);
  check_keys(normalizer, std::array<std::string_view, 3>{"lowercase", "nfkd", "strip_accents"});
  TokenizerSettings settings{};
  settings.kind = raw.field("kind", JsonKind::text).text();
  settings.vocab = tokens_of(raw.field("vocab", JsonKind::list));
  settings.merges = merges_of(raw.field("merges", JsonKind::list));
  settings.scores = scores_of(raw.field("scores", JsonKind::list));
  settings.lowercase = flag_of(normalizer, "lowercase");
  settings.nfkd = flag_of(normalizer, "nfkd");
  settings.strip_accents = flag_of(normalizer, "strip_accents");
  settings.add_prefix_space = flag_of(raw, "add_prefix_space");
  settings.add_special_tokens = flag_of(raw, "add_special_tokens");
  return settings;
}

}  // namespace

std::unique_ptr<Tokenizer> read_tokenizer(const Json& raw, std::string_view kind, std::size_t vocab_size) {
  TokenizerSettings settings = settings_of(raw);
  if (settings.kind == "bpe") add_merged(settings.merges, settings.vocab);
  check_fit(settings);
  if (settings.kind != kind || settings.vocab.size() != vocab_size)
    refuse("another kind, or another number of tokens, than the config wants");
  try {
    return make_tokenizer(std::move(settings));
  } catch (const std::invalid_argument& error) {
    refuse(error.what());
  }
}

}  // namespace codewren
