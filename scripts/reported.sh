#!/bin/bash
# Rebuild the inputs of docs/faults.md that need no more than a shell, and show what codewren does with them today.
#
#     scripts/reported.sh [CODEWREN...]        # by default: codewren
#
# Each heading is a section and row of the page. Everything lies in a temporary folder.
set -u
CODEWREN=("${@:-codewren}")
FOLDER=$(mktemp -d)
export XDG_CACHE_HOME="$FOLDER/cache" GIT_CONFIG_GLOBAL=/dev/null
trap 'rm -rf "$FOLDER"' EXIT

row() { printf '\n== %s\n' "$*"; }
run() { "${CODEWREN[@]}" "$@" 2>&1; printf '[exit %s]\n' $?; }
scan() { run scan --threshold 0 --no-cache -q "$@"; }
function_of() { printf 'int %s(char *s)\n{\n  char b[8];\n  strcpy(b, s);\n  return %s;\n}\n' "$1" "$2"; }
repository() { git init -q "$1" && git -C "$1" config user.email a@example.org && git -C "$1" config user.name a; }
commit() { git add -A && git commit -qm "$1"; }

repository "$FOLDER/r"
cd "$FOLDER/r" || exit

row 1.1 context lines of the user
{ function_of f 0; function_of g 0; } > a.c; function_of h 0 > b.c; commit one
{ function_of f 1; function_of g 1; } > a.c; function_of h 1 > b.c
git config diff.interHunkContext 20; GIT_DIFF_OPTS=-u3 scan --diff HEAD .; git config --unset diff.interHunkContext

row 1.2 files that git takes for binary
echo 'gen.c -diff' > .gitattributes; function_of gen 0 > gen.c; function_of u 0 | iconv -t UTF-16 > u.c; commit two
function_of gen 1 > gen.c; function_of u 1 | iconv -t UTF-16 > u.c; scan --diff HEAD .; commit three

row 1.3 a link to a changed file
{ function_of same 0; function_of c 0; } > m.c; commit four
{ function_of same 0; function_of c 1; } > m.c; ln -s m.c z.c; git add z.c; scan --diff HEAD .; commit five

row 1.4 a hook in a linked worktree, from a folder below
git worktree add -q ../worktree -b other; cd ../worktree; mkdir sub; function_of old 0 > sub/o.c
function_of kept 0 > sub/p.c; commit six; function_of old 1 > sub/o.c; git add .
printf '#!/bin/sh\ncd sub && %s scan --threshold 0 --no-cache -q --diff HEAD .\n' "${CODEWREN[*]}" \
  > ../r/.git/hooks/pre-commit
chmod +x ../r/.git/hooks/pre-commit; git commit -qm seven; rm ../r/.git/hooks/pre-commit; cd ../r

row 1.5 a submodule, another repository, an ignored file
git -c protocol.file.allow=always submodule --quiet add "$FOLDER/worktree" sm; git commit -qm submodule
function_of sm 9 > sm/m.c; scan --diff HEAD sm; scan --diff HEAD ../worktree
echo ign.c >> .gitignore; function_of i 0 > ign.c; scan --diff HEAD ign.c; rm -r sm

row 1.6 baselines of a part
scan --diff HEAD --write-baseline known.json .; scan --write-baseline known.json .
before=$(grep -c '"' known.json); scan --write-baseline known.json a.c; [ "$before" = "$(grep -c '"' known.json)" ] &&
  echo 'the baseline keeps what was not scanned'

row 2.1 git/info/exclude in a linked worktree
(cd ../worktree; echo sub/p.c >> "$(git rev-parse --git-common-dir)/info/exclude"; git rm -q --cached sub/p.c; scan sub)

row 3 what cannot run is 2, and one line
scan --baseline . a.c; scan --threshold nan a.c
python3 -c "print('[' * 100000 + ']' * 100000)" > deep.json; scan --baseline deep.json a.c; rm deep.json
for place in '>/dev/full' '>&-'; do
  bash -c "exec \"\$@\" $place" _ "${CODEWREN[@]}" scan -q --no-cache --threshold 0 a.c; echo "[exit $?]"
done
mkdir gone; (cd gone && rmdir ../gone && scan .)

row 4 where the output goes
echo old > target; ln -s target link; (umask 027; scan a.c -o link; scan a.c -o new); ls -l link target new | cut -c 1-10
scan a.c -o /dev/null; ls -l /dev/null | cut -c 1-10; scan a.c -o /dev/stdout | wc -l
mkfifo pipe; wc -l < pipe & scan a.c -o pipe; wait; ls -l pipe | cut -c 1-10
function_of x 0 > "$(printf 'x\351.c')"; scan --write-baseline known.json .; scan --format json . | grep xe9; rm x*.c

row 5 a class of 1,200 setters
python3 - > Big.java <<'END'
print("class Big {")
for i in range(1200):
    print(f" void set{i}(int value) {{\n  f{i} = value;\n  changed = true;\n  count += value;")
    print(f"  notify(f{i}, changed, count);\n  log(value, count);\n }}")
print("}")
END
"${CODEWREN[@]}" scan -q --no-cache Big.java --format sarif -m clones --min-lines 1 | python3 -c '
import json, sys
(result,) = json.load(sys.stdin)["runs"][0]["results"]
print(len(result["relatedLocations"]), "places,", len(result["message"]["text"]), "characters:")
print(result["message"]["text"][-60:])'

row 6 made-up exact clones
for other in 'total * 2' 'delete_everything(total)'; do
  printf 'def f(d, total):\n    x = 1\n    y = x + 2\n    print(x, y)\n    z = f"{d["#"]}: {%s}"\n    return z + str(x)\n\n' "$other"
done > q.py
for other in keep erase_disk; do
  printf 'int f(char *s)\n{\n  int n = 0;\n  n += match(R"(" // )", *s++, %s(s));\n  n++;\n  n--;\n  return n;\n}\n' $other
done > q.cpp
scan -m clones q.py q.cpp

row 7 text that silences nothing, and 11 of the developer
cat > s.c <<'END'
int text(char *s) {
  puts("// codewren: ignore"); return 1;
}
int inside(char *s)
{
  // codewren: ignore
  char *u = "http://x//codewren: ignore"; return 0;
}
#define X "// codewren: ignore"
int below(char *s)
{
  return 3;
}
/**
 * codewren: ignore
 */
int silent(char *s)
{
  return 4;
}
// codewren: ignore[vulnerabilty]
int misspelt(char *s)
{
  return 5;
}
END
run scan --threshold 0 --no-cache s.c

row the developer, 1: a function and itself
printf 'public String f(String name, int index) {\n  List<String> all = headers.get(name);\n  if (all == null) {\n' > h.java
printf '    return null;\n  }\n  count++;\n  return all.get(index).trim();\n}\n' >> h.java
run predict clones h.java h.java; run predict clone-java h.java h.java

row the developer, 4: another language
scan --language python q.py | tail -1; run scan --threshold 1 --no-cache --language python q.py

row the developer, 5: shifts
python3 -c 'print("void f(int n) {"); [print(f"  R = 1u << {i};") for i in range(520)]; print("}")' > sh.cpp
run scan --no-cache -m clones --language cpp sh.cpp

row the developer, 12: a shallow clone
git clone -q --depth 1 "file://$FOLDER/r" "$FOLDER/shallow"; (cd "$FOLDER/shallow"; scan --diff HEAD~1 .)

row the developer, 13: text that is not UTF-8, environments
printf 'int f(char *s)\n{\n  puts("\351");\n  return 0;\n}\n' > latin.c; run scan --threshold 0 --no-cache latin.c
printf 'def f(a):\n    return "\351"\n' > latin.py; scan --language python latin.py
mkdir -p venv/lib; touch venv/pyvenv.cfg; cp latin.c venv/lib; scan . | grep -c venv

row the developer, 14: the package
python3 -c '
import codewren, copy, pickle
model = codewren.load("vulnerability-c")
print(model, "load" in dir(codewren), codewren.InputError.__name__)
print(pickle.loads(pickle.dumps(model)).predict(["int f() {}"]), copy.deepcopy(model).predict(["int f() {}"]))' || true
