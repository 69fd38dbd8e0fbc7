#!/bin/sh
# flawfinder 2.0.20 (PyPI): --sarif ignores --minlevel, which --csv and the text obey.
# Guess: the outputs of one run hold the same findings, those of --minlevel (1 by default) and above.
# Seen: the SARIF log holds every finding whatever the level asked for, down to level 0 (a printf with a constant
# format), without a word; so a pipeline that raises --minlevel still uploads them all.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet flawfinder==2.0.20 > log 2>&1 || { cat log; exit 2; }
printf 'flawfinder '; venv/bin/flawfinder --version
printf 'void f(char *a, char *b) {\n  printf("%%s", a);\n  strcpy(a, b);\n  strlen(a);\n}\n' > a.c
for level in 0 1 2; do
  venv/bin/flawfinder --minlevel=$level --csv a.c > "csv$level"
  venv/bin/flawfinder --minlevel=$level --sarif a.c > "sarif$level"
done
python3 - <<'TEXT'
import csv, json
for level in "012":
    plain = sorted(int(row["Line"]) for row in csv.DictReader(open("csv" + level)))
    results = json.load(open("sarif" + level))["runs"][0]["results"]
    sarif = sorted(one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results)
    print(f"--minlevel={level}: lines in CSV {plain}, in SARIF {sarif}")
    assert plain == [[2, 3, 4], [3, 4], [3]][int(level)], "flawfinder's levels have changed"
    assert sarif == [2, 3, 4], "flawfinder's SARIF has changed"
TEXT
