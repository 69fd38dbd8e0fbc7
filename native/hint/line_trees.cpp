#include "hint/line_trees.h"

#include <algorithm>
#include <stdexcept>

#include "parallel.h"

namespace codewren::hint {

LineTrees::LineTrees(std::span<const std::int32_t> numbers) : trees_(numbers.size() / numbers_of_a_tree) {
  if (numbers.size() % numbers_of_a_tree) throw std::invalid_argument("a tree is cut off");
  for (Tree& tree : trees_) {
    for (std::size_t level = 0; level < depth; ++level) {
      const std::int32_t measure = numbers[2 * level], limit = numbers[2 * level + 1];
      if (measure < 0 || std::size_t(measure) >= line_measures || limit < 0 || limit > 255)
        throw std::invalid_argument("a tree asks for a measure or a limit that there is not");
      tree.measures[level] = std::uint8_t(measure);
      tree.limits[level] = std::uint8_t(limit);
    }
    std::copy_n(numbers.begin() + 2 * depth, leaves, tree.values.begin());
    numbers = numbers.subspan(numbers_of_a_tree);
  }
}

std::int64_t LineTrees::score(const LineMeasures& line) const {
  std::int64_t sum = 0;
  for (const Tree& tree : trees_) {
    std::size_t leaf = 0;
    for (std::size_t level = 0; level < depth; ++level)
      leaf = 2 * leaf + (line.values[tree.measures[level]] > tree.limits[level]);
    sum += tree.values[leaf];
  }
  return sum;
}

std::vector<std::vector<std::optional<std::int64_t>>> LineTrees::scores(std::span<const std::string_view> texts,
                                                                        std::size_t threads) {
  std::vector<std::vector<std::optional<std::int64_t>>> rows(texts.size());
  for_each_item(features_, texts.size(), threads, [&](Features& features, std::size_t i) {
    read_features(texts[i], features);
    rows[i].resize(std::size_t(std::ranges::count(texts[i], '\n')) + 1);
    for (const LineMeasures& line : read_line_measures(texts[i], features))
      if (line.is_telling) rows[i][line.line] = score(line);
  });
  return rows;
}

}  // namespace codewren::hint
