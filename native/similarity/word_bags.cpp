// Two bags that share most of their words share one of the rarest few of each: only bags with such a word in common
// are compared. Source: Sajnani et al., SourcererCC, ICSE 2016, sections 2.1 and 3.1.
#include "similarity/word_bags.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <unordered_map>

#include "similarity/hashes.h"

namespace codewren::similarity {
namespace {

constexpr std::uint32_t word_of(std::uint32_t entry) { return entry >> 8; }
constexpr std::uint32_t count_of(std::uint32_t entry) { return entry & 0xFF; }

struct RankedWord {
  std::uint32_t frequency, word, count;
};

}  // namespace

std::uint32_t OverlapRule::shared_of(std::uint32_t words) const {
  return std::uint32_t(std::max(0.0, std::ceil(least * words - 1e-9)));
}

WordBags::WordBags(std::span<const std::uint32_t> words, std::span<const std::uint64_t> ends)
    : words_(words.begin(), words.end()), begins_{0} {
  if (ends.size() > std::size_t(std::numeric_limits<std::int32_t>::max()))
    throw std::invalid_argument("too many bags of words");
  for (const std::uint64_t end : ends) {
    if (end < begins_.back() || end > words_.size()) throw std::invalid_argument("bags of words that do not fit");
    std::uint32_t total = 0;
    for (std::size_t i = begins_.back(); i < end; ++i) total += count_of(words_[i]);
    totals_.push_back(total);
    begins_.push_back(std::size_t(end));
  }
}

std::span<const std::uint32_t> WordBags::bag(std::size_t number) const {
  return std::span(words_).subspan(begins_[number], begins_[number + 1] - begins_[number]);
}

Overlap WordBags::overlap(std::size_t first, std::size_t second) const {
  const auto a = bag(first), b = bag(second);
  std::uint32_t shared = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const std::uint32_t left = word_of(a[i]), right = word_of(b[j]);
    if (left == right) shared += std::min(count_of(a[i]), count_of(b[j]));
    i += left <= right;
    j += right <= left;
  }
  return {std::int32_t(first), std::int32_t(second), std::int32_t(shared),
          std::int32_t(std::max(totals_[first], totals_[second]))};
}

std::vector<std::uint32_t> WordBags::by_length(std::uint32_t fewest) const {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < size(); ++i)
    if (totals_[i] >= fewest) numbers.push_back(i);
  std::stable_sort(numbers.begin(), numbers.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return totals_[a] < totals_[b]; });
  return numbers;
}

std::vector<std::uint32_t> WordBags::frequencies(std::span<const std::uint32_t> numbers) const {
  std::unordered_map<std::uint32_t, std::uint32_t> counts;
  for (const std::uint32_t number : numbers)
    for (const std::uint32_t entry : bag(number)) ++counts[word_of(entry)];
  std::vector<std::uint32_t> result(words_.size());
  for (const std::uint32_t number : numbers)
    for (std::size_t i = begins_[number]; i < begins_[number + 1]; ++i)
      result[i] = counts.find(word_of(words_[i]))->second;
  return result;
}

std::vector<Overlap> WordBags::overlapping(const OverlapRule& rule, std::size_t limit) const {
  const std::vector<std::uint32_t> order = by_length(rule.fewest), frequency = frequencies(order);
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> index;  // of a word, the bags with it, shortest first
  std::vector<std::uint32_t> seen(size(), std::numeric_limits<std::uint32_t>::max());
  std::vector<RankedWord> ranked;
  std::vector<Overlap> result;
  for (const std::uint32_t number : order) {
    const std::uint32_t shortest = rule.shared_of(totals_[number]);
    ranked.clear();
    for (std::size_t i = begins_[number]; i < begins_[number + 1]; ++i)
      ranked.push_back({frequency[i], word_of(words_[i]), count_of(words_[i])});
    std::sort(ranked.begin(), ranked.end(), [](const RankedWord& a, const RankedWord& b) {
      return a.frequency != b.frequency ? a.frequency < b.frequency : a.word < b.word;
    });
    std::int64_t rare = std::int64_t(totals_[number]) - shortest + 1;  // of so many words two bags share one
    for (std::size_t i = 0; i < ranked.size() && rare > 0; rare -= ranked[i++].count) {
      std::vector<std::uint32_t>& others = index[ranked[i].word];
      for (std::size_t other = others.size(); other-- && totals_[others[other]] >= shortest;) {
        if (seen[others[other]] == number) continue;
        seen[others[other]] = number;
        const Overlap found = overlap(std::min(number, others[other]), std::max(number, others[other]));
        if (std::uint32_t(found.shared) < shortest) continue;
        if (result.size() == limit) throw std::overflow_error("more pairs than the limit");
        result.push_back(found);
      }
      others.push_back(number);
    }
  }
  return result;
}

std::vector<Overlap> WordBags::overlaps(std::span<const std::int32_t> pairs) const {
  if (pairs.size() % 2) throw std::invalid_argument("an odd number of bags is no list of pairs");
  std::vector<Overlap> result;
  result.reserve(pairs.size() / 2);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const std::uint32_t first = std::uint32_t(pairs[i]), second = std::uint32_t(pairs[i + 1]);
    if (first >= size() || second >= size()) throw std::invalid_argument("a pair of bags that are not there");
    result.push_back(overlap(first, second));
  }
  return result;
}

std::vector<std::uint64_t> WordBags::commonest(const OverlapRule& rule) const {
  const std::vector<std::uint32_t> numbers = by_length(rule.fewest), frequency = frequencies(numbers);
  std::vector<std::uint64_t> result(size());
  std::vector<RankedWord> ranked;
  for (const std::uint32_t number : numbers) {
    ranked.clear();
    for (std::size_t i = begins_[number]; i < begins_[number + 1]; ++i)
      ranked.push_back({frequency[i], word_of(words_[i]), count_of(words_[i])});
    std::sort(ranked.begin(), ranked.end(), [](const RankedWord& a, const RankedWord& b) {
      return a.frequency != b.frequency ? a.frequency > b.frequency : a.word < b.word;
    });
    std::uint32_t wanted = rule.shared_of(totals_[number]);
    std::uint64_t value = mix(wanted);
    for (std::size_t i = 0; i < ranked.size() && wanted; ++i) {
      const std::uint32_t count = std::min(ranked[i].count, wanted);
      value = mix(fold(value, std::uint64_t(ranked[i].word) << 8 | count));
      wanted -= count;
    }
    result[number] = value | 1;  // never 0
  }
  return result;
}

}  // namespace codewren::similarity
