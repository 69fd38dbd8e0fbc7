// A similarity encoder: source text to int8 vectors, and the dot products of many of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool.h"
#include "similarity/features.h"
#include "similarity/kernels.h"

namespace codewren::similarity {

// The table of one kind of feature, as the bundle states it; offsets are bytes of its weights.
struct TableSettings {
  std::size_t entries, rows, width, sketch_width, unknown;
  std::size_t fingerprints_offset, weights_offset, rows_offset;
};

// The known features of one kind, found by fingerprint; weights and rows stay where the file is mapped.
class FeatureTable {
 public:
  // Throws DamagedError where the settings do not fit the weights, or fingerprints collide.
  FeatureTable(std::span<const std::uint8_t> weights, const TableSettings& settings);

  // The entry of a feature, or -1.
  std::int32_t find(std::uint32_t fingerprint) const {
    for (std::size_t slot = slot_of(fingerprint);; slot = (slot + 1) & mask_) {
      const Slot& candidate = slots_[slot];
      if (candidate.entry < 0 || candidate.fingerprint == fingerprint) return candidate.entry;
    }
  }

  std::int32_t weight(std::int32_t entry) const { return entry < 0 ? unknown_ : weights_[entry]; }
  bool has_row(std::int32_t entry) const { return entry >= 0 && std::size_t(entry) < rows; }
  const std::int8_t* row(std::int32_t entry) const { return rows_ + std::size_t(entry) * width; }

  std::size_t rows, width, sketch_width;

 private:
  struct Slot {
    std::uint32_t fingerprint = 0;
    std::int32_t entry = -1;
  };

  std::size_t slot_of(std::uint32_t fingerprint) const { return (fingerprint * 0x9E3779B1u >> 7) & mask_; }

  std::vector<Slot> slots_;
  std::size_t mask_;
  const std::uint8_t* weights_;
  const std::int8_t* rows_;
  std::int32_t unknown_;
};

// Index of a pair of vectors, and their dot product.
struct Product {
  std::int32_t first, second, product;
};

class Encoder {
 public:
  // `weights` must outlive the encoder. `target` names an instruction set, or is empty for the best one here.
  Encoder(std::span<const std::uint8_t> weights, const TableSettings& names, const TableSettings& structure,
          const std::array<double, 4>& roots, const std::string& target);

  const char* target() const { return kernels_->name; }
  std::size_t vector_bytes() const { return width_; }

  // Writes vectors, one after another. `is_python` has one byte a text: 0 no, 1 yes, 2 look at the text.
  void encode(std::span<const std::string_view> texts, std::span<const std::uint8_t> is_python, std::size_t threads,
              std::span<std::int8_t> vectors);

  // Dot products of pairs of vectors; items are two indices into `vectors` each.
  std::vector<std::int32_t> products(std::span<const std::int8_t> vectors, std::span<const std::int64_t> items) const;

  // All pairs i < j with a product of at least `least`, sorted; more than `limit` is an error.
  std::vector<Product> pairs_above(std::span<const std::int8_t> vectors, std::int32_t least, std::size_t limit,
                                   std::size_t threads);

  // The `k` vectors nearest to each query with a product of at least `least`, best first, equal ones by index.
  // `wanted` has a byte for each vector, 0 for one to pass over, or is empty.
  std::vector<Product> neighbours(std::span<const std::int8_t> queries, std::span<const std::int8_t> vectors,
                                  std::span<const std::uint8_t> wanted, std::size_t k, std::int32_t least,
                                  std::size_t threads);

 private:
  // Buffers that are reused from function to function.
  struct Scratch {
    Features features;
    std::vector<std::uint32_t> slots;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> distinct;
    std::vector<const std::int8_t*> rows;
    std::vector<std::int16_t> row_times;
    std::vector<std::int32_t> sketch_sums, dense_sums;
    std::vector<std::int64_t> sketch, dense;
  };

  struct BlockScratch {
    std::vector<std::uint8_t> left, columns;
    std::vector<std::int32_t> products, least;
    std::vector<std::uint32_t> masks;
  };

  // How many rows a block has, and what each of them and of its columns may gain.
  struct BlockSide {
    std::size_t rows;
    const std::int32_t *bounds, *column_bounds;
  };

  void encode_function(std::string_view text, bool python, Scratch& scratch, std::int8_t* out) const;
  void pool(const FeatureTable& table, std::span<const std::uint64_t> hashes, Scratch& scratch) const;
  std::size_t rows_of(std::span<const std::int8_t> vectors) const;
  Rows heads(const std::int8_t* vectors, std::size_t count) const;
  void begin_block(const Rows& rows, BlockScratch& scratch) const;
  void multiply(const Rows& columns, const BlockSide& side, BlockScratch& scratch) const;
  std::vector<std::int32_t> rests(std::span<const std::int8_t> vectors) const;
  std::int32_t rest_product(const std::int8_t* a, const std::int8_t* b) const;

  FeatureTable names_, structure_;
  std::array<double, 4> roots_;
  const VectorKernels* kernels_;
  std::size_t width_, head_begin_, head_end_;
  Pool<Scratch> scratches_;
  Pool<BlockScratch> block_scratches_;
};

}  // namespace codewren::similarity
