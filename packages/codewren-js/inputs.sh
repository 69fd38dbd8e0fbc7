#!/usr/bin/env bash
# inputs.sh: one hash of all that the WebAssembly modules are made of.
set -euo pipefail
cd "$(dirname "$0")/../.."
find native -name '*.h' -o -name '*.cpp' | grep -vE '^native/((bindings|syntax|train)/|hint/(line_|evidence|expressions|formats)|similarity/word_bags)' | LC_ALL=C sort |
  cat - <(echo packages/codewren-js/build.sh) | tr '\n' '\0' | xargs -0 cat | sha256sum | cut -d' ' -f1
