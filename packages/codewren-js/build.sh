#!/usr/bin/env bash
# build.sh: compiles the core to WebAssembly, with and without SIMD, into packages/codewren-js/wasm.
#
# Needs emscripten (em++ on the path; Debian's package does) and no network. `wasm/inputs.sha256` says of which sources
# the modules were made; a test compares it with the tree.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/packages/codewren-js/wasm
work=$root/build/wasm
mkdir -p "$out" "$work"
cd "$root"

sources=$(sed -n '/^set(CORE_SOURCES/,/)/p; /^set(C_SOURCES/,/)/p' CMakeLists.txt | grep -o 'native/[a-z0-9_/]*\.cpp')
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -1)

# Distributions freeze emscripten's cache, which lacks the libraries for exceptions of WebAssembly: a copy of it, of
# links, may grow.
distribution=/usr/share/emscripten
if [ -z "${EM_CONFIG:-}" ] && [ -f $distribution/.emscripten ]; then
  sed 's/^FROZEN_CACHE = True/FROZEN_CACHE = False/' $distribution/.emscripten > "$work/config"
  [ -d "$work/cache" ] || { cp -rs $distribution/cache "$work/cache" && rm -f "$work/cache/cache.lock"; }
  export EM_CONFIG=$work/config EM_CACHE=$work/cache
fi

exports=_malloc,_free
for name in $(grep -o 'codewren_[a-z_]*(' native/include/codewren.h | tr -d '(' | sort -u); do exports+=,_$name; done

build() {  # name, options of its own
  local name=$1 objects=() source object speed
  shift
  for source in $sources; do
    object=$work/$name/${source//\//-}.o
    objects+=("$object")
    if [ ! -e "$object" ] || [ -n "$(find native -newer "$object" -name "*.h" -print -quit)" ] || [ "$source" -nt "$object" ]; then
      mkdir -p "$work/$name"
      case $source in  # what is not arithmetic is small rather than quick
        native/similarity/encoder.cpp | native/similarity/pairs.cpp) speed=-Os ;;
        native/kernel/generic.cpp | native/similarity/*) speed=-O3 ;;
        *) speed=-Os ;;
      esac
      em++ -c "$source" -o "$object" -std=c++20 $speed "$@" -fwasm-exceptions -fno-rtti -fno-math-errno \
        -ffp-contract=off -DNDEBUG -DCODEWREN_STATIC -DCODEWREN_VERSION="\"$version\"" -Inative -Inative/include
    fi
  done
  em++ "${objects[@]}" -o "$work/$name.wasm" -O3 "$@" -fwasm-exceptions --no-entry -sSTANDALONE_WASM \
    -sALLOW_MEMORY_GROWTH -sMALLOC=emmalloc -sMAXIMUM_MEMORY=2GB -sTOTAL_STACK=1MB -sEXPORTED_FUNCTIONS="$exports"
  cp "$work/$name.wasm" "$out/$name.wasm"
  echo "$name.wasm: $(stat -c %s "$out/$name.wasm") bytes, $(gzip -9 -c "$out/$name.wasm" | wc -c) gzipped"
}

build codewren-simd -msimd128
build codewren
"$root/packages/codewren-js/inputs.sh" > "$out/inputs.sha256"
