#!/bin/sh
# torch 2.13.0: `torch.save` to an open file that cannot grow raises RuntimeError; the OSError is only its context.
# Guess: OSError with errno EFBIG or ENOSPC, as from `file.write`, so `except OSError` tells a full disk.
# Seen: RuntimeError "... unexpected pos ...", whose `__context__` is the OSError; a limit on the size of files stands
#   in for the full disk.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy > log 2>&1 || { cat log; exit 2; }
cat > save.py <<'PY'
import resource, signal, torch

print("torch", torch.__version__.split("+")[0])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    with open("plain", "wb", buffering=0) as stream:
        while stream.write(b"0" * 60_000):
            pass
except OSError as error:
    print("write:", type(error).__name__, error.errno)
try:
    with open("state.pt", "wb") as stream:
        torch.save({"weights": torch.zeros(60_000)}, stream)
except Exception as error:
    print("save:", type(error).__name__, "| context:", type(error.__context__).__name__)
    assert "unexpected pos" in str(error)
PY
env/bin/python save.py | tee seen
grep -q "^write: OSError 27$" seen
grep -q "^save: RuntimeError | context: OSError$" seen
echo "as written above"
