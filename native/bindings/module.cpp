// Python module of the native core.
#include "bindings/bindings.h"

NB_MODULE(_native, m) {
  m.doc() = "codewren's native core";
  bind_tokenizer(m);
  bind_model(m);
  bind_lexer(m);
  bind_similarity(m);
  bind_word_bags(m);
  bind_hint(m);
  bind_training(m);
}
