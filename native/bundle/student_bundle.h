// A student out of its bundle: the C++ twin of src/codewren/bundle/read.py.
#pragma once

#include <memory>

#include "bundle/container.h"
#include "kernel/student.h"
#include "tokenizer/tokenizer.h"

namespace codewren {

struct StudentBundle {
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Student> student;
  std::size_t hidden_size;
  double threshold, alert_threshold, temperature;
  std::vector<double> thresholds;  // of a multi-label task, one a label
};

// `container.weights` must outlive the student. Throws DamagedError, or std::invalid_argument for an unknown `target`.
StudentBundle read_student(const Container& container, const std::string& target);

}  // namespace codewren
