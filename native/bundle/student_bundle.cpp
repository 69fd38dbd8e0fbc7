#include "bundle/student_bundle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "bundle/tokenizer_json.h"

namespace codewren {
namespace {

constexpr std::int64_t largest = 1 << 24, most_layers = 1 << 10;
constexpr double most_flops = 1e12;  // of one item, as bundle/read.py says

constexpr std::array<std::string_view, 17> config_fields = {"tokenizer",
                                                            "vocab_size",
                                                            "num_hidden_layers",
                                                            "hidden_size",
                                                            "hidden_act",
                                                            "hidden_dropout_prob",
                                                            "intermediate_size",
                                                            "num_attention_heads",
                                                            "attention_probs_dropout_prob",
                                                            "max_sequence_length",
                                                            "position_embedding_type",
                                                            "learning_rate",
                                                            "batch_size",
                                                            "pair_head",
                                                            "storage",
                                                            "embedding_size",
                                                            "max_data_flow"};

[[noreturn]] void refuse(const std::string& problem) { throw DamagedError(problem); }

// A text that names one of some choices, or is left out and then the first of them.
std::string choice_of(const Json& config, std::string_view key, std::initializer_list<std::string_view> choices) {
  if (!config.find(key)) return std::string(*choices.begin());
  const std::string_view value = config.field(key, JsonKind::text).text();
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    refuse("config field " + std::string(key) + " has an unknown value");
  return std::string(value);
}

// A whole number, or its default where it is left out.
std::size_t size_of(const Json& config, std::string_view key, std::int64_t least, std::int64_t usual) {
  return config.find(key) ? whole_of(config, key, least, largest) : std::size_t(usual);
}

void check_share(const Json& config, std::string_view key) {
  if (config.find(key) && !(number_of(config, key) >= 0 && number_of(config, key) < 1))
    refuse("config field " + std::string(key) + " lies not in [0, 1)");
}

// What trained a student is no part of the network, but a bundle that states nonsense is damaged.
void check_training(const Json& config) {
  check_share(config, "hidden_dropout_prob");
  check_share(config, "attention_probs_dropout_prob");
  if (config.find("learning_rate") && !(number_of(config, "learning_rate") > 0))
    refuse("config field learning_rate is not positive");
  size_of(config, "batch_size", 1, 16);
  choice_of(config, "storage", {"int8", "fp16", "fp32"});
}

void check_fields(const Json& config) {
  const std::vector<Json> items = config.items();
  for (std::size_t i = 0; i < items.size(); i += 2) {
    if (std::find(config_fields.begin(), config_fields.end(), items[i].text()) == config_fields.end())
      refuse("an unknown field of the config, which would change the network; take a newer codewren");
    if (items[i + 1].is(JsonKind::whole) && (items[i + 1].whole() > largest || items[i + 1].whole() < -largest))
      refuse("config field " + std::string(items[i].text()) + " is out of range");
  }
}

// The defaults are those of src/codewren/core/student_config.py.
Settings settings_of(const Json& config, const Task& task) {
  Settings settings{};
  settings.vocab_size = size_of(config, "vocab_size", 5, 1000);
  settings.num_hidden_layers = size_of(config, "num_hidden_layers", 1, 1);
  settings.hidden_size = size_of(config, "hidden_size", 1, 96);
  settings.intermediate_size = size_of(config, "intermediate_size", 1, 64);
  settings.num_attention_heads = size_of(config, "num_attention_heads", 1, 8);
  settings.max_sequence_length = size_of(config, "max_sequence_length", 3, 400);
  settings.embedding_size = size_of(config, "embedding_size", 0, 0);
  settings.max_data_flow = size_of(config, "max_data_flow", 0, 0);
  settings.hidden_act = choice_of(config, "hidden_act", {"gelu", "relu", "silu", "gelu_new"});
  settings.position_embedding_type =
      choice_of(config, "position_embedding_type", {"absolute", "relative_key", "relative_key_query"});
  settings.labels = task.labels.size();
  settings.pair = task.pair;
  settings.symmetric = choice_of(config, "pair_head", {"concat", "symmetric"}) == "symmetric";
  if (settings.num_hidden_layers > std::size_t(most_layers)) refuse("the config claims too many layers");
  return settings;
}

// As core/formulas.py:student_flops, whose terms these are.
double flops_of(const Settings& s) {
  const double hidden = double(s.hidden_size), inner = double(s.intermediate_size),
               code = double(s.max_sequence_length);
  const double length = code + double(s.max_data_flow), full = double(s.num_hidden_layers) - 1;
  const double functions = s.pair ? 2 : 1;
  const double terms = s.position_embedding_type == "absolute"       ? 0
                       : s.position_embedding_type == "relative_key" ? 1
                                                                     : 2;
  const double layers = length * full * (8 * hidden * hidden + 4 * length * hidden + 4 * hidden * inner);
  const double last = 8 * hidden * hidden + 4 * double(s.num_attention_heads) * length * hidden + 4 * hidden * inner;
  const double distances = terms * 2 * code * hidden * (full * code + 1);
  return functions * (layers + last + distances) + 2 * hidden * hidden * functions + 2 * hidden * double(s.labels);
}

struct Shape {
  std::size_t rows, columns;  // a vector has 0 columns in the file's sense, and one row in the kernel's
  bool vector;
};
using Shapes = std::map<std::string, Shape, std::less<>>;

void add_linear(Shapes& shapes, const std::string& name, std::size_t out, std::size_t in) {
  shapes[name + ".weight"] = {out, in, false};
  shapes[name + ".bias"] = {1, out, true};
}

void add_norm(Shapes& shapes, const std::string& name, std::size_t size) {
  shapes[name + ".weight"] = shapes[name + ".bias"] = {1, size, true};
}

// All tensors of a student: bundle/tensors.py:tensor_shapes.
Shapes shapes_of(const Settings& s) {
  const std::size_t hidden = s.hidden_size, inner = s.intermediate_size, length = s.max_sequence_length;
  const bool absolute = s.position_embedding_type == "absolute";
  Shapes shapes;
  shapes["embeddings.word"] = {s.vocab_size, s.embedding_size ? s.embedding_size : hidden, false};
  if (s.embedding_size) shapes["embeddings.projection"] = {hidden, s.embedding_size, false};
  if (absolute) shapes["embeddings.position"] = {length + (s.max_data_flow ? 1 : 0), hidden, false};
  shapes["embeddings.token_type"] = {1, hidden, true};
  add_norm(shapes, "embeddings.norm", hidden);
  for (std::size_t index = 0; index < s.num_hidden_layers; ++index) {
    const std::string layer = "layers." + std::to_string(index);
    for (const char* matrix : {".attention.query", ".attention.key", ".attention.value", ".attention.output"})
      add_linear(shapes, layer + matrix, hidden, hidden);
    const bool last = index + 1 == s.num_hidden_layers;
    if (!absolute)
      shapes[layer + ".attention.distance"] = {last ? length : 2 * length - 1, hidden / s.num_attention_heads, false};
    add_norm(shapes, layer + ".attention.norm", hidden);
    add_linear(shapes, layer + ".intermediate", inner, hidden);
    add_linear(shapes, layer + ".output", hidden, inner);
    add_norm(shapes, layer + ".norm", hidden);
  }
  add_linear(shapes, "head.dense", hidden, s.pair ? 2 * hidden : hidden);
  add_linear(shapes, "head.out", s.labels, hidden);
  return shapes;
}

bool has_shape(const Json& row, const Shape& shape) {
  const auto stated = row.find("shape");
  if (!stated || !stated->is(JsonKind::list) || stated->size() != (shape.vector ? 1 : 2)) return false;
  const std::vector<Json> sizes = stated->items();
  for (const Json& size : sizes)
    if (!size.is(JsonKind::whole)) return false;
  return shape.vector ? sizes[0].whole() == std::int64_t(shape.columns)
                      : sizes[0].whole() == std::int64_t(shape.rows) && sizes[1].whole() == std::int64_t(shape.columns);
}

// One row of the tensor table, whose byte ranges are added to `ranges`.
TensorEntry entry_of(const Json& row, const Shape& shape, std::size_t weight_bytes, std::vector<ByteRange>& ranges) {
  TensorEntry entry{std::string(row.field("dtype", JsonKind::text).text()), shape.rows, shape.columns, 0, 0};
  const bool int8 = entry.dtype == "int8";
  if (!int8 && entry.dtype != "fp16" && entry.dtype != "fp32") refuse("a tensor has an unknown dtype");
  if (!has_shape(row, shape) || (int8 && shape.vector)) refuse("a tensor has another shape than the config wants");
  const std::uint64_t bytes = std::uint64_t(shape.rows) * shape.columns *
                              (int8                    ? 1
                               : entry.dtype == "fp16" ? 2
                                                       : 4);  // at most 2^50
  if (bytes > weight_bytes || whole_of(row, "nbytes", 0, largest * largest) != bytes)
    refuse("a tensor has another size than its shape");
  entry.offset = offset_of(row, "offset", weight_bytes);
  ranges.push_back({entry.offset, entry.offset + std::size_t(bytes)});
  if (int8) {
    entry.scale_offset = offset_of(row, "scale_offset", weight_bytes);
    ranges.push_back({entry.scale_offset, entry.scale_offset + 2 * shape.rows});
  }
  return entry;
}

void check_scales(const TensorEntry& entry, std::span<const std::uint8_t> weights) {
  for (std::size_t row = 0; entry.dtype == "int8" && row < entry.rows; ++row)
    if (weights[entry.scale_offset + 2 * row + 1] > 0x7B) refuse("a scale is negative, infinite or NaN");
}

TensorTable tensors_of(const Json& rows, const Settings& settings, std::span<const std::uint8_t> weights) {
  if (rows.size() < settings.num_hidden_layers) refuse("the config claims more layers than there are tensors");
  const Shapes shapes = shapes_of(settings);
  if (rows.size() != shapes.size()) refuse("the table has not as many tensors as the config wants");
  TensorTable table;
  std::vector<ByteRange> ranges;
  for (const Json& row : rows.items()) {
    if (!row.is(JsonKind::object)) refuse("a row of the tensor table is no object");
    const auto shape = shapes.find(row.field("name", JsonKind::text).text());
    if (shape == shapes.end()) refuse("the table names an unknown tensor");
    table[shape->first] = entry_of(row, shape->second, weights.size(), ranges);
  }
  if (table.size() != shapes.size()) refuse("the table names a tensor twice");
  check_ranges(ranges, weights.size());
  for (const auto& [name, entry] : table) check_scales(entry, weights);
  return table;
}

// One threshold a label; `threshold` for each where the manifest has no others.
std::vector<double> thresholds_of(const Json& decision, std::size_t labels, double threshold) {
  std::vector<double> thresholds(labels, threshold);
  const auto stated = decision.find("thresholds");
  if (!stated || stated->is(JsonKind::null)) return thresholds;
  if (!stated->is(JsonKind::list) || stated->size() != labels) refuse("the thresholds are not one for each label");
  const std::vector<Json> values = stated->items();
  for (std::size_t c = 0; c < labels; ++c) {
    const bool is_number = values[c].is(JsonKind::whole) || values[c].is(JsonKind::number);
    thresholds[c] = is_number ? values[c].number() : -1;
    if (!(thresholds[c] >= 0 && thresholds[c] <= 1)) refuse("a threshold of a label is no probability");
  }
  return thresholds;
}

}  // namespace

StudentBundle read_student(const Container& container, const std::string& target) {
  const Json manifest = container.manifest->root(), config = manifest.field("config", JsonKind::object);
  check_fields(config);
  check_training(config);
  const Settings settings = settings_of(config, container.task);
  sized_network(settings);
  if (!(flops_of(settings) <= most_flops)) refuse("an item of full length takes more than 10^12 operations");
  StudentBundle bundle{};
  bundle.tokenizer =
      read_tokenizer(container.tokenizer->root(),
                     choice_of(config, "tokenizer", {"bpe", "wordpiece", "unigram", "word"}), settings.vocab_size);
  const Json decision = manifest.field("decision", JsonKind::object);
  bundle.threshold = threshold_of(decision, "threshold");
  bundle.alert_threshold = alert_threshold_of(decision, bundle.threshold);
  if (container.task.kind == Kind::multi_label)
    bundle.thresholds = thresholds_of(decision, settings.labels, bundle.threshold);
  bundle.temperature = number_of(decision, "temperature");
  if (!(bundle.temperature > 0 && std::isfinite(bundle.temperature))) refuse("the temperature is out of range");
  const TensorTable table = tensors_of(manifest.field("tensors", JsonKind::list), settings, container.weights);
  bundle.student = std::make_unique<Student>(container.weights, table, settings, target);
  bundle.hidden_size = settings.hidden_size;
  return bundle;
}

}  // namespace codewren
