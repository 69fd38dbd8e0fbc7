#include "bindings.h"
#include "tokenizer.h"

void bind_tokenizer(nanobind::module_&) {}
