// A strict reader of the one kind of zip file that a bundle is: docs/bundle-format.md, "Archive".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace codewren {

// The unpacked members of a bundle; the weights stay where they lie in the archive, the others are copies.
struct Members {
  std::vector<std::uint8_t> manifest, tokenizer, card;
  std::span<const std::uint8_t> weights;
};

// Throws DamagedError for anything but the four members, each of the size and checksum that its headers state.
Members read_members(std::span<const std::uint8_t> archive);

}  // namespace codewren
