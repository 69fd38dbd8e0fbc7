// The student's forward pass, written once and compiled once per instruction set.
//
// The including file defines CODEWREN_LANES (floats in a register), CODEWREN_ROWS (rows of a block of accumulators
// that fit in the registers) and CODEWREN_TARGET. Everything here has internal linkage.
//
// Shape letters: T tokens, H hidden, D head size, I intermediate, R = 2 registers of floats. A panel holds R tokens
// as (H, R): one token per lane, so that softmax and LayerNorm need no sum across lanes and any D fills the lanes.
#include <math.h>

#include "kernel_network.h"
#include "kernel_vec.h"

namespace codewren {
namespace {

constexpr size_t panel = 2 * lanes;
constexpr size_t key_block = 4096 / panel;  // their scores against a panel of queries take 16 KB, a part of the L1 cache
constexpr float lowest = -3e38f;
constexpr float norm_epsilon = 1e-5f;
static_assert(row_multiple % lanes == 0 && distance_padding >= panel);

// Where a matrix lies: element (i, j) at data[i * row + j * column].
struct Strided {
  const float* data;
  size_t row, column;
};

template <size_t rows, size_t registers, bool fresh>
void multiply_block(Strided a, size_t depth, const float* b, size_t b_row, float* c, size_t c_row) {
  Vec sum[rows][registers];
#pragma GCC unroll 16
  for (size_t i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) sum[i][r] = fresh ? broadcast(0.0f) : load(c + i * c_row + r * lanes);
  for (size_t k = 0; k < depth; ++k) {
    Vec b_k[registers];
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) b_k[r] = load(b + k * b_row + r * lanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < rows; ++i) {
      const Vec a_ik = broadcast(a.data[i * a.row + k * a.column]);
#pragma GCC unroll 2
      for (size_t r = 0; r < registers; ++r) sum[i][r] = sum[i][r] + a_ik * b_k[r];
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (size_t r = 0; r < registers; ++r) store(c + i * c_row + r * lanes, sum[i][r]);
}

template <size_t registers, bool fresh>
void multiply_columns(size_t rows, Strided a, size_t depth, const float* b, size_t b_row, float* c, size_t c_row) {
  const auto block = [&]<size_t n>() {
    for (; rows >= n; rows -= n, a.data += n * a.row, c += n * c_row)
      multiply_block<n, registers, fresh>(a, depth, b, b_row, c, c_row);
  };
  block.template operator()<CODEWREN_ROWS>();
  if constexpr (CODEWREN_ROWS > 8) block.template operator()<8>();
  block.template operator()<4>();
  block.template operator()<2>();
  block.template operator()<1>();
}

// c (rows, columns) = or += a (rows, depth) times b (depth, columns); columns is a multiple of a register.
template <bool fresh>
void multiply(size_t rows, size_t columns, size_t depth, Strided a, const float* b, size_t b_row, float* c,
              size_t c_row) {
  size_t j = 0;
  for (; j + panel <= columns; j += panel)
    multiply_columns<2, fresh>(rows, a, depth, b + j, b_row, c + j, c_row);
  for (; j < columns; j += lanes) multiply_columns<1, fresh>(rows, a, depth, b + j, b_row, c + j, c_row);
}

// y (out, panel) = weight x (in, panel) + bias
void linear_panel(const Linear& linear, size_t out, size_t in, const float* x, float* y) {
  for (size_t i = 0; i < out; ++i)
    for (size_t l = 0; l < panel; ++l) y[i * panel + l] = linear.bias[i];
  multiply<false>(out, panel, in, {linear.weight, padded(in), 1}, x, panel, y, panel);
}

float dot(const float* a, const float* b, size_t size) {
  Vec even = broadcast(0.0f), odd = broadcast(0.0f);
  size_t k = 0;
  for (; k + panel <= size; k += panel) {
    even = even + load(a + k) * load(b + k);
    odd = odd + load(a + k + lanes) * load(b + k + lanes);
  }
  for (; k < size; k += lanes) even = even + load(a + k) * load(b + k);
  return sum_lanes(even + odd);
}

float sum(const float* a, size_t size) {
  Vec even = broadcast(0.0f), odd = broadcast(0.0f);
  size_t k = 0;
  for (; k + panel <= size; k += panel) {
    even = even + load(a + k);
    odd = odd + load(a + k + lanes);
  }
  for (; k < size; k += lanes) even = even + load(a + k);
  return sum_lanes(even + odd);
}

// y (padded out) = weight x + bias, for one vector; the padding of y is zero.
void linear_vector(const Linear& linear, size_t out, size_t in, const float* x, float* y) {
  const size_t stride = padded(in);
  for (size_t i = 0; i < out; ++i) y[i] = dot(linear.weight + i * stride, x, stride);
  if (linear.bias)
    for (size_t i = 0; i < out; ++i) y[i] += linear.bias[i];
  for (size_t i = out; i < padded(out); ++i) y[i] = 0;
}

// LayerNorm of one row of padded(size) numbers, zeros beyond `size` before and after.
void norm_vector(const Norm& norm, size_t size, float* x) {
  const float mean = sum(x, padded(size)) / float(size);
  for (size_t k = 0; k < size; ++k) x[k] -= mean;
  const float inverse = 1.0f / sqrtf(dot(x, x, padded(size)) / float(size) + norm_epsilon);
  for (size_t k = 0; k < padded(size); ++k) x[k] = x[k] * inverse * norm.gain[k] + norm.bias[k];
}

// LayerNorm of every column of x (size, panel), after adding `other`.
void add_norm_panel(const Norm& norm, size_t size, const float* other, float* x) {
  float mean[panel] = {}, inverse[panel] = {};
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l) {
      x[k * panel + l] += other[k * panel + l];
      mean[l] += x[k * panel + l];
    }
  for (size_t l = 0; l < panel; ++l) mean[l] /= float(size);
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l) {
      const float centred = x[k * panel + l] - mean[l];
      inverse[l] += centred * centred;
    }
  for (size_t l = 0; l < panel; ++l) inverse[l] = 1.0f / sqrtf(inverse[l] / float(size) + norm_epsilon);
  for (size_t k = 0; k < size; ++k)
    for (size_t l = 0; l < panel; ++l)
      x[k * panel + l] = (x[k * panel + l] - mean[l]) * inverse[l] * norm.gain[k] + norm.bias[k];
}

void activate(Activation kind, size_t size, float* x) {
  switch (kind) {
    case Activation::gelu:
      for (size_t k = 0; k < size; ++k) x[k] = gelu_(x[k]);
      break;
    case Activation::relu:
      for (size_t k = 0; k < size; ++k) x[k] = x[k] > 0 ? x[k] : 0;
      break;
    case Activation::silu:
      for (size_t k = 0; k < size; ++k) x[k] *= sigmoid_(x[k]);
      break;
    case Activation::gelu_new:
      for (size_t k = 0; k < size; ++k) x[k] = gelu_new_(x[k]);
      break;
  }
}

// row = stored row `id` + other
void add_stored_row(const StoredRows& table, size_t size, size_t id, const float* other, float* __restrict row) {
  switch (table.dtype) {
    case Dtype::int8: {
      const int8_t* numbers = static_cast<const int8_t*>(table.numbers) + id * size;
      const float scale = half_to_float(table.scales[id]);
      for (size_t k = 0; k < size; ++k) row[k] = float(numbers[k]) * scale + other[k];
      break;
    }
    case Dtype::fp16: {
      const uint16_t* numbers = static_cast<const uint16_t*>(table.numbers) + id * size;
      for (size_t k = 0; k < size; ++k) row[k] = half_to_float(numbers[k]) + other[k];
      break;
    }
    case Dtype::fp32: {
      const float* numbers = static_cast<const float*>(table.numbers) + id * size;
      for (size_t k = 0; k < size; ++k) row[k] = numbers[k] + other[k];
      break;
    }
  }
}

// Normalised embeddings of tokens [begin, begin + count) as rows of padded(H).
void embed(const Network& net, const int32_t* ids, size_t begin, size_t count, float* rows) {
  const size_t stride = padded(net.hidden);
  for (size_t t = 0; t < count; ++t) {
    float* row = rows + t * stride;
    for (size_t k = net.hidden; k < stride; ++k) row[k] = 0;
    add_stored_row(net.word, net.hidden, size_t(ids[begin + t]), net.position + (begin + t) * net.position_stride, row);
    norm_vector(net.embedding_norm, net.hidden, row);
  }
}

void rows_to_panel(size_t hidden, size_t count, const float* rows, float* x) {
  const size_t stride = padded(hidden);
  for (size_t k = 0; k < hidden; ++k) {
    for (size_t t = 0; t < count; ++t) x[k * panel + t] = rows[t * stride + k];
    for (size_t t = count; t < panel; ++t) x[k * panel + t] = 0;
  }
}

void panel_to_rows(size_t hidden, size_t count, const float* x, float* rows) {
  const size_t stride = padded(hidden);
  for (size_t t = 0; t < count; ++t) {
    for (size_t k = 0; k < hidden; ++k) rows[t * stride + k] = x[k * panel + t];
    for (size_t k = hidden; k < stride; ++k) rows[t * stride + k] = 0;
  }
}

size_t min_(size_t a, size_t b) { return a < b ? a : b; }

// Hands out parts of the scratch memory; without memory it only counts.
struct Arena {
  float* base;
  size_t used = 0;
  float* take(size_t floats) {
    float* start = base ? base + used : nullptr;
    used += padded(floats);
    return start;
  }
};

// ---- all layers but the last -------------------------------------------------------------------------------------

struct LayerScratch {
  float *keys, *values, *query, *scores, *context, *attended, *inner;
  LayerScratch(const Network& net, size_t panels, Arena& arena)
      : keys(arena.take(panels * net.hidden * panel)),
        values(arena.take(panels * net.hidden * panel)),
        query(arena.take(net.hidden * panel)),
        scores(arena.take(key_block * panel)),
        context(arena.take(net.hidden * panel)),
        attended(arena.take(net.hidden * panel)),
        inner(arena.take(net.inner * panel)) {}
};

// scores (count, panel): row t, lane l += (q_l [+ k_t]) . E(first + l - begin - t), all divided by sqrt(D); `keys` are
// those of the panel that starts at `begin`
void add_relative(const Network& net, const Layer& layer, size_t first, size_t begin, size_t count,
                  const float* query, const float* keys, float* scores) {
  const bool with_keys = net.positions == Positions::relative_key_query;
  const size_t depth = net.head_size();
  const float scale = 1.0f / sqrtf(float(depth));
  for (size_t t = 0; t < count; ++t) {
    const float* key = keys + t / panel * net.hidden * panel + t % panel;
    const float* distance = layer.distance + (first + net.max_length - 1 - begin - t);
    Vec low = load(scores + t * panel), high = load(scores + t * panel + lanes);
    for (size_t d = 0; d < depth; ++d) {
      const float* e = distance + d * layer.distance_stride;
      const Vec k = broadcast(with_keys ? key[d * panel] * scale : 0.0f);
      low = low + (load(query + d * panel) + k) * load(e);
      high = high + (load(query + d * panel + lanes) + k) * load(e + lanes);
    }
    store(scores + t * panel, low);
    store(scores + t * panel + lanes, high);
  }
}

// The running softmax of one panel of queries: adds a block of scores (count, panel), which become e^(score - largest),
// and rescales what was summed so far.
struct Softmax {
  float largest[panel], sums[panel];

  void add(size_t count, size_t depth, float* scores, float* context) {
    for (size_t half = 0; half < panel; half += lanes) {
      const Vec before = load(largest + half);
      Vec top = before;
      for (size_t t = 0; t < count; ++t) top = larger(load(scores + t * panel + half), top);
      const Vec keep = exp_not_positive(before - top);
      Vec sum = load(sums + half) * keep;
      for (size_t t = 0; t < count; ++t) {
        const Vec power = exp_not_positive(load(scores + t * panel + half) - top);
        store(scores + t * panel + half, power);
        sum = sum + power;
      }
      for (size_t d = 0; d < depth; ++d)
        store(context + d * panel + half, load(context + d * panel + half) * keep);
      store(largest + half, top);
      store(sums + half, sum);
    }
  }
};

// context (D, panel) of one head, for the queries of one panel
void attend_head(const Network& net, const Layer& layer, size_t head, size_t first, size_t tokens,
                 const LayerScratch& s) {
  const size_t depth = net.head_size(), offset = head * depth * panel, stride = net.hidden * panel;
  float* context = s.context + offset;
  Softmax softmax;
  for (size_t l = 0; l < panel; ++l) softmax.largest[l] = lowest, softmax.sums[l] = 0;
  for (size_t k = 0; k < depth * panel; ++k) context[k] = 0;
  for (size_t begin = 0; begin < tokens; begin += key_block) {
    const size_t count = min_(key_block, tokens - begin);
    const float *keys = s.keys + begin / panel * stride + offset, *values = s.values + begin / panel * stride + offset;
    for (size_t t = 0; t < count; t += panel)
      multiply<true>(min_(panel, count - t), panel, depth, {keys + t / panel * stride, 1, panel}, s.query + offset,
                     panel, s.scores + t * panel, panel);
    if (layer.distance) add_relative(net, layer, first, begin, count, s.query + offset, keys, s.scores);
    softmax.add(count, depth, s.scores, context);
    for (size_t t = 0; t < count; t += panel)
      multiply<false>(depth, panel, min_(panel, count - t), {values + t / panel * stride, panel, 1},
                      s.scores + t * panel, panel, context, panel);
  }
  for (size_t l = 0; l < panel; ++l) softmax.sums[l] = 1.0f / softmax.sums[l];
  for (size_t d = 0; d < depth; ++d)
    for (size_t l = 0; l < panel; ++l) context[d * panel + l] *= softmax.sums[l];
}

void full_layer(const Network& net, const Layer& layer, size_t tokens, float* x, const LayerScratch& s) {
  const size_t hidden = net.hidden, stride = hidden * panel;
  const float scale = 1.0f / sqrtf(float(net.head_size()));
  for (size_t t = 0, at = 0; t < tokens; t += panel, at += stride) {
    linear_panel(layer.key, hidden, hidden, x + at, s.keys + at);
    linear_panel(layer.value, hidden, hidden, x + at, s.values + at);
  }
  for (size_t t = 0; t < tokens; t += panel, x += stride) {
    linear_panel(layer.query, hidden, hidden, x, s.query);
    for (size_t k = 0; k < stride; ++k) s.query[k] *= scale;
    for (size_t head = 0; head < net.heads; ++head) attend_head(net, layer, head, t, tokens, s);
    linear_panel(layer.output, hidden, hidden, s.context, s.attended);
    add_norm_panel(layer.attention_norm, hidden, x, s.attended);
    linear_panel(layer.intermediate, net.inner, hidden, s.attended, s.inner);
    activate(net.activation, net.inner * panel, s.inner);
    linear_panel(layer.output_dense, hidden, net.inner, s.inner, x);
    add_norm_panel(layer.norm, hidden, s.attended, x);
  }
}

// ---- the last layer, of which only the first token's vector is needed --------------------------------------------
//
// With one query q, q . (W_k x) = (W_k' q) . x and sum a (W_v x) = W_v (sum a x), so neither keys nor values exist:
// each block of rows gives scores against u = W_k' q and is added up with the softmax weights (online softmax).
// q . b_k is the same for every token and drops out.

struct LastScratch {
  float *rows, *query, *attention, *scores, *largest, *sums, *weighted, *first, *context, *attended, *inner;
  float *keys_in, *keys;  // relative_key_query only: k . E needs the keys themselves
  size_t heads;           // padded
  LastScratch(const Network& net, Arena& arena)
      : rows(arena.take(panel * padded(net.hidden))),
        query(arena.take(padded(net.hidden))),
        attention(arena.take(padded(net.hidden) * padded(net.heads))),
        scores(arena.take(panel * padded(net.heads))),
        largest(arena.take(padded(net.heads))),
        sums(arena.take(padded(net.heads))),
        weighted(arena.take(net.heads * padded(net.hidden))),
        first(arena.take(padded(net.hidden))),
        context(arena.take(padded(net.hidden))),
        attended(arena.take(padded(net.hidden))),
        inner(arena.take(padded(net.inner))),
        keys_in(arena.take(net.positions == Positions::relative_key_query ? net.hidden * panel : 0)),
        keys(arena.take(net.positions == Positions::relative_key_query ? net.hidden * panel : 0)),
        heads(padded(net.heads)) {}
};

// query (H) / sqrt(D), and attention (H, padded heads): column h is what head h takes the dot product of a row with
void ask(const Network& net, const float* first, float* query, float* attention) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size(), stride = padded(net.hidden), heads = padded(net.heads);
  const float scale = 1.0f / sqrtf(float(depth));
  linear_vector(layer.query, net.hidden, net.hidden, first, query);
  for (size_t k = 0; k < net.hidden; ++k) query[k] *= scale;
  for (size_t k = 0; k < stride * heads; ++k) attention[k] = 0;
  for (size_t i = 0; i < net.hidden; ++i) {
    const float* key = layer.key.weight + i * stride;
    float* column = attention + i / depth;
    for (size_t k = 0; k < net.hidden; ++k) column[k * heads] += query[i] * key[k];
  }
}

// scores (count, heads) for relative_key: + q . E(t); for relative_key_query: q . k + (q + k) . E(t) in full
void relate_first(const Network& net, size_t begin, size_t count, const float* query, LastScratch& s) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size();
  const bool with_keys = net.positions == Positions::relative_key_query;
  const float scale = 1.0f / sqrtf(float(depth));
  if (with_keys) {
    rows_to_panel(net.hidden, count, s.rows, s.keys_in);
    linear_panel(layer.key, net.hidden, net.hidden, s.keys_in, s.keys);
  }
  for (size_t head = 0; head < net.heads; ++head) {
    float score[panel] = {};
    for (size_t d = 0; d < depth; ++d) {
      const float q = query[head * depth + d];
      const float* e = layer.distance + d * layer.distance_stride + begin;
      const float* key = s.keys + (head * depth + d) * panel;
      for (size_t l = 0; l < panel; ++l) score[l] += with_keys ? q * key[l] + (q + scale * key[l]) * e[l] : q * e[l];
    }
    for (size_t t = 0; t < count; ++t) {
      float& known = s.scores[t * s.heads + head];
      known = with_keys ? score[t] : known + score[t];
    }
  }
}

// Adds one block of rows to the running softmax of every head.
void accumulate(const Network& net, size_t count, LastScratch& s) {
  const size_t stride = padded(net.hidden);
  for (size_t h = 0; h < s.heads; ++h) {
    float largest = s.largest[h];
    for (size_t t = 0; t < count; ++t) {
      const float score = s.scores[t * s.heads + h];
      largest = largest > score ? largest : score;
    }
    const float keep = exp_(s.largest[h] - largest);
    s.largest[h] = largest;
    s.sums[h] *= keep;
    if (keep != 1.0f && h < net.heads)
      for (size_t k = 0; k < stride; ++k) s.weighted[h * stride + k] *= keep;
  }
  for (size_t t = 0; t < count; ++t)
    for (size_t h = 0; h < s.heads; ++h) {
      const float e = exp_(s.scores[t * s.heads + h] - s.largest[h]);
      s.scores[t * s.heads + h] = e;
      s.sums[h] += e;
    }
  multiply<false>(net.heads, stride, count, {s.scores, 1, s.heads}, s.rows, stride, s.weighted, stride);
}

// out = the last layer's first vector, from the weighted sums of all heads and the first row
void finish(const Network& net, LastScratch& s, float* out) {
  const Layer& layer = net.layer[net.layers - 1];
  const size_t depth = net.head_size(), stride = padded(net.hidden);
  for (size_t i = 0; i < net.hidden; ++i) {
    const size_t head = i / depth;
    s.context[i] = dot(layer.value.weight + i * stride, s.weighted + head * stride, stride) / s.sums[head] +
                   layer.value.bias[i];
  }
  for (size_t i = net.hidden; i < stride; ++i) s.context[i] = 0;
  linear_vector(layer.output, net.hidden, net.hidden, s.context, s.attended);
  for (size_t k = 0; k < stride; ++k) s.attended[k] += s.first[k];
  norm_vector(layer.attention_norm, net.hidden, s.attended);
  linear_vector(layer.intermediate, net.inner, net.hidden, s.attended, s.inner);
  activate(net.activation, net.inner, s.inner);
  linear_vector(layer.output_dense, net.hidden, net.inner, s.inner, out);
  for (size_t k = 0; k < stride; ++k) out[k] += s.attended[k];
  norm_vector(layer.norm, net.hidden, out);
}

// One block of normalised rows, the first of which starts the function where begin is 0.
void take_block(const Network& net, size_t begin, size_t count, bool known_question, LastScratch& s) {
  const size_t stride = padded(net.hidden);
  const float* query = known_question ? net.first_query : s.query;
  const float* attention = known_question ? net.first_attention : s.attention;
  if (begin == 0) {
    memcpy(s.first, s.rows, stride * sizeof(float));
    if (!known_question) ask(net, s.first, s.query, s.attention);
    for (size_t h = 0; h < s.heads; ++h) s.largest[h] = lowest, s.sums[h] = 0;
    for (size_t k = 0; k < net.heads * stride; ++k) s.weighted[k] = 0;
  }
  multiply<true>(count, s.heads, net.hidden, {s.rows, stride, 1}, attention, s.heads, s.scores, s.heads);
  if (net.positions != Positions::absolute) relate_first(net, begin, count, query, s);
  accumulate(net, count, s);
}

// ---- whole functions ---------------------------------------------------------------------------------------------

size_t count_panels(size_t tokens) { return (tokens + panel - 1) / panel; }

size_t encode_scratch(const Network& net, size_t tokens) {
  Arena arena{nullptr};
  LastScratch last(net, arena);
  if (net.layers > 1) {
    arena.take(count_panels(tokens) * net.hidden * panel);
    LayerScratch layer(net, count_panels(tokens), arena);
  }
  return arena.used;
}

void encode(const Network& net, const int32_t* ids, size_t tokens, float* scratch, float* out) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  if (net.layers == 1) {
    const bool known_question = net.first_query && ids[0] == 0;
    for (size_t t = 0; t < tokens; t += panel) {
      const size_t count = min_(panel, tokens - t);
      embed(net, ids, t, count, last.rows);
      take_block(net, t, count, known_question, last);
    }
    return finish(net, last, out);
  }
  const size_t stride = net.hidden * panel;
  float* x = arena.take(count_panels(tokens) * stride);
  const LayerScratch layer(net, count_panels(tokens), arena);
  for (size_t t = 0; t < tokens; t += panel) {
    embed(net, ids, t, min_(panel, tokens - t), last.rows);
    rows_to_panel(net.hidden, min_(panel, tokens - t), last.rows, x + t / panel * stride);
  }
  for (size_t index = 0; index + 1 < net.layers; ++index) full_layer(net, net.layer[index], tokens, x, layer);
  for (size_t t = 0; t < tokens; t += panel) {
    panel_to_rows(net.hidden, min_(panel, tokens - t), x + t / panel * stride, last.rows);
    take_block(net, t, min_(panel, tokens - t), false, last);
  }
  finish(net, last, out);
}

void first_question(const Network& net, int32_t id, float* scratch, float* query, float* attention) {
  Arena arena{scratch};
  LastScratch last(net, arena);
  embed(net, &id, 0, 1, last.rows);
  ask(net, last.rows, query, attention);
}

// ---- the head ----------------------------------------------------------------------------------------------------

void logits(const Network& net, const float* first, const float* second, float* scratch, float* out) {
  const size_t stride = padded(net.hidden);
  Arena arena{scratch};
  float *hidden = arena.take(stride), *other = arena.take(stride), *part = arena.take(2 * stride);
  const float* pooled[2] = {first, second};
  if (net.symmetric) {
    for (size_t k = 0; k < stride; ++k) {
      part[k] = fabsf(first[k] - second[k]);
      part[stride + k] = first[k] * second[k];
    }
    pooled[0] = part;
    pooled[1] = part + stride;
  }
  linear_vector(net.dense[0], net.hidden, net.hidden, pooled[0], hidden);
  if (net.parts == 2) {
    linear_vector(net.dense[1], net.hidden, net.hidden, pooled[1], other);
    for (size_t k = 0; k < stride; ++k) hidden[k] += other[k];
  }
  for (size_t k = 0; k < stride; ++k) hidden[k] = tanh_(hidden[k]);
  for (size_t c = 0; c < net.labels; ++c) out[c] = dot(net.out.weight + c * stride, hidden, stride) + net.out.bias[c];
}

size_t logits_scratch(const Network& net) { return 4 * padded(net.hidden); }

// ---- all pairs of many functions ---------------------------------------------------------------------------------
//
// Columns of a panel are functions. The concat head needs tanh(f_i + g_j) for every pair, both orders; with
// e^2f and e^2g kept per function that is 1 - 2 / (1 + e^2f e^2g): no exponential per pair.

constexpr float largest_exponent = 80.0f;

void put_column(size_t hidden, size_t lane, const float* vector, float* columns) {
  for (size_t k = 0; k < hidden; ++k) columns[k * panel + lane] = vector[k];
}

void prepare_pairs(const Network& net, const float* vectors, size_t functions, float* scratch, PairTable& table) {
  const size_t stride = padded(net.hidden), size = net.hidden * panel;
  table.exponentials = !net.symmetric;
  for (size_t i = 0; i < functions; ++i) {
    float* left = table.left + i / panel * size;
    if (net.symmetric) {
      put_column(net.hidden, i % panel, vectors + i * stride, left);
      continue;
    }
    for (size_t part = 0; part < 2; ++part) {
      linear_vector(net.dense[part], net.hidden, net.hidden, vectors + i * stride, scratch);
      for (size_t k = 0; k < net.hidden; ++k)
        if (fabsf(2 * scratch[k]) > largest_exponent) table.exponentials = false;
      put_column(net.hidden, i % panel, scratch, (part ? table.right : table.left) + i / panel * size);
    }
  }
  if (!table.exponentials) return;
  for (size_t k = 0; k < count_panels(functions) * size; ++k) {
    table.left[k] = exp_(2 * table.left[k]);
    table.right[k] = exp_(2 * table.right[k]);
  }
}

// margin (panel) += weight . tanh(f + g_l) for the functions l of a panel; f lies in a column of its own panel
template <bool exponentials>
void add_margin(size_t hidden, const float* weight, const float* f, const float* g, float* margin) {
  for (size_t k = 0; k < hidden; ++k) {
    const float f_k = f[k * panel];
    for (size_t l = 0; l < panel; ++l) {
      if constexpr (exponentials)
        margin[l] += weight[k] - 2 * weight[k] / (1.0f + f_k * g[k * panel + l]);
      else
        margin[l] += weight[k] * tanh_(f_k + g[k * panel + l]);
    }
  }
}

// hidden (H, panel): the symmetric head before tanh, for one function against a panel; pooled is (2, H, panel)
void symmetric_hidden(const Network& net, const float* a, const float* b, float* pooled, float* hidden) {
  const size_t size = net.hidden * panel, stride = padded(net.hidden);
  for (size_t k = 0; k < net.hidden; ++k)
    for (size_t l = 0; l < panel; ++l) {
      pooled[k * panel + l] = fabsf(a[k * panel] - b[k * panel + l]);
      pooled[size + k * panel + l] = a[k * panel] * b[k * panel + l];
    }
  linear_panel(net.dense[0], net.hidden, net.hidden, pooled, hidden);
  multiply<false>(net.hidden, panel, net.hidden, {net.dense[1].weight, stride, 1}, pooled + size, panel, hidden, panel);
}

// out (panel) = probability of the positive label of function i with each function of panel p, orders averaged
void score_pairs(const Network& net, const PairTable& table, size_t i, size_t p, float* scratch, float* out) {
  const size_t size = net.hidden * panel, stride = padded(net.hidden);
  const float *left_i = table.left + i / panel * size + i % panel, *left_p = table.left + p * size;
  const float *right_i = table.right + i / panel * size + i % panel, *right_p = table.right + p * size;
  float* hidden = scratch + 2 * size;
  float others[2][panel] = {};  // per order, the sum of exp(logit - logit of the positive label)
  if (net.symmetric) symmetric_hidden(net, left_i, left_p, scratch, hidden);
  for (size_t row = 0; row + 1 < net.labels; ++row) {
    const float* weight = table.margin_weight + row * stride;
    float margin[2][panel];
    for (size_t l = 0; l < panel; ++l) margin[0][l] = margin[1][l] = table.margin_bias[row];
    if (net.symmetric) {
      for (size_t k = 0; k < net.hidden; ++k)
        for (size_t l = 0; l < panel; ++l) margin[0][l] += weight[k] * tanh_(hidden[k * panel + l]);
      memcpy(margin[1], margin[0], sizeof margin[0]);
    } else if (table.exponentials) {
      add_margin<true>(net.hidden, weight, left_i, right_p, margin[0]);
      add_margin<true>(net.hidden, weight, right_i, left_p, margin[1]);
    } else {
      add_margin<false>(net.hidden, weight, left_i, right_p, margin[0]);
      add_margin<false>(net.hidden, weight, right_i, left_p, margin[1]);
    }
    for (size_t order = 0; order < 2; ++order)
      for (size_t l = 0; l < panel; ++l) others[order][l] += exp_(margin[order][l] * table.inverse_temperature);
  }
  for (size_t l = 0; l < panel; ++l) out[l] = 0.5f / (1.0f + others[0][l]) + 0.5f / (1.0f + others[1][l]);
}

size_t pairs_scratch(const Network& net) { return 3 * net.hidden * panel + padded(net.hidden); }

constexpr Kernels table = {CODEWREN_NAME, panel,  encode_scratch, encode,        first_question,
                           logits_scratch, logits, pairs_scratch,  prepare_pairs, score_pairs};

}  // namespace

const Kernels& CODEWREN_TARGET() { return table; }

}  // namespace codewren
