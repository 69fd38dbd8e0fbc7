#!/usr/bin/env bash
# test_on_arm.sh FOLDER [PYTEST ARGUMENTS]: the kernel's tests on 64-bit ARM, by a Python of ARM under emulation.
#
# On Debian 12 with g++-aarch64-linux-gnu, qemu-user and an environment in .venv. FOLDER receives Debian's Python for ARM
# and NumPy; nothing is installed. Half an hour, because all is emulated.
set -euo pipefail
folder=$(realpath -m "$1"); shift
root=$(cd "$(dirname "$0")/.." && pwd); cd "$root"
[ $# -gt 0 ] || set -- tests/predict/test_kernel.py tests/predict/test_similarity.py

if [ ! -x "$folder/root/usr/bin/python3.11" ]; then
  mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,debs,root}
  : > "$folder/status"
  options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State=$folder/state"
    -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder/cache")
  apt-get "${options[@]}" update
  (cd "$folder/debs" && apt-get "${options[@]}" download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib \
    libpython3.11-dev libexpat1 zlib1g libssl3 libffi8 libbz2-1.0 liblzma5 libstdc++6 libgcc-s1 libc6 libuuid1)
  for package in "$folder"/debs/*.deb; do dpkg -x "$package" "$folder/root"; done
  .venv/bin/python -m pip install --target "$folder/site" --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 --python-version 3.11 --implementation cp \
    --abi cp311 --abi abi3 --abi none --only-binary=:all: numpy pytest hypothesis click rich
fi

include=$folder/root/usr/include
.venv/bin/cmake -S . -B "$folder/build" -G Ninja -DCODEWREN_C=OFF -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_MAKE_PROGRAM="$root/.venv/bin/ninja" -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -Dnanobind_DIR="$(.venv/bin/python -m nanobind --cmake_dir)" \
  -DPython_EXECUTABLE="$root/.venv/bin/python" -DPython_INCLUDE_DIR="$include/python3.11" \
  -DCMAKE_CXX_FLAGS="-I$include"
.venv/bin/cmake --build "$folder/build"
rm -rf "$folder/src" && mkdir "$folder/src" && cp -r src/codewren "$folder/src/"
rm -f "$folder"/src/codewren/_native*.so && cp "$folder"/build/_native*.so "$folder/src/codewren/_native.so"

PYTHONPATH=$folder/src:$folder/site PYTHONHOME=$folder/root/usr OPENBLAS_NUM_THREADS=1 \
  exec qemu-aarch64 -L "$folder/root" "$folder/root/usr/bin/python3.11" -m pytest -p no:cacheprovider -W ignore::pytest.PytestConfigWarning \
  -o addopts="--strict-markers --import-mode=importlib -m 'not slow'" -q "$@"
