#!/bin/sh
# identify 2.6.20 with pre-commit 4.7.0: a hook for TypeScript passes over TypeScript modules.
# Guess: `.mts` and `.cts` (TypeScript 4.7, 2022) have the tag `ts`, as `.mjs` and `.cjs` have `javascript`, so a hook
#   with `types: [ts]` checks them.
# Seen: they have no tag of a language, only `text`, from their content; the hook is "(no files to check)Skipped" and
#   exit code 0, so what it forbids is committed.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check identify==2.6.20 pre-commit==4.7.0
venv/bin/pip list --disable-pip-version-check 2> log | grep -i -E '^(identify|pre[-_]commit) '

export PRE_COMMIT_HOME="$folder/home" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init -q tree; cd tree
cat > .pre-commit-config.yaml << 'HOOK'
repos:
  - repo: local
    hooks: [{id: forbid, name: forbid, language: fail, entry: no TypeScript, types: [ts]}]
HOOK
for name in a.ts b.mts c.cts; do
  git rm -q -f --cached --ignore-unmatch '*ts'
  echo 'export const x: number = 1' > "$name"; git add "$name" .pre-commit-config.yaml
  code=0
  ../venv/bin/pre-commit run --color never > said || code=$?
  echo "$name: tags $(../venv/bin/python -c "from identify import identify; print(sorted(identify.tags_from_path('$name')))"), exit $code, $(head -1 said | tr -s .)"
  test "$name" = a.ts && want=1 || want=0
  test "$code" -eq "$want"
done
grep -q '(no files to check)Skipped' said
test "$(../venv/bin/identify-cli --filename-only d.mjs)" = '["javascript", "text"]'
echo "as written above"
