#!/bin/sh
# nanobind 3.1.0: two classes of one name in the anonymous namespaces of two files are one class.
# Guess: a class in an anonymous namespace is a type of its own file, as the C++ standard says, so each file of an
#   extension may bind its own helper class `Wrapper` under a name of its own.
# Seen: nanobind tells types by the text of `std::type_info::name()`, which is equal for both. The second `nb::class_`
#   gives a RuntimeWarning ("was already registered") and nothing else: the import succeeds, the second name is missing.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check nanobind==3.1.0 cmake==4.4.4 ninja==1.13.2
v/bin/python -c "import nanobind; print('nanobind', nanobind.__version__)"

for name in First Second; do
  cat > $name.cpp <<EOF
#include <nanobind/nanobind.h>
namespace { struct Wrapper { int value() const { return 1; } }; }
void bind_$name(nanobind::module_& m) {
  nanobind::class_<Wrapper>(m, "$name").def(nanobind::init<>()).def("value", &Wrapper::value);
}
EOF
done
cat > module.cpp <<'EOF'
#include <nanobind/nanobind.h>
void bind_First(nanobind::module_& m);
void bind_Second(nanobind::module_& m);
NB_MODULE(twice, m) { bind_First(m); bind_Second(m); }
EOF
cat > CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.26)
project(twice LANGUAGES CXX)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(nanobind CONFIG REQUIRED)
nanobind_add_module(twice module.cpp First.cpp Second.cpp)
EOF
v/bin/cmake -S . -B b -G Ninja -DCMAKE_MAKE_PROGRAM="$PWD/v/bin/ninja" -DPython_EXECUTABLE="$PWD/v/bin/python" \
  -Dnanobind_DIR="$(v/bin/python -c 'import nanobind; print(nanobind.cmake_dir())')" >/dev/null
v/bin/cmake --build b >/dev/null
PYTHONPATH=b v/bin/python -c 'import twice; print(sorted(n for n in dir(twice) if n[0] != "_"))' > out 2>&1
cat out
grep -q "already registered" out || { echo "changed: no warning"; exit 1; }
if tail -n 1 out | grep -q Second; then echo "changed: both are there"; exit 1; fi
echo "as written above"
