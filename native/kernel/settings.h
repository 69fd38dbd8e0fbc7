// What a bundle's manifest says of the student, and the sizes of the network that follow.
#pragma once

#include <cstddef>
#include <string>

#include "kernel/network.h"

namespace codewren {

struct Settings {
  std::size_t vocab_size, hidden_size, intermediate_size, num_attention_heads, num_hidden_layers, max_sequence_length;
  std::string hidden_act, position_embedding_type;
  std::size_t labels;
  bool pair, symmetric;
  std::size_t embedding_size;  // columns of the word table where it is factorised, else 0
  std::size_t max_data_flow;   // nodes of a function at most, 0 where only code is read
};

// A network of these sizes, without weights yet; throws DamagedError where a setting is out of range.
Network sized_network(const Settings& settings);

}  // namespace codewren
