// SHA-256 (FIPS 180-4): what a manifest says of its members.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace codewren {

// As 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::uint8_t> bytes);

}  // namespace codewren
