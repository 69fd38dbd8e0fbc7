#!/bin/sh
# jscpd 5.3.2 (npm): `--similarity 0.8` finds near copies in JavaScript, and nothing of the kind in Java, without a word.
# Guess: the option compares functions of every language that jscpd reads, or warns where it does not.
# Seen: the same two functions, as JavaScript one pair of kind "ast", as Java none; both runs end with exit code 0.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" jscpd@5.3.2 > log 2>&1 || { cat log; exit 2; }
jscpd=$folder/node_modules/.bin/jscpd
"$jscpd" --version

body() {  # $1: how a number is declared; $2, $3: statements that tell the two copies apart
  cat <<TEXT
    $1 total = 0;
    $1 count = 0;
    for ($1 i = 0; i < values.length; i++) {
      if (values[i] > limit) {
        total = total + values[i];
        $2
        count = count + 1;
      } else {
        total = total - values[i] / 2;
      }
    }
    while (total > 1000) {
      $3
      total = total - 10;
    }
    return total + count;
TEXT
}
mkdir js java
{ echo 'function sumAbove(values, limit) {'; body let '' ''; echo '}'; } > js/a.js
{ echo 'function sumOver(values, limit) {'; body let 'console.log(i);' 'count = count - 1;'; echo '}'; } > js/b.js
{ echo 'class A { static int sumAbove(int[] values, int limit) {'; body int '' ''; echo '} }'; } > java/A.java
{ echo 'class B { static int sumOver(int[] values, int limit) {'
  body int 'System.out.println(i);' 'count = count - 1;'; echo '} }'; } > java/B.java

for kind in js java; do
  "$jscpd" --similarity 0.8 --kind ast --min-tokens 50 --reporters json --output "out-$kind" "$kind" > "told-$kind" 2>&1
  node -e 'const c = require(process.argv[1]).duplicates; console.log(process.argv[2], c.length)' \
    "$folder/out-$kind/jscpd-report.json" "$kind" | tee "count-$kind"
done
test "$(cat count-java)" = "java 0"
test "$(cat count-js)" != "js 0"
if grep -qi similarity told-java; then echo "it says something now"; exit 1; fi
echo "as written above"
