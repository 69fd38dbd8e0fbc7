// What all bundles have in common: an archive of checked members, a manifest, a task.
//
// The C++ twin of src/codewren/bundle/container.py, for programs without Python; docs/bundle-format.md is the contract.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bundle/json.h"

namespace codewren {

enum class Form { student, similarity, hint };

// One label an item, any number of them, or one of an order.
enum class Kind { single_label, multi_label, ordinal };

struct Task {
  std::string name, language;  // the language may be empty
  bool pair;
  std::vector<std::string> labels;
  std::size_t positive;
  Kind kind;
};

// The members of a bundle, each equal to what the manifest says of it.
struct Container {
  std::unique_ptr<JsonDocument> manifest, tokenizer;
  std::string manifest_text, card;
  std::span<const std::uint8_t> weights;  // inside the archive
  Form form;
  Task task;
};

// Throws DamagedError where the file is damaged, foreign, or of a newer schema.
Container read_container(std::span<const std::uint8_t> archive);

// A probability threshold of a manifest; throws DamagedError where it is missing or not in [0, 1].
double threshold_of(const Json& object, std::string_view key);

// `alert_threshold`, or `threshold` where it is left out.
double alert_threshold_of(const Json& object, double threshold);

// A number of a manifest; throws DamagedError where it is missing or none.
double number_of(const Json& object, std::string_view key);

// A whole number of a manifest from `least` to `most`; throws DamagedError.
std::size_t whole_of(const Json& object, std::string_view key, std::int64_t least, std::int64_t most);

// Where bytes lie in the weights.
struct ByteRange {
  std::size_t begin, end;
};

// An offset of the tensor table, a multiple of 16; throws DamagedError.
std::size_t offset_of(const Json& row, std::string_view key, std::size_t weight_bytes);

// Throws DamagedError where two ranges overlap, or one leaves the weights.
void check_ranges(std::vector<ByteRange> ranges, std::size_t weight_bytes);

}  // namespace codewren
