#include "bundle/archive.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "bundle/inflate.h"
#include "kernel/tensors.h"

namespace codewren {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t end_size = 22, entry_size = 46, local_size = 30;
constexpr std::uint16_t utf8_names = 0x800, stored = 0, deflated = 8;

struct Limit {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<Limit, 4> limits = {{{"manifest.json", 16u << 20},
                                          {"tokenizer.json", 16u << 20},
                                          {"MODEL_CARD.md", 4u << 20},
                                          {"weights.bin", 1u << 30}}};

struct Member {
  std::string_view name;
  std::uint16_t method;
  std::uint32_t crc;
  std::size_t packed_bytes, bytes, start;
};

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

std::uint16_t short_at(Bytes bytes, std::size_t at) { return std::uint16_t(bytes[at] | bytes[at + 1] << 8); }

std::uint32_t long_at(Bytes bytes, std::size_t at) {
  return std::uint32_t(short_at(bytes, at)) | std::uint32_t(short_at(bytes, at + 2)) << 16;
}

bool has_mark(Bytes bytes, std::size_t at, std::uint32_t low, std::uint32_t high) {
  return long_at(bytes, at) == (0x4B50u | low << 16 | high << 24);
}

std::string_view text_at(Bytes bytes, std::size_t at, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes.data()) + at, size};
}

std::uint32_t crc32(Bytes bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      values[i] = i;
      for (int bit = 0; bit < 8; ++bit) values[i] = values[i] >> 1 ^ (values[i] & 1 ? 0xEDB88320u : 0u);
    }
    return values;
  }();
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF];
  return ~crc;
}

// The directory entry at `at`, which must lie before `end`, and the local header it points to; moves `at` on.
Member read_entry(Bytes archive, std::size_t& at, std::size_t directory, std::size_t end) {
  if (end - at < entry_size || !has_mark(archive, at, 1, 2)) refuse("the zip directory is inconsistent");
  const std::uint16_t flags = short_at(archive, at + 8), method = short_at(archive, at + 10);
  const std::size_t name_size = short_at(archive, at + 28), header = long_at(archive, at + 42);
  const std::size_t whole = entry_size + name_size + short_at(archive, at + 30) + short_at(archive, at + 32);
  if (whole > end - at) refuse("the zip directory is inconsistent");
  Member member{text_at(archive, at + entry_size, name_size),
                method,
                long_at(archive, at + 16),
                long_at(archive, at + 20),
                long_at(archive, at + 24),
                0};
  if ((flags & ~utf8_names) || (method != stored && method != deflated))
    refuse("a member is encrypted or packed in an unknown way");
  if (header > directory || directory - header < local_size) refuse("a member lies outside the file");
  const std::size_t name_again = header + local_size, size_again = short_at(archive, header + 26);
  member.start = name_again + size_again + short_at(archive, header + 28);
  const bool same = has_mark(archive, header, 3, 4) && short_at(archive, header + 6) == flags &&
                    short_at(archive, header + 8) == method && long_at(archive, header + 14) == member.crc &&
                    long_at(archive, header + 18) == member.packed_bytes &&
                    long_at(archive, header + 22) == member.bytes;
  if (!same || member.start > directory || member.packed_bytes > directory - member.start ||
      text_at(archive, name_again, size_again) != member.name)
    refuse("a member's directory entry and header disagree");
  if (method == stored && member.packed_bytes != member.bytes) refuse("a member is stored with two sizes");
  at += whole;
  return member;
}

std::vector<Member> read_directory(Bytes archive) {
  if (archive.size() < end_size || archive[0] != 'P' || archive[1] != 'K') refuse("not a zip file");
  const std::size_t end = archive.size() - end_size;
  const std::size_t count = short_at(archive, end + 10), size = long_at(archive, end + 12);
  const std::size_t directory = long_at(archive, end + 16);
  if (!has_mark(archive, end, 5, 6) || long_at(archive, end + 4) || short_at(archive, end + 8) != count ||
      short_at(archive, end + 20) || directory > end || size != end - directory)
    refuse("no zip directory at the end of the file: cut short?");
  if (count != limits.size()) refuse("a bundle holds four members");
  std::vector<Member> members;
  for (std::size_t at = directory; at < end;) {
    if (members.size() == count) refuse("the zip directory is inconsistent");
    members.push_back(read_entry(archive, at, directory, end));
  }
  if (members.size() != count) refuse("the zip directory is inconsistent");
  return members;
}

const Member& member_named(const std::vector<Member>& members, const Limit& limit) {
  const auto member =
      std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == limit.name; });
  if (member == members.end()) refuse("member " + std::string(limit.name) + " is missing");
  if (std::max(member->bytes, member->packed_bytes) > limit.bytes)
    refuse("member " + std::string(limit.name) + " claims more bytes than are allowed");
  return *member;
}

void check_overlap(std::vector<Member> members) {
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return std::pair(a.start, a.packed_bytes) < std::pair(b.start, b.packed_bytes);
  });
  for (std::size_t i = 1; i < members.size(); ++i)
    if (members[i - 1].start + members[i - 1].packed_bytes > members[i].start) refuse("members overlap");
}

void check_crc(const Member& member, Bytes content) {
  if (crc32(content) != member.crc) refuse("member " + std::string(member.name) + " does not have its checksum");
}

std::vector<std::uint8_t> unpacked(Bytes archive, const Member& member) {
  const Bytes packed = archive.subspan(member.start, member.packed_bytes);
  std::vector<std::uint8_t> content =
      member.method == deflated ? inflate(packed, member.bytes) : std::vector(packed.begin(), packed.end());
  check_crc(member, content);
  return content;
}

}  // namespace

Members read_members(Bytes archive) {
  const std::vector<Member> members = read_directory(archive);
  std::array<const Member*, limits.size()> named;
  for (std::size_t i = 0; i < limits.size(); ++i) named[i] = &member_named(members, limits[i]);
  check_overlap(members);
  const Member& weights = *named[3];
  if (weights.method != stored) refuse("weights.bin is deflated, it must be stored");
  const Bytes weight_bytes = archive.subspan(weights.start, weights.bytes);
  check_crc(weights, weight_bytes);
  return {unpacked(archive, *named[0]), unpacked(archive, *named[1]), unpacked(archive, *named[2]), weight_bytes};
}

}  // namespace codewren
