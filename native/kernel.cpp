#include "bindings.h"

void bind_kernel(nanobind::module_&) {}
