#include "bundle/inflate.h"

#include <array>

#include "kernel/tensors.h"

namespace codewren {
namespace {

constexpr std::size_t longest_code = 15, most_symbols = 288;

[[noreturn]] void refuse() { throw DamagedError("a member cannot be unpacked"); }

// Bits of a stream, lowest first.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint32_t take(unsigned count) {
    while (held_ < count) {
      if (at_ == bytes_.size()) refuse();
      bits_ |= std::uint64_t(bytes_[at_++]) << held_;
      held_ += 8;
    }
    const std::uint32_t value = std::uint32_t(bits_ & ((std::uint64_t(1) << count) - 1));
    bits_ >>= count;
    held_ -= count;
    return value;
  }

  // What is left of the byte under way is dropped; `take` never holds a whole byte that it did not need.
  void align() { bits_ = 0, held_ = 0; }

  std::span<const std::uint8_t> take_bytes(std::size_t count) {
    if (count > bytes_.size() - at_) refuse();
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint64_t bits_ = 0;
  unsigned held_ = 0;
};

// A canonical Huffman code: how many codes there are of each length, and the symbols in the order of their codes.
class Code {
 public:
  // One code may lack its other half, as zlib allows: a single code of one bit, or none, where `may_be_partial`.
  Code(std::span<const std::uint8_t> lengths, bool may_be_partial) {
    for (const std::uint8_t length : lengths) ++counts_[length];
    int left = 1;
    for (std::size_t length = 1; length <= longest_code; ++length) {
      left = 2 * left - int(counts_[length]);
      if (left < 0) refuse();
    }
    const std::size_t codes = lengths.size() - counts_[0];
    if (left > 0 && !(may_be_partial && (codes == 0 || (codes == 1 && counts_[1] == 1)))) refuse();
    std::array<std::uint16_t, longest_code + 2> next{};
    for (std::size_t length = 1; length <= longest_code; ++length)
      next[length + 1] = std::uint16_t(next[length] + counts_[length]);
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol)
      if (lengths[symbol]) symbols_[next[lengths[symbol]]++] = std::uint16_t(symbol);
  }

  std::size_t read(BitReader& bits) const {
    int code = 0, first = 0, index = 0;
    for (std::size_t length = 1; length <= longest_code; ++length) {
      code |= int(bits.take(1));
      const int count = int(counts_[length]);
      if (code - first < count) return symbols_[std::size_t(index + code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    refuse();
  }

 private:
  std::array<std::uint16_t, longest_code + 1> counts_{};
  std::array<std::uint16_t, most_symbols> symbols_{};
};

struct Codes {
  Code literals, distances;
};

Codes fixed_codes() {
  std::array<std::uint8_t, most_symbols> lengths;
  for (std::size_t symbol = 0; symbol < most_symbols; ++symbol)
    lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
  std::array<std::uint8_t, 32> fives;
  fives.fill(5);
  return {Code(lengths, false), Code(fives, false)};
}

Codes read_codes(BitReader& bits) {
  constexpr std::array<std::uint8_t, 19> order = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  const std::size_t literals = bits.take(5) + 257, distances = bits.take(5) + 1, meta = bits.take(4) + 4;
  if (literals > 286 || distances > 30) refuse();
  std::array<std::uint8_t, 19> meta_lengths{};
  for (std::size_t i = 0; i < meta; ++i) meta_lengths[order[i]] = std::uint8_t(bits.take(3));
  const Code meta_code(meta_lengths, false);
  std::array<std::uint8_t, 286 + 30> lengths{};
  for (std::size_t i = 0; i < literals + distances;) {
    const std::size_t symbol = meta_code.read(bits);
    if (symbol < 16) {
      lengths[i++] = std::uint8_t(symbol);
      continue;
    }
    if (symbol == 16 && i == 0) refuse();
    const std::uint8_t again = symbol == 16 ? lengths[i - 1] : std::uint8_t(0);
    std::size_t times = symbol == 16 ? 3 + bits.take(2) : symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (times > literals + distances - i) refuse();
    for (; times; --times) lengths[i++] = again;
  }
  if (!lengths[256]) refuse();  // no code for the end of the block
  const std::span all(lengths);
  return {Code(all.first(literals), true), Code(all.subspan(literals, distances), true)};
}

// How far a length or distance symbol reaches: a first value, and so many further bits.
struct Reach {
  std::uint16_t first;
  std::uint8_t bits;
};

constexpr std::array<Reach, 29> length_reaches = {
    {{3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
     {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
     {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}}};

constexpr std::array<Reach, 30> distance_reaches = {
    {{1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
     {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
     {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
     {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}}};

template <std::size_t count>
std::size_t read_reach(const std::array<Reach, count>& reaches, std::size_t symbol, BitReader& bits) {
  if (symbol >= count) refuse();
  return reaches[symbol].first + bits.take(reaches[symbol].bits);
}

void add_coded(BitReader& bits, const Codes& codes, std::size_t size, std::vector<std::uint8_t>& out) {
  for (;;) {
    const std::size_t symbol = codes.literals.read(bits);
    if (symbol == 256) return;
    if (symbol < 256) {
      if (out.size() == size) refuse();
      out.push_back(std::uint8_t(symbol));
      continue;
    }
    const std::size_t length = read_reach(length_reaches, symbol - 257, bits);
    const std::size_t distance = read_reach(distance_reaches, codes.distances.read(bits), bits);
    if (distance > out.size() || length > size - out.size()) refuse();
    for (std::size_t i = 0; i < length; ++i) out.push_back(out[out.size() - distance]);
  }
}

void add_stored(BitReader& bits, std::size_t size, std::vector<std::uint8_t>& out) {
  bits.align();
  const auto header = bits.take_bytes(4);
  const std::size_t length = header[0] | std::size_t(header[1]) << 8;
  if ((length ^ 0xFFFF) != (header[2] | std::size_t(header[3]) << 8) || length > size - out.size()) refuse();
  const auto bytes = bits.take_bytes(length);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::uint8_t> inflate(std::span<const std::uint8_t> packed, std::size_t size) {
  BitReader bits(packed);
  std::vector<std::uint8_t> out;  // grows with what is there, not with what is claimed
  for (bool last = false; !last;) {
    last = bits.take(1);
    const std::uint32_t kind = bits.take(2);
    if (kind == 3) refuse();
    if (kind == 0)
      add_stored(bits, size, out);
    else
      add_coded(bits, kind == 1 ? fixed_codes() : read_codes(bits), size, out);
  }
  if (out.size() != size || !bits.at_end()) refuse();
  return out;
}

}  // namespace codewren
