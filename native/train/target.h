// Forward and backward of `first_token.h`, written once and compiled once per instruction set, as kernel/target.h is.
#include "kernel/math.h"
#include "train/first_token.h"

namespace codewren::train {
namespace {

#if !defined(__GNUC__)
#define CODEWREN_BITWISE(OP)                                               \
  inline Bits operator OP(Bits a, const Bits& b) {                         \
    for (size_t l = 0; l < lanes; ++l) a.lane[l] = a.lane[l] OP b.lane[l]; \
    return a;                                                              \
  }
CODEWREN_BITWISE(-)
CODEWREN_BITWISE(^)
CODEWREN_BITWISE(|)
CODEWREN_BITWISE(&)
#undef CODEWREN_BITWISE
inline Bits operator>>(Bits a, int shift) {
  for (size_t l = 0; l < lanes; ++l) a.lane[l] >>= shift;
  return a;
}
#endif

inline Bits all(uint32_t word) {
  uint32_t words[lanes];
  for (size_t l = 0; l < lanes; ++l) words[l] = word;
  Bits bits;
  memcpy(&bits, words, sizeof bits);
  return bits;
}

// xoshiro128++ sixteen times side by side, whatever the width of a register: the same draws on every machine.
struct Draws {
  static constexpr size_t count = 16, registers = count / lanes;
  Bits a[registers], b[registers], c[registers], d[registers];

  explicit Draws(uint64_t seed) {
    uint32_t words[4][count];
    for (size_t l = 0; l < count; ++l)
      for (size_t i = 0; i < 4; i += 2) {
        const uint64_t word = mixed(seed += 0x9E3779B97F4A7C15u);
        words[i][l] = uint32_t(word), words[i + 1][l] = uint32_t(word >> 32);
      }
    memcpy(a, words[0], sizeof a), memcpy(b, words[1], sizeof b);
    memcpy(c, words[2], sizeof c), memcpy(d, words[3], sizeof d);
  }

  void next(Bits* found) {
    for (size_t r = 0; r < registers; ++r) {
      const Bits sum = a[r] + d[r], shifted = b[r] << 9;
      found[r] = ((sum << 7) | (sum >> 25)) + a[r];
      const Bits third = c[r] ^ a[r], fourth = d[r] ^ b[r];
      b[r] = b[r] ^ third;
      a[r] = a[r] ^ fourth;
      c[r] = third ^ shifted;
      d[r] = (fourth << 11) | (fourth >> 21);
    }
  }

  static uint64_t mixed(uint64_t word) {  // splitmix64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
  }
};

constexpr uint64_t weight_stream = 0xA5A5A5A55A5A5A5Au;

// A register of numbers scaled, or 0 where the draw of 16 bits is below the limit.
inline void keep(Bits draw, Bits limit, Vec scale, float* numbers) {
  const Bits mask = ((draw - limit) >> 31) - all(1);
  store(numbers, same_bits<Vec>(same_bits<Bits>(load(numbers) * scale) & mask));
}

// Dropout; size is a multiple of `Draws::count`. Each number drawn serves two rows of so many.
void drop(Draws& draws, uint32_t limit, float scale, size_t size, float* numbers) {
  const Bits limits = all(limit), half = all(0xFFFF);
  const Vec scales = broadcast(scale);
  Bits found[Draws::registers];
  for (size_t k = 0; k < size; k += 2 * Draws::count) {
    draws.next(found);
    for (size_t r = 0; r < Draws::registers; ++r) keep(found[r] >> 16, limits, scales, numbers + k + r * lanes);
    if (k + Draws::count == size) return;
    for (size_t r = 0; r < Draws::registers; ++r)
      keep(found[r] & half, limits, scales, numbers + k + Draws::count + r * lanes);
  }
}

struct Scratch {
  size_t stride, heads;  // padded
  float *normal, *rows, *gradient, *inverse, *scores, *weights, *left, *right, *columns, *spare;
  float *gain, *shift, *gain_gradient, *shift_gradient;
  Scratch(size_t hidden, size_t head_count, size_t tokens, Arena& arena)
      : stride(padded(hidden)),
        heads(padded(head_count)),
        normal(arena.take(tokens * stride)),
        rows(arena.take(tokens * stride)),
        gradient(arena.take(tokens * stride)),
        inverse(arena.take(tokens)),
        scores(arena.take(tokens * heads)),
        weights(arena.take(tokens * heads)),
        left(arena.take(tokens * 2 * head_count)),
        right(arena.take(2 * head_count * stride)),
        columns(arena.take(2 * heads)),
        spare(arena.take(stride * heads)),
        gain(arena.take(stride)),
        shift(arena.take(stride)),
        gain_gradient(arena.take(stride)),
        shift_gradient(arena.take(stride)) {}
};

size_t scratch_floats(size_t hidden, size_t heads, size_t tokens) {
  Arena arena{nullptr};
  Scratch scratch(hidden, heads, tokens, arena);
  return arena.used;
}

// rows (count, padded H) from rows (count, H)
void pad_rows(size_t count, size_t size, const float* narrow, size_t stride, float* rows) {
  for (size_t i = 0; i < count; ++i)
    for (size_t k = 0; k < stride; ++k) rows[i * stride + k] = k < size ? narrow[i * size + k] : 0.0f;
}

// One over the deviation of a padded row, and its mean.
float inverse_deviation(const float* row, size_t size, size_t stride, float* mean) {
  *mean = sum(row, stride) / float(size);
  const Vec centre = broadcast(*mean);
  Vec squares = broadcast(0.0f);
  for (size_t k = 0; k < stride; k += lanes) {
    const Vec centred = load(row + k) - centre;
    squares = squares + centred * centred;
  }
  const float padding = float(stride - size) * *mean * *mean;  // what the zeros beyond `size` have added
  return 1.0f / sqrtf((sum_lanes(squares) - padding) / float(size) + norm_epsilon);
}

// normal (count, stride): the normalised embeddings of the first tokens; inverse: one over their deviations;
// rows: gain, shift and dropout applied. Beyond H normal holds anything, rows hold zeros.
void embed(const Encoder& net, const Function& function, size_t count, Scratch& s) {
  const size_t size = net.hidden;
  Draws draws(function.seed);
  pad_rows(1, size, net.gain, s.stride, s.gain);
  pad_rows(1, size, net.shift, s.stride, s.shift);
  for (size_t t = 0; t < count; ++t) {
    float* __restrict normal = s.normal + t * s.stride;
    float* __restrict row = s.rows + t * s.stride;
    const float* word = net.word + size_t(function.ids[t]) * size;
    const float* position = net.position + net.row_of(t) * size;
    for (size_t k = 0; k < size; ++k) normal[k] = word[k] + position[k];
    for (size_t k = size; k < s.stride; ++k) normal[k] = 0;
    float mean;
    const float inverse = s.inverse[t] = inverse_deviation(normal, size, s.stride, &mean);
    const Vec centre = broadcast(mean), scale = broadcast(inverse);
    for (size_t k = 0; k < s.stride; k += lanes) {
      const Vec normalised = (load(normal + k) - centre) * scale;
      store(normal + k, normalised);
      store(row + k, normalised * load(s.gain + k) + load(s.shift + k));
    }
    if (net.hidden_limit) drop(draws, net.hidden_limit, net.hidden_scale, s.stride, row);
  }
}

// Adds what the gradients of the first rows (count, stride) are to the tables; s holds what `embed` left.
void embed_backward(const Encoder& net, const Function& function, size_t count, const TableGradients& out, Scratch& s) {
  const size_t size = net.hidden;
  Draws draws(function.seed);
  for (size_t k = 0; k < s.stride; ++k) s.gain_gradient[k] = s.shift_gradient[k] = 0;
  for (size_t t = 0; t < count; ++t) {
    const float* normal = s.normal + t * s.stride;
    float* gradient = s.gradient + t * s.stride;
    if (net.hidden_limit) drop(draws, net.hidden_limit, net.hidden_scale, s.stride, gradient);
    Vec total = broadcast(0.0f), along = broadcast(0.0f);
    for (size_t k = 0; k < s.stride; k += lanes) {
      const Vec outer = load(gradient + k), normalised = load(normal + k);
      store(s.gain_gradient + k, load(s.gain_gradient + k) + outer * normalised);
      store(s.shift_gradient + k, load(s.shift_gradient + k) + outer);
      const Vec inner = outer * load(s.gain + k);  // zero beyond H, as the gain is
      store(gradient + k, inner);
      total = total + inner;
      along = along + inner * normalised;
    }
    const float mean = sum_lanes(total) / float(size), slope = sum_lanes(along) / float(size);
    const float inverse = s.inverse[t];
    float* __restrict word = out.word + size_t(function.ids[t]) * size;
    float* __restrict position = out.position + net.row_of(t) * size;
    for (size_t k = 0; k < size; ++k) {
      const float input = (gradient[k] - mean - normal[k] * slope) * inverse;
      word[k] += input;
      position[k] += input;
    }
  }
  for (size_t k = 0; k < size; ++k) {
    out.gain[k] += s.gain_gradient[k];
    out.shift[k] += s.shift_gradient[k];
  }
}

void transpose(size_t count, size_t size, const float* rows, size_t stride, float* columns) {
  for (size_t k = 0; k < size; ++k)
    for (size_t i = 0; i < stride; ++i) columns[k * stride + i] = i < count ? rows[i * size + k] : 0.0f;
}

void cut_rows(size_t count, size_t size, const float* rows, size_t stride, float* narrow) {
  for (size_t i = 0; i < count; ++i) memcpy(narrow + i * size, rows + i * stride, size * sizeof(float));
}

// Dropout of weights (T, padded A), by the same draws as often as it is asked.
void drop_weights(const Encoder& net, const Function& function, Scratch& s, float* numbers) {
  if (!net.weight_limit) return;
  Draws draws(function.seed ^ weight_stream);
  for (size_t t = 0; t < function.tokens; ++t)
    drop(draws, net.weight_limit, net.weight_scale, s.heads, numbers + t * s.heads);
}

void first_row(const Encoder& net, const Function& function, float* memory, float* row) {
  Arena arena{memory};
  Scratch s(net.hidden, net.heads, 1, arena);
  embed(net, function, 1, s);
  memcpy(row, s.rows, net.hidden * sizeof(float));
}

// Adds row by row: total[a] += numbers[t][a]
void add_rows(size_t tokens, size_t heads, const float* numbers, float* __restrict total) {
  for (size_t a = 0; a < heads; ++a) total[a] = 0;
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) total[a] += numbers[t * heads + a];
}

// scores (T, padded A) become their softmax over the tokens, head by head.
void softmax_columns(const Encoder& net, size_t tokens, const Attention& attention, Scratch& s) {
  const size_t heads = s.heads;
  float* __restrict scores = s.scores;
  if (attention.extra)
    for (size_t a = 0; a < net.heads; ++a)
      for (size_t t = 0; t < tokens; ++t) scores[t * heads + a] += attention.extra[a * attention.extra_stride + t];
  float* __restrict largest = s.columns;
  float* __restrict total = s.columns + heads;
  for (size_t a = 0; a < heads; ++a) largest[a] = lowest;
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) {
      const float score = scores[t * heads + a] *= net.score_scale;
      largest[a] = largest[a] > score ? largest[a] : score;
    }
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) scores[t * heads + a] = exp_(scores[t * heads + a] - largest[a]);
  add_rows(tokens, heads, scores, total);
  for (size_t a = 0; a < heads; ++a) total[a] = 1.0f / total[a];
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) scores[t * heads + a] *= total[a];
  cut_rows(tokens, net.heads, scores, heads, attention.weights);
}

void attend(const Encoder& net, const Function& function, const Attention& attention, float* memory) {
  Arena arena{memory};
  const size_t tokens = function.tokens;
  Scratch s(net.hidden, net.heads, tokens, arena);
  embed(net, function, tokens, s);
  transpose(net.heads, net.hidden, attention.query_key, s.heads, s.spare);
  multiply<true>(tokens, s.heads, net.hidden, {s.rows, s.stride, 1}, s.spare, s.heads, s.scores, s.heads);
  softmax_columns(net, tokens, attention, s);
  drop_weights(net, function, s, s.scores);
  add_rows(tokens, s.heads, s.scores, s.columns);
  memcpy(attention.sums, s.columns, net.heads * sizeof(float));
  multiply<true>(net.heads, s.stride, tokens, {s.scores, 1, s.heads}, s.rows, s.stride, s.right, s.stride);
  cut_rows(net.heads, net.hidden, s.right, s.stride, attention.mix);
}

// left (T, 2A): weights after dropout, and the gradients of the scores before their scale; `scores` hold the gradients
// of the weights after dropout, but for those of their sums.
void scores_backward(const Encoder& net, const Function& function, const Attention& attention,
                     const AttentionGradients& gradients, Scratch& s) {
  const size_t tokens = function.tokens, heads = s.heads, row = 2 * net.heads;
  float* __restrict scores = s.scores;
  float* __restrict weights = s.weights;
  float* __restrict expected = s.columns;
  pad_rows(1, net.heads, gradients.sums, heads, s.columns + heads);
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) scores[t * heads + a] += s.columns[heads + a];
  drop_weights(net, function, s, scores);
  pad_rows(tokens, net.heads, attention.weights, heads, weights);
  for (size_t a = 0; a < heads; ++a) expected[a] = 0;
  for (size_t t = 0; t < tokens; ++t)
    for (size_t a = 0; a < heads; ++a) expected[a] += weights[t * heads + a] * scores[t * heads + a];
  for (size_t t = 0; t < tokens; ++t) {
    for (size_t a = 0; a < heads; ++a)
      scores[t * heads + a] = weights[t * heads + a] * (scores[t * heads + a] - expected[a]) * net.score_scale;
    memcpy(s.left + t * row + net.heads, scores + t * heads, net.heads * sizeof(float));
  }
  if (gradients.extra)
    for (size_t a = 0; a < net.heads; ++a)
      for (size_t t = 0; t < tokens; ++t) gradients.extra[a * attention.extra_stride + t] = scores[t * heads + a];
  drop_weights(net, function, s, weights);
  for (size_t t = 0; t < tokens; ++t) memcpy(s.left + t * row, weights + t * heads, net.heads * sizeof(float));
}

void attend_backward(const Encoder& net, const Function& function, const Attention& attention,
                     const AttentionGradients& gradients, const TableGradients& out, float* memory) {
  Arena arena{memory};
  const size_t tokens = function.tokens, heads = net.heads, row = 2 * heads;
  Scratch s(net.hidden, heads, tokens, arena);
  embed(net, function, tokens, s);
  transpose(heads, net.hidden, gradients.mix, s.heads, s.spare);
  multiply<true>(tokens, s.heads, net.hidden, {s.rows, s.stride, 1}, s.spare, s.heads, s.scores, s.heads);
  scores_backward(net, function, attention, gradients, s);
  multiply<true>(heads, s.stride, tokens, {s.left + heads, 1, row}, s.rows, s.stride, s.right, s.stride);
  cut_rows(heads, net.hidden, s.right, s.stride, gradients.query_key);
  pad_rows(heads, net.hidden, gradients.mix, s.stride, s.right);
  pad_rows(heads, net.hidden, attention.query_key, s.stride, s.right + heads * s.stride);
  multiply<true>(tokens, s.stride, row, {s.left, row, 1}, s.right, s.stride, s.gradient, s.stride);
  embed_backward(net, function, tokens, out, s);
}

void first_row_backward(const Encoder& net, const Function& function, const float* gradient, const TableGradients& out,
                        float* memory) {
  Arena arena{memory};
  Scratch s(net.hidden, net.heads, 1, arena);
  embed(net, function, 1, s);
  pad_rows(1, net.hidden, gradient, s.stride, s.gradient);
  embed_backward(net, function, 1, out, s);
}

constexpr TrainingKernels kernels = {CODEWREN_NAME, scratch_floats,  first_row,
                                     attend,        attend_backward, first_row_backward};

}  // namespace

const TrainingKernels& CODEWREN_TARGET() { return kernels; }

}  // namespace codewren::train
