#include "bundle/container.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "bundle/archive.h"
#include "bundle/sha256.h"
#include "kernel/tensors.h"
#include "unicode/valid.h"

namespace codewren {
namespace {

constexpr std::int64_t newest_schema = 4, kind_schema = 4, most_labels = 10'000, most_at_once = 62, alignment = 16;

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

Form form_of(const Json& manifest) {
  const auto format = manifest.find("format");
  if (!format || !format->is(JsonKind::text) || format->text() != "codewren") refuse("the format is not codewren");
  const std::int64_t version = manifest.field("schema_version", JsonKind::whole).whole();
  if (version > newest_schema)
    refuse("schema version " + std::to_string(version) + " is newer than this library's " +
           std::to_string(newest_schema) + "; take a newer codewren");
  const auto form = manifest.find("form");
  const std::string_view name = !form ? "student" : form->is(JsonKind::text) ? form->text() : "";
  if (name == "student" && (version == 1 || version == kind_schema)) return Form::student;
  if (name == "similarity" && version == 2) return Form::similarity;
  if (name == "hint" && version == 3) return Form::hint;
  refuse("there is no such form of this schema version");
}

void check_member(const Json& table, const std::string& name, std::span<const std::uint8_t> bytes) {
  const Json row = table.field(name, JsonKind::object);
  const auto size = row.find("size"), hash = row.find("sha256");
  if (!size || !size->is(JsonKind::whole) || size->whole() != std::int64_t(bytes.size()))
    refuse(name + " does not have the size that the manifest states");
  if (!hash || !hash->is(JsonKind::text) || hash->text() != sha256(bytes))
    refuse(name + " does not match its SHA-256 in the manifest");
}

std::string text_of(const Json& object, std::string_view key) {
  return std::string(object.field(key, JsonKind::text).text());
}

Kind kind_of(const Json& raw, bool has_kind) {
  const auto stated = raw.find("kind");
  const std::string_view name = !stated ? "single-label" : stated->is(JsonKind::text) ? stated->text() : "";
  if (has_kind == (name == "single-label")) refuse("there is no such kind of task of this schema version");
  if (name == "single-label") return Kind::single_label;
  if (name == "multi-label") return Kind::multi_label;
  if (name == "ordinal") return Kind::ordinal;
  refuse("the task's kind is unknown; take a newer codewren");
}

Task task_of(const Json& raw, bool has_kind) {
  Task task{text_of(raw, "name"), "", false, {}, 0, kind_of(raw, has_kind)};
  const std::string unit = text_of(raw, "unit"), positive = text_of(raw, "positive");
  if (unit != "function" && unit != "pair") refuse("the task judges neither functions nor pairs");
  task.pair = unit == "pair";
  if (const auto language = raw.find("language"); language && !language->is(JsonKind::null))
    task.language = text_of(raw, "language");
  const Json labels = raw.field("labels", JsonKind::list);
  if (labels.size() < 2 || labels.size() > std::size_t(most_labels)) refuse("the task has too few or too many labels");
  for (const Json& label : labels.items()) {
    if (!label.is(JsonKind::text) || label.text().empty()) refuse("a label of the task is no text");
    task.labels.emplace_back(label.text());
  }
  if (std::unordered_set<std::string>(task.labels.begin(), task.labels.end()).size() != task.labels.size())
    refuse("a label of the task is there twice");
  const auto found = std::find(task.labels.begin(), task.labels.end(), positive);
  if (found == task.labels.end()) refuse("the positive label is none of the task's labels");
  task.positive = std::size_t(found - task.labels.begin());
  if (task.kind == Kind::multi_label && (task.pair || task.labels.size() > most_at_once))
    refuse("a multi-label task judges functions, by at most 62 labels");
  return task;
}

}  // namespace

Container read_container(std::span<const std::uint8_t> archive) {
  const Members members = read_members(archive);
  Container container{};
  container.manifest = std::make_unique<JsonDocument>(members.manifest, "manifest.json");
  const Json manifest = container.manifest->root();
  container.form = form_of(manifest);
  const Json table = manifest.field("members", JsonKind::object);
  check_member(table, "tokenizer.json", members.tokenizer);
  check_member(table, "weights.bin", members.weights);
  check_member(table, "MODEL_CARD.md", members.card);
  container.task = task_of(manifest.field("task", JsonKind::object),
                           manifest.field("schema_version", JsonKind::whole).whole() == kind_schema);
  container.tokenizer = std::make_unique<JsonDocument>(members.tokenizer, "tokenizer.json");
  container.manifest_text.assign(members.manifest.begin(), members.manifest.end());
  container.card.assign(members.card.begin(), members.card.end());
  if (unicode::valid_prefix(container.card) != container.card.size()) refuse("MODEL_CARD.md is not UTF-8");
  container.weights = members.weights;
  return container;
}

double number_of(const Json& object, std::string_view key) {
  const auto value = object.find(key);
  if (!value || !(value->is(JsonKind::whole) || value->is(JsonKind::number)))
    refuse("field " + std::string(key) + " is missing or no number");
  return value->number();
}

double threshold_of(const Json& object, std::string_view key) {
  const double threshold = number_of(object, key);
  if (!(threshold >= 0 && threshold <= 1)) refuse("field " + std::string(key) + " is no probability");
  return threshold;
}

double alert_threshold_of(const Json& object, double threshold) {
  const auto alert = object.find("alert_threshold");
  return alert && !alert->is(JsonKind::null) ? threshold_of(object, "alert_threshold") : threshold;
}

std::size_t whole_of(const Json& object, std::string_view key, std::int64_t least, std::int64_t most) {
  const std::int64_t value = object.field(key, JsonKind::whole).whole();
  if (value < least || value > most)
    refuse("field " + std::string(key) + " is " + std::to_string(value) + ", wanted: " + std::to_string(least) +
           " to " + std::to_string(most));
  return std::size_t(value);
}

std::size_t offset_of(const Json& row, std::string_view key, std::size_t weight_bytes) {
  const std::size_t offset = whole_of(row, key, 0, std::int64_t(weight_bytes));
  if (offset % alignment) refuse("a tensor's offset is no multiple of 16");
  return offset;
}

void check_ranges(std::vector<ByteRange> ranges, std::size_t weight_bytes) {
  std::sort(ranges.begin(), ranges.end(), [](const ByteRange& a, const ByteRange& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i - 1].end > ranges[i].begin) refuse("tensors overlap");
  if (!ranges.empty() && ranges.back().end > weight_bytes) refuse("a tensor leaves weights.bin");
}

}  // namespace codewren
