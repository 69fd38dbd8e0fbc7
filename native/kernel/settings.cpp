#include "kernel/settings.h"

#include "kernel/tensors.h"

namespace codewren {
namespace {

Activation activation_of(const std::string& name) {
  if (name == "gelu") return Activation::gelu;
  if (name == "relu") return Activation::relu;
  if (name == "silu") return Activation::silu;
  if (name == "gelu_new") return Activation::gelu_new;
  throw DamagedError("unknown activation " + name);
}

Positions positions_of(const std::string& name) {
  if (name == "absolute") return Positions::absolute;
  if (name == "relative_key") return Positions::relative_key;
  if (name == "relative_key_query") return Positions::relative_key_query;
  throw DamagedError("unknown position type " + name);
}

constexpr std::size_t largest_table = std::size_t(1) << 26;  // numbers, as core/student_config.py says

}  // namespace

Network sized_network(const Settings& settings) {
  Network net{};
  net.vocab = settings.vocab_size;
  net.hidden = settings.hidden_size;
  net.inner = settings.intermediate_size;
  net.heads = settings.num_attention_heads;
  net.layers = settings.num_hidden_layers;
  net.max_length = settings.max_sequence_length;
  net.labels = settings.labels;
  net.max_nodes = settings.max_data_flow;
  net.functions = settings.pair ? 2 : 1;
  net.symmetric = settings.pair && settings.symmetric;
  net.activation = activation_of(settings.hidden_act);
  net.positions = positions_of(settings.position_embedding_type);
  constexpr std::size_t most = std::size_t(1) << 24;
  for (const std::size_t size : {net.vocab, net.hidden, net.inner, net.heads, net.layers, net.max_length, net.labels})
    if (size == 0 || size > most) throw DamagedError("a size of the configuration is out of range");
  if (net.max_nodes > most) throw DamagedError("a size of the configuration is out of range");
  if (settings.embedding_size > most || (settings.embedding_size && net.vocab > largest_table / net.hidden))
    throw DamagedError("the factorised word table is too large to expand");
  if (net.hidden % net.heads) throw DamagedError("hidden size is not divisible by the number of heads");
  return net;
}

}  // namespace codewren
