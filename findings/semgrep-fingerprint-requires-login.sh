#!/bin/sh
# semgrep 1.185.0 (PyPI): without an account every finding has the same fingerprint, the words "requires login".
# Guess: `fingerprint` in --json, and `matchBasedId/v1` in --sarif, is a hash that tells findings apart across runs.
# Seen: both hold the text "requires login" for every finding, so whoever matches results by fingerprint takes all
# findings of a project for one. SARIF defines a fingerprint as a stable value that identifies one result.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet semgrep==1.185.0 > log 2>&1 || { cat log; exit 2; }
venv/bin/pip list 2> /dev/null | grep '^semgrep '
cat > rules.yml <<'TEXT'
rules:
  - {id: copy, languages: [c], severity: WARNING, message: copy, pattern: strcpy(...)}
  - {id: command, languages: [c], severity: ERROR, message: command, pattern: system(...)}
TEXT
printf 'void f(char *a, char *b) { strcpy(a, b); }\nint g(char *a) { return system(a); }\n' > a.c
export SEMGREP_SEND_METRICS=off PATH="$folder/venv/bin:$PATH" HOME="$folder"
for form in json sarif; do
  semgrep scan --quiet --metrics off --disable-version-check --config rules.yml "--$form" a.c > "out.$form"
done
python3 - <<'TEXT'
import json
plain = [one["extra"]["fingerprint"] for one in json.load(open("out.json"))["results"]]
sarif = [one["fingerprints"]["matchBasedId/v1"] for one in json.load(open("out.sarif"))["runs"][0]["results"]]
print("json ", plain)
print("sarif", sarif)
assert plain == sarif == ["requires login"] * 2, "semgrep's fingerprints have changed"
TEXT
