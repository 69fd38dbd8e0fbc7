// Keyword arguments of Python into a struct, one `read` a field: the one way in which settings enter the core.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

class Keywords {
 public:
  explicit Keywords(const nanobind::kwargs& keywords) : keywords_(keywords) {}

  // Throws TypeError where the keyword is missing or of another type.
  template <typename Field>
  Keywords& read(const char* name, Field& field) {
    if (!keywords_.contains(name)) throw error("needs the keyword ", name);
    return read_optional(name, field);
  }

  // Leaves the field as it is where the keyword is missing.
  template <typename Field>
  Keywords& read_optional(const char* name, Field& field) {
    if (!keywords_.contains(name)) return *this;
    if (!nanobind::try_cast(keywords_[name], field)) throw error("cannot take the value of ", name);
    ++read_;
    return *this;
  }

  // Throws TypeError where a keyword was given that no field reads.
  void finish() const {
    if (read_ != keywords_.size()) throw error("was given a keyword that it does not know", "");
  }

 private:
  static nanobind::builtin_exception error(const char* problem, const char* name) {
    return nanobind::type_error((std::string("the native core ") + problem + name).c_str());
  }

  nanobind::kwargs keywords_;
  std::size_t read_ = 0;
};
