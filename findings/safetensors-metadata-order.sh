#!/bin/sh
# safetensors 0.8.0: the same tensors and the same metadata give another file in each process.
# Guess: a format for weights that people pin by SHA-256 is a function of what is saved.
# Seen: tensors come sorted, the keys of `metadata` in the order of a randomly seeded hash map. With one key
#   (transformers writes `format`) the bytes are equal; from two on hashes of equal checkpoints differ.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6 > log 2>&1 || { cat log; exit 2; }
cat > save.py <<'PY'
import hashlib, sys
import numpy as np
from safetensors.numpy import save

metadata = {f"key{index}": "value" for index in range(int(sys.argv[1]))}
print(hashlib.sha256(save({"b": np.zeros(3, "f4"), "a": np.ones(2, "f4")}, metadata=metadata)).hexdigest())
PY
files() { for _ in 1 2 3 4 5 6 7 8; do env/bin/python save.py "$1"; done | sort -u | wc -l | tr -d ' '; }
echo "1 key: $(files 1) file" | tee seen
many=$(files 8); echo "8 keys: $many files in 8 processes"
grep -q "^1 key: 1 file" seen
[ "$many" -gt 1 ]
echo "as written above"
