// Bags of words, and which of them share most of their words, found exactly and without comparing all pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace codewren::similarity {

// Two bags, how many words they share, and how many the longer one has.
struct Overlap {
  std::int32_t first, second, shared, longer;
};

// Which pairs count: those of bags of `fewest` words or more that share the part `least` of the longer one.
struct OverlapRule {
  double least;
  std::uint32_t fewest;

  // The least number of words that a bag of so many shares with another.
  std::uint32_t shared_of(std::uint32_t words) const;
};

class WordBags {
 public:
  // Distinct words of all bags back to back, sorted in each: 24 bits of a hash, 8 of how often it occurs; and where
  // each bag ends. Throws std::invalid_argument if the ends do not fit.
  WordBags(std::span<const std::uint32_t> words, std::span<const std::uint64_t> ends);

  std::size_t size() const { return totals_.size(); }

  // All pairs that count, first < second. Throws std::overflow_error if there are more than `limit`.
  std::vector<Overlap> overlapping(const OverlapRule& rule, std::size_t limit) const;

  // What the pairs share. Throws std::invalid_argument for a number that is no bag's, or an odd number of them.
  std::vector<Overlap> overlaps(std::span<const std::int32_t> pairs) const;

  // For each bag a hash of its commonest words, as many as the rule has it share, 0 for bags of too few words: bags
  // of one hash are, by what they have in common, pairs that count. The mirror image of the rarest words, of which
  // such a pair shares one.
  std::vector<std::uint64_t> commonest(const OverlapRule& rule) const;

 private:
  std::span<const std::uint32_t> bag(std::size_t number) const;
  Overlap overlap(std::size_t first, std::size_t second) const;
  // Bags that are long enough, the one with the fewest words first.
  std::vector<std::uint32_t> by_length(std::uint32_t fewest) const;
  // For each word of a bag the number of bags with it, at its place in `words_`.
  std::vector<std::uint32_t> frequencies(std::span<const std::uint32_t> numbers) const;

  std::vector<std::uint32_t> words_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint32_t> totals_;
};

}  // namespace codewren::similarity
