// What a one-layer student would say without each line of a function, in little more than one pass.
//
// Of every head the last layer needs a softmax sum over the tokens. The sums of each line are made by themselves; all
// lines but one are then the sum of those before it and the sum of those after it. Nothing is taken away from a sum,
// so a line that holds nearly all the weight costs no precision. The other tokens keep their positions.
#pragma once

#include "kernel/embeddings.h"
#include "kernel/last_layer.h"

namespace codewren {
namespace {

// The running softmax of every head, as floats in a row: largest score, sum of weights, weighted sum of rows.
struct Sums {
  float *largest, *sums, *weighted;
  Sums(const Network& net, float* floats)
      : largest(floats), sums(floats + padded(net.heads)), weighted(floats + 2 * padded(net.heads)) {}
  explicit Sums(const LastScratch& s) : largest(s.largest), sums(s.sums), weighted(s.weighted) {}
};

size_t sums_size(const Network& net) { return 2 * padded(net.heads) + net.heads * padded(net.hidden); }

void copy_sums(const Network& net, const Sums& from, const Sums& to) {
  memcpy(to.largest, from.largest, padded(net.heads) * sizeof(float));
  memcpy(to.sums, from.sums, padded(net.heads) * sizeof(float));
  memcpy(to.weighted, from.weighted, net.heads * padded(net.hidden) * sizeof(float));
}

// to = the softmax over the tokens of both
void add_sums(const Network& net, const Sums& from, const Sums& to) {
  const size_t stride = padded(net.hidden);
  for (size_t h = 0; h < net.heads; ++h) {
    const float largest = to.largest[h] > from.largest[h] ? to.largest[h] : from.largest[h];
    const float keep = exp_(to.largest[h] - largest), take = exp_(from.largest[h] - largest);
    to.largest[h] = largest;
    to.sums[h] = to.sums[h] * keep + from.sums[h] * take;
    for (size_t k = h * stride; k < (h + 1) * stride; ++k)
      to.weighted[k] = to.weighted[k] * keep + from.weighted[k] * take;
  }
}

void clear_sums(const Network& net, const Sums& sums) {
  for (size_t h = 0; h < padded(net.heads); ++h) sums.largest[h] = lowest, sums.sums[h] = 0;
  for (size_t k = 0; k < net.heads * padded(net.hidden); ++k) sums.weighted[k] = 0;
}

// Adds tokens [begin, end) to the running softmax of `s`; begin is 0 for the first token alone.
void attend_tokens(const Network& net, const Function& function, size_t begin, size_t end, LastScratch& s) {
  const bool same_query = net.begin_query && function.ids[0] == 0;
  for (size_t t = begin; t < end; t += panel) {
    const size_t count = min_(panel, end - t);
    embed(net, function.ids, t, count, s.rows);
    attend_block(net, t, count, same_query, s);
  }
}

size_t without_lines_scratch(const Network& net, size_t lines) {
  Arena arena{nullptr};
  LastScratch last(net, arena);
  arena.take((2 * lines + 1) * sums_size(net));
  return arena.used;
}

// Row 0 of out (lines + 1, padded hidden) is the vector of the whole function, row i + 1 that without line i, which is
// tokens [bounds[i], bounds[i + 1]). bounds[0] is at least 1: the first token, which asks, is no part of a line.
void without_lines(const Network& net, const Function& function, const size_t* bounds, size_t lines, float* scratch,
                   float* out) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  const size_t size = sums_size(net), stride = padded(net.hidden);
  float* floats = arena.take((2 * lines + 1) * size);
  const auto before = [&](size_t line) { return Sums(net, floats + 2 * line * size); };
  const auto inside = [&](size_t line) { return Sums(net, floats + (2 * line + 1) * size); };
  const Sums running(last);
  attend_tokens(net, function, 0, 1, last);
  attend_tokens(net, function, 1, bounds[0], last);
  attend_tokens(net, function, bounds[lines], function.tokens, last);
  for (size_t i = 0; i < lines; ++i) {
    copy_sums(net, running, before(i));
    clear_sums(net, running);
    attend_tokens(net, function, bounds[i], bounds[i + 1], last);
    copy_sums(net, running, inside(i));
    add_sums(net, before(i), running);
  }
  finish_last_layer(net, last, out);
  const Sums after(net, floats + 2 * lines * size);
  clear_sums(net, after);
  for (size_t i = lines; i-- > 0;) {
    copy_sums(net, before(i), running);
    add_sums(net, after, running);
    finish_last_layer(net, last, out + (i + 1) * stride);
    add_sums(net, inside(i), after);
  }
}

}  // namespace
}  // namespace codewren
