// Each source file of the core binds its own classes.
#pragma once

#include <nanobind/nanobind.h>

void bind_tokenizer(nanobind::module_& m);
void bind_kernel(nanobind::module_& m);
