// All pairs of many vectors, and the nearest to some, by blocks of products.
//
// All but the sketch of names (the head of a vector) is multiplied first, for a block of rows and a panel of columns
// at once. By the inequality of Cauchy and Schwarz what is left adds at most the product of its two lengths, so most
// pairs need no more, and what is found is exact.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "parallel.h"
#include "similarity/encoder.h"

namespace codewren::similarity {
namespace {

constexpr std::size_t block_rows = 240;
constexpr std::size_t block_queries = 16;  // they stay in the first cache while all vectors pass once

bool is_better(const Product& a, const Product& b) {
  return a.product != b.product ? a.product > b.product : a.second < b.second;
}

}  // namespace

std::size_t Encoder::rows_of(std::span<const std::int8_t> vectors) const {
  const std::size_t rows = vectors.size() / width_;
  if (vectors.size() % width_) throw std::invalid_argument("vectors are not rows of this encoder's width");
  if (rows > std::size_t(std::numeric_limits<std::int32_t>::max())) throw std::invalid_argument("too many vectors");
  return rows;
}

// The heads of `count` rows.
Rows Encoder::heads(const std::int8_t* vectors, std::size_t count) const {
  return {vectors + head_begin_, width_, head_end_ - head_begin_, count};
}

// Packs the rows of a block.
void Encoder::begin_block(const Rows& rows, BlockScratch& scratch) const {
  kernels_->pack_rows(rows, scratch.left);
  scratch.products.resize(block_rows * panel);
  scratch.masks.resize(block_rows);
  scratch.least.resize(block_rows);
}

// The products of the heads of a packed block of rows with up to `panel` others, and which of them may reach `least`.
void Encoder::multiply(const Rows& columns, const BlockSide& side, BlockScratch& scratch) const {
  kernels_->pack_panel(columns, scratch.columns);
  const Block block = {scratch.left.data(), side.rows,          scratch.columns.data(), columns.size,
                       side.bounds,         side.column_bounds, scratch.least.data()};
  kernels_->block(block, {scratch.products.data(), scratch.masks.data()});
}

// Length of what lies outside the head, rounded up.
std::vector<std::int32_t> Encoder::rests(std::span<const std::int8_t> vectors) const {
  std::vector<std::int32_t> lengths(vectors.size() / width_ + panel);  // a panel may go beyond the last vector
  for (std::size_t i = 0; i < vectors.size() / width_; ++i) {
    const std::int8_t* row = vectors.data() + i * width_;
    const std::int32_t square = rest_product(row, row);
    lengths[i] = std::int32_t(std::sqrt(double(square)));
    while (lengths[i] * lengths[i] < square) ++lengths[i];
  }
  return lengths;
}

std::int32_t Encoder::rest_product(const std::int8_t* a, const std::int8_t* b) const {
  return kernels_->dot(a, b, head_begin_) + kernels_->dot(a + head_end_, b + head_end_, width_ - head_end_);
}

std::vector<std::int32_t> Encoder::products(std::span<const std::int8_t> vectors,
                                            std::span<const std::int64_t> items) const {
  const std::size_t rows = rows_of(vectors);
  if (items.size() % 2) throw std::invalid_argument("items are not whole");
  std::vector<std::int32_t> result(items.size() / 2);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int64_t a = items[2 * i], b = items[2 * i + 1];
    if (a < 0 || b < 0 || std::size_t(std::max(a, b)) >= rows) throw std::invalid_argument("an item names no vector");
    result[i] =
        kernels_->dot(vectors.data() + std::size_t(a) * width_, vectors.data() + std::size_t(b) * width_, width_);
  }
  return result;
}

std::vector<Product> Encoder::pairs_above(std::span<const std::int8_t> vectors, std::int32_t least, std::size_t limit,
                                          std::size_t threads) {
  const std::size_t rows = rows_of(vectors), blocks = (rows + block_rows - 1) / block_rows;
  const std::vector<std::int32_t> rest = rests(vectors);
  std::vector<std::vector<Product>> above(blocks);
  std::atomic<std::size_t> count{0};
  for_each_item(block_scratches_, blocks, threads, [&](BlockScratch& scratch, std::size_t own) {
    const std::size_t first = own * block_rows, last = std::min(rows, first + block_rows);
    begin_block(heads(vectors.data() + first * width_, last - first), scratch);
    std::fill_n(scratch.least.begin(), last - first, least);
    for (std::size_t column = first; column < rows; column += panel) {
      const std::size_t column_end = std::min(rows, column + panel), before = above[own].size();
      multiply(heads(vectors.data() + column * width_, column_end - column),
               {last - first, rest.data() + first, rest.data() + column}, scratch);
      for (std::size_t i = first; i < std::min(last, column_end); ++i) {
        const std::int32_t* products = scratch.products.data() + (i - first) * panel;
        for (std::uint32_t mask = scratch.masks[i - first]; mask; mask &= mask - 1) {
          const std::size_t c = std::size_t(std::countr_zero(mask)), j = column + c;
          if (j <= i || j >= column_end) continue;
          const std::int32_t product =
              products[c] + rest_product(vectors.data() + i * width_, vectors.data() + j * width_);
          if (product >= least) above[own].push_back({std::int32_t(i), std::int32_t(j), product});
        }
      }
      if ((count += above[own].size() - before) > limit) throw std::overflow_error("more pairs than the limit");
    }
    std::sort(above[own].begin(), above[own].end(), [](const Product& a, const Product& b) {
      return a.first != b.first ? a.first < b.first : a.second < b.second;
    });
  });
  std::vector<Product> result;
  result.reserve(count);
  for (auto& block : above) {
    result.insert(result.end(), block.begin(), block.end());
    std::vector<Product>().swap(block);  // so that they are not there twice
  }
  return result;
}

std::vector<Product> Encoder::neighbours(std::span<const std::int8_t> queries, std::span<const std::int8_t> vectors,
                                         std::span<const std::uint8_t> wanted, std::size_t k, std::int32_t least,
                                         std::size_t threads) {
  const std::size_t asked = rows_of(queries), rows = rows_of(vectors),
                    blocks = (asked + block_queries - 1) / block_queries;
  if (!wanted.empty() && wanted.size() != rows) throw std::invalid_argument("wanted has not one byte a vector");
  k = std::min(k, rows);
  std::vector<std::vector<Product>> nearest(asked);  // each a heap whose first is the worst
  for_each_item(block_scratches_, k ? blocks : 0, threads, [&](BlockScratch&, std::size_t own) {
    const std::size_t first = own * block_queries, last = std::min(asked, first + block_queries);
    std::vector<std::int32_t> worst(last - first, least);  // that a product must reach
    for (std::size_t j = 0; j < rows; ++j) {
      if (!wanted.empty() && !wanted[j]) continue;
      const std::int8_t* row = vectors.data() + j * width_;
      for (std::size_t i = first; i < last; ++i) {
        const std::int32_t product = kernels_->dot(queries.data() + i * width_, row, width_);
        if (product < worst[i - first]) continue;
        std::vector<Product>& heap = nearest[i];
        if (heap.size() == k) {
          std::pop_heap(heap.begin(), heap.end(), is_better);
          heap.pop_back();
        }
        heap.push_back({std::int32_t(i), std::int32_t(j), product});
        std::push_heap(heap.begin(), heap.end(), is_better);
        // An equal product of a later vector is no better.
        if (heap.size() == k) worst[i - first] = heap.front().product + 1;
      }
    }
    for (std::size_t i = first; i < last; ++i) std::sort_heap(nearest[i].begin(), nearest[i].end(), is_better);
  });
  std::vector<Product> result;
  for (const auto& heap : nearest) result.insert(result.end(), heap.begin(), heap.end());
  return result;
}

}  // namespace codewren::similarity
