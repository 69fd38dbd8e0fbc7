// Deflate (RFC 1951), unpacked: manifest, tokenizer and card of a bundle are stored so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace codewren {

// The bytes of a stream that ends with `packed` and unpacks to exactly `size`; throws DamagedError otherwise.
//
// No byte of `packed` is read beyond its end, and never is more than `size` written, whatever the stream says.
std::vector<std::uint8_t> inflate(std::span<const std::uint8_t> packed, std::size_t size);

}  // namespace codewren
