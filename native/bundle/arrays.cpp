#include "bundle/arrays.h"

#include <algorithm>

#include "kernel/tensors.h"

namespace codewren {
namespace {

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

bool has_shape(const Json& row, const Array& array) {
  const Json stated = row.field("shape", JsonKind::list);
  const std::vector<Json> sizes = stated.items();
  return std::equal(sizes.begin(), sizes.end(), array.shape.begin(), array.shape.end(),
                    [](const Json& a, std::size_t b) { return a.is(JsonKind::whole) && a.whole() == std::int64_t(b); });
}

void read_array(const Json& row, const Array& array, std::size_t weight_bytes) {
  if (row.field("dtype", JsonKind::text).text() != array.dtype || !has_shape(row, array) ||
      array.bytes > weight_bytes || whole_of(row, "nbytes", 0, std::int64_t(1) << 40) != array.bytes)
    refuse("tensor " + array.name + " is not as the config wants it");
  *array.offset = offset_of(row, "offset", weight_bytes);
}

}  // namespace

void read_arrays(const Json& rows, std::span<const Array> arrays, std::size_t weight_bytes) {
  std::vector<ByteRange> ranges;
  std::vector<const Array*> seen;
  for (const Json& row : rows.items()) {
    if (!row.is(JsonKind::object)) refuse("a row of the tensor table is no object");
    const std::string_view name = row.field("name", JsonKind::text).text();
    const auto array = std::find_if(arrays.begin(), arrays.end(), [&](const Array& a) { return a.name == name; });
    if (array == arrays.end() || std::find(seen.begin(), seen.end(), &*array) != seen.end())
      refuse("the table names an unknown tensor, or one twice");
    read_array(row, *array, weight_bytes);
    seen.push_back(&*array);
    ranges.push_back({*array->offset, *array->offset + std::size_t(array->bytes)});
  }
  if (seen.size() != arrays.size()) refuse("the table has not as many tensors as the config wants");
  check_ranges(ranges, weight_bytes);
}

void check_keys(const Json& object, std::initializer_list<std::string_view> known) {
  const std::vector<Json> items = object.items();
  for (std::size_t i = 0; i < items.size(); i += 2)
    if (std::find(known.begin(), known.end(), items[i].text()) == known.end())
      refuse("an unknown key of the config; take a newer codewren");
}

void check_lexer(const Json& tokenizer, std::string_view name) {
  const auto kind = tokenizer.find("kind"), version = tokenizer.find("version");
  if (tokenizer.items().size() != 4 || !kind || !kind->is(JsonKind::text) || kind->text() != name || !version ||
      !version->is(JsonKind::whole) || version->whole() != 1)
    refuse("tokenizer.json names another lexer than this library's; take a newer codewren");
}

}  // namespace codewren
