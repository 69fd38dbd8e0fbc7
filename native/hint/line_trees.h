// Trees that say on which lines a security patch would change a function: whole numbers, equal on every processor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hint/line_measures.h"
#include "pool.h"

namespace codewren::hint {

class LineTrees {
 public:
  static constexpr std::size_t depth = 3, leaves = 1 << depth, numbers_of_a_tree = 2 * depth + leaves;

  // Tree by tree: a measure and the largest value that goes left, for each level; then what its leaves add. Throws
  // std::invalid_argument where the numbers are not those of trees.
  explicit LineTrees(std::span<const std::int32_t> numbers);

  // Line by line what the trees add up to, from the first line of each text on; nothing where a line says nothing.
  std::vector<std::vector<std::optional<std::int64_t>>> scores(std::span<const std::string_view> texts,
                                                               std::size_t threads);

 private:
  struct Tree {
    std::array<std::uint8_t, depth> measures, limits;
    std::array<std::int32_t, leaves> values;
  };

  std::int64_t score(const LineMeasures& line) const;

  std::vector<Tree> trees_;
  Pool<Features> features_;
};

}  // namespace codewren::hint
