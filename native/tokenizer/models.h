// The four models: the ids of one word.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/cache.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/words.h"

namespace codewren {

using Ids = std::vector<std::int32_t>;

class Model {
 public:
  virtual ~Model() = default;

  // Adds the ids of `word`. Of a word longer than WordCache::kLongestWord only the first `room` ids need be right.
  virtual void append(std::string_view word, std::size_t room, Ids& ids) const = 0;
};

// The whole word, or unknown.
class WordModel : public Model {
 public:
  explicit WordModel(std::vector<std::string> tokens) : vocabulary_(std::move(tokens)) {}

  void append(std::string_view word, std::size_t, Ids& ids) const override {
    const std::int32_t id = vocabulary_.find(word);
    ids.push_back(id == kNoToken ? kUnknown : id);
  }

 private:
  Vocabulary vocabulary_;
};

// Greedy longest match from the left; a word with a part that no token matches is unknown as a whole.
class WordPieceModel : public Model {
 public:
  explicit WordPieceModel(std::vector<std::string> tokens)
      : vocabulary_(std::move(tokens)), continued_(vocabulary_.all()) {
    vocabulary_.narrow(continued_, "##");
  }

  void append(std::string_view word, std::size_t, Ids& ids) const override {
    const std::size_t before = ids.size();
    if (too_long(word) || !append_pieces(word, ids)) {
      ids.resize(before);
      ids.push_back(kUnknown);
    }
  }

 private:
  static bool too_long(std::string_view word) {
    constexpr std::ptrdiff_t kMostCharacters = 100;  // the library's max_input_chars_per_word
    return std::count_if(word.begin(), word.end(), [](char byte) { return (byte & 0xC0) != 0x80; }) > kMostCharacters;
  }

  bool append_pieces(std::string_view word, Ids& ids) const {
    for (std::size_t start = 0; start < word.size();) {
      Vocabulary::Prefix prefix = start ? continued_ : vocabulary_.all();
      std::int32_t longest = kNoToken;
      std::size_t end = start;
      for (std::size_t at = start; at < word.size() && vocabulary_.narrow(prefix, word[at]); ++at) {
        const std::int32_t id = vocabulary_.match(prefix);
        if (id != kNoToken) longest = id, end = at + 1;
      }
      if (longest == kNoToken) return false;
      ids.push_back(longest);
      start = end;
    }
    return true;
  }

  Vocabulary vocabulary_;
  Vocabulary::Prefix continued_;
};

// Byte-pair encoding: of all neighbours, those that were merged first in training are merged first.
class BpeModel : public Model {
 public:
  // `merges` holds left id, right id, ... by rank; merge k makes the k-th token after the bytes.
  BpeModel(std::vector<std::string> tokens, const std::vector<std::int32_t>& merges)
      : vocabulary_(std::move(tokens)), first_merge_(vocabulary_.size() + 1) {
    find_bytes();
    if (vocabulary_.size() != kFirstMerged + merges.size() / 2 || merges.size() % 2)
      throw std::invalid_argument("the vocabulary must be special tokens, 256 bytes and one token a merge");
    for (std::size_t index = 0; index < merges.size(); index += 2) add_merge(merges[index], merges[index + 1]);
    std::sort(merges_.begin(), merges_.end());
    for (const Merge& merge : merges_) ++first_merge_[static_cast<std::size_t>(merge.left) + 1];
    for (std::size_t id = 0; id < vocabulary_.size(); ++id) first_merge_[id + 1] += first_merge_[id];
  }

  void append(std::string_view word, std::size_t room, Ids& ids) const override {
    if (word.size() > WordCache::kLongestWord) word = word.substr(0, reach(room));
    thread_local std::vector<Symbol> symbols;
    thread_local std::vector<std::uint64_t> queue;  // rank and index of a pair, lowest first
    start(word, symbols, queue);
    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end(), std::greater<>());
      const std::uint64_t lowest = queue.back();
      queue.pop_back();
      const auto index = static_cast<std::uint32_t>(lowest);
      if (symbols[index].rank != lowest >> 32) continue;  // one of the two was merged with another since
      merge(index, symbols, queue);
    }
    for (std::size_t at = 0; at < symbols.size(); at = symbols[at].next) ids.push_back(symbols[at].id);
    if (symbols.capacity() > kKeptSymbols) symbols = {}, queue = {};
  }

 private:
  static constexpr std::int32_t kFirstMerged = kSpecialTokens + 256;
  static constexpr std::uint32_t kNoMerge = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kKeptSymbols = 1 << 16;

  struct Merge {
    std::int32_t left, right;
    std::uint32_t rank;
    bool operator<(const Merge& other) const { return std::pair(left, right) < std::pair(other.left, other.right); }
  };

  struct Symbol {
    std::int32_t id;
    std::uint32_t previous, next;
    std::uint32_t rank;  // of the pair it makes with the next one
  };

  void find_bytes() {
    for (char32_t byte = 0, stand_in = 256; byte < 256; ++byte) {  // GPT-2's stand-ins for the bytes
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
      std::string token;
      unicode::append(token, printable ? byte : stand_in++);
      bytes_[byte] = vocabulary_.find(token);
      if (bytes_[byte] == kNoToken || bytes_[byte] >= kFirstMerged)
        throw std::invalid_argument("the vocabulary lacks the byte token " + token);
    }
  }

  void add_merge(std::int32_t left, std::int32_t right) {
    const auto result = static_cast<std::int32_t>(kFirstMerged + merges_.size());
    if (std::min(left, right) < kSpecialTokens || std::max(left, right) >= result)
      throw std::invalid_argument("a merge must join two tokens that were made before it");
    if (vocabulary_.token(result) != std::string(vocabulary_.token(left)).append(vocabulary_.token(right)))
      throw std::invalid_argument("a merge makes another token than the vocabulary holds");
    merges_.push_back({left, right, static_cast<std::uint32_t>(merges_.size())});
    left_bytes_ += vocabulary_.token(left).size();
    longest_ = std::max(longest_, vocabulary_.token(result).size());
  }

  // How many bytes decide the first `room` tokens. Merges run rank by rank, since a token is made before it is used,
  // and each rank carries what follows a position to the left by at most one token: the left part of that merge. So
  // whatever comes after n bytes can change no token that ends within n minus the sum of all left parts.
  std::size_t reach(std::size_t room) const {
    const bool endless = room > (std::numeric_limits<std::size_t>::max() - left_bytes_) / longest_;
    return endless ? std::string_view::npos : std::max(room * longest_ + left_bytes_, WordCache::kLongestWord);
  }

  const Merge* find(std::int32_t left, std::int32_t right) const {
    const auto from = merges_.begin() + first_merge_[static_cast<std::size_t>(left)];
    const auto to = merges_.begin() + first_merge_[static_cast<std::size_t>(left) + 1];
    const auto merge = std::partition_point(from, to, [right](const Merge& merge) { return merge.right < right; });
    return merge != to && merge->right == right ? &*merge : nullptr;
  }

  void start(std::string_view word, std::vector<Symbol>& symbols, std::vector<std::uint64_t>& queue) const {
    symbols.clear();
    queue.clear();
    for (std::uint32_t at = 0; at < word.size(); ++at)
      symbols.push_back({bytes_[static_cast<unsigned char>(word[at])], at - 1, at + 1, kNoMerge});
    for (std::uint32_t at = 0; at + 1 < word.size(); ++at) pair_up(at, symbols, queue);
    std::make_heap(queue.begin(), queue.end(), std::greater<>());
  }

  // Notes the rank of the pair that starts at `index`, and queues it (at the end: the caller restores the heap).
  bool pair_up(std::uint32_t index, std::vector<Symbol>& symbols, std::vector<std::uint64_t>& queue) const {
    Symbol& left = symbols[index];
    const Merge* merge = left.next < symbols.size() ? find(left.id, symbols[left.next].id) : nullptr;
    left.rank = merge ? merge->rank : kNoMerge;
    if (merge) queue.push_back(std::uint64_t{merge->rank} << 32 | index);
    return merge;
  }

  void merge(std::uint32_t index, std::vector<Symbol>& symbols, std::vector<std::uint64_t>& queue) const {
    Symbol& left = symbols[index];
    Symbol& gone = symbols[left.next];
    left.id = static_cast<std::int32_t>(kFirstMerged + left.rank);
    left.next = gone.next;
    gone.rank = kNoMerge;
    if (left.next < symbols.size()) symbols[left.next].previous = index;
    if (pair_up(index, symbols, queue)) std::push_heap(queue.begin(), queue.end(), std::greater<>());
    if (index > 0 && pair_up(left.previous, symbols, queue))
      std::push_heap(queue.begin(), queue.end(), std::greater<>());
  }

  Vocabulary vocabulary_;
  std::int32_t bytes_[256];
  std::vector<Merge> merges_;                // by left, then right
  std::vector<std::ptrdiff_t> first_merge_;  // of each left id
  std::size_t left_bytes_ = 0, longest_ = 2;
};

// The segmentation of the highest summed log probability (Viterbi); unknown characters in a row are one <unk>.
class UnigramModel : public Model {
 public:
  UnigramModel(std::vector<std::string> tokens, std::vector<double> scores)
      : vocabulary_(std::move(tokens)), scores_(std::move(scores)) {
    if (scores_.size() != vocabulary_.size()) throw std::invalid_argument("there must be one score a token");
    constexpr double kUnknownPenalty = 10;
    unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
  }

  void append(std::string_view word, std::size_t room, Ids& ids) const override {
    const std::string text = std::string(MarkedWords::kMark).append(word);
    Lattice lattice{.nodes = {{0, 0, kNoToken}}};
    const std::size_t before = ids.size();
    std::size_t patience = kSettleEvery;
    for (std::size_t at = 0; at < text.size(); at += unicode::decode(text, at).size) {
      if (at - lattice.base >= patience) {
        settle(lattice, at, ids);
        if (ids.size() - before > room) return;
        patience = std::max(kSettleEvery, 2 * (at - lattice.base));
      }
      extend(text, at, lattice);
    }
    settle(lattice, text.size(), ids);
  }

 private:
  static constexpr std::size_t kSettleEvery = 1 << 14;

  struct Node {
    double score;
    std::size_t from;  // where its last token starts
    std::int32_t id;   // of its last token; kNoToken where no path ends
  };

  // Best paths to every position from `base` on; what lies before is settled and emitted.
  struct Lattice {
    std::vector<Node> nodes;
    std::size_t base = 0;
    bool after_unknown = false;
  };

  // Offers all tokens that start at `at`.
  void extend(std::string_view text, std::size_t at, Lattice& lattice) const {
    const double score = lattice.nodes[at - lattice.base].score;
    const std::size_t next = at + unicode::decode(text, at).size;
    bool single = false;
    Vocabulary::Prefix prefix = vocabulary_.all();
    for (std::size_t end = at; end < text.size() && vocabulary_.narrow(prefix, text[end]);) {
      const std::int32_t id = vocabulary_.match(prefix);
      ++end;
      if (id == kNoToken) continue;
      offer(lattice, end, {score + scores_[static_cast<std::size_t>(id)], at, id});
      single |= end == next;
    }
    if (!single) offer(lattice, next, {score + unknown_score_, at, kUnknown});
  }

  static void offer(Lattice& lattice, std::size_t end, const Node& node) {
    if (lattice.nodes.size() <= end - lattice.base) lattice.nodes.resize(end - lattice.base + 1, {0, 0, kNoToken});
    Node& best = lattice.nodes[end - lattice.base];
    if (best.id == kNoToken || node.score > best.score) best = node;
  }

  // Emits the tokens that every best path to `at` or beyond has in common, and forgets them.
  static void settle(Lattice& lattice, std::size_t at, Ids& ids) {
    auto& nodes = lattice.nodes;
    std::set<std::size_t> ends;  // offsets where some path ends; the last is traced back until one is left
    for (std::size_t end = at - lattice.base; end < nodes.size(); ++end)
      if (nodes[end].id != kNoToken) ends.insert(end);
    while (ends.size() > 1) {
      const std::size_t last = *ends.rbegin();
      ends.erase(last);
      ends.insert(nodes[last].from - lattice.base);
    }
    const std::size_t common = *ends.begin();
    Ids path;
    for (std::size_t end = common; end > 0; end = nodes[end].from - lattice.base) path.push_back(nodes[end].id);
    for (auto id = path.rbegin(); id != path.rend(); ++id) {
      if (!(*id == kUnknown && lattice.after_unknown)) ids.push_back(*id);
      lattice.after_unknown = *id == kUnknown;
    }
    nodes.erase(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(common));
    lattice.base += common;
  }

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  double unknown_score_;
};

}  // namespace codewren
