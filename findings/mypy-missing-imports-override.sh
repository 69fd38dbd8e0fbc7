#!/bin/sh
# mypy 2.4.1: in an override, `ignore_missing_imports` is looked up by another module than its neighbours are.
# Guess: `[mypy-tests.*]` with `ignore_missing_imports = true` silences `import-not-found` in tests, as
#   `disable_error_code` in the same place does.
# Seen: it does nothing there, without a warning that the setting has no effect (`--warn-unused-configs` is content).
#   It belongs in a section of the module that is imported and missing. The manual says so; the file does not show it.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check mypy==2.4.1
v/bin/mypy --version

mkdir tests; touch tests/__init__.py; echo 'import no_such_module' > tests/test_a.py
check() { printf '[mypy]\n[mypy-%s]\n%s\n' "$1" "$2" > mypy.ini; v/bin/mypy --warn-unused-configs tests > out 2>&1; }
says() { echo "[mypy-$1] $2: $(tail -n 1 out)"; }

if check 'tests.*' 'ignore_missing_imports = true'; then echo "changed: silenced"; exit 1; fi
says 'tests.*' 'ignore_missing_imports = true'
grep -q 'import-not-found' out
if grep -qi 'unused' out; then echo "changed: the section is called unused"; exit 1; fi
check 'tests.*' 'disable_error_code = import-not-found'
says 'tests.*' 'disable_error_code = import-not-found'
check 'no_such_module.*' 'ignore_missing_imports = true'
says 'no_such_module.*' 'ignore_missing_imports = true'
echo "as written above"
