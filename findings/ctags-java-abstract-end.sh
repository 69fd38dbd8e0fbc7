#!/bin/sh
# universal-ctags 5.9.20210829 (Debian 12): an abstract Java method has an `end`, and the kind of one with a body.
# Guess: the field `end` comes with a body, so it tells definitions from declarations.
# Seen: `abstract int size();` is a method with `end` on its own line; its tag is that of a one-line method.
#   C++ has a kind of its own for these, `prototype`, which Java lacks.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
apt-get download -qq universal-ctags=5.9.20210829.0-1 2> log ||
  { cat log; echo 'this needs the packages of Debian 12'; exit 2; }
dpkg -x universal-ctags_*.deb root
ctags=$folder/root/usr/bin/ctags-universal
"$ctags" --options=NONE --version | head -n 1

cat > A.java <<'JAVA'
abstract class A {
  abstract int size();
  int full() { return 1; }
}
interface I {
  int inner();
}
JAVA
"$ctags" --options=NONE --fields=neKz --kinds-Java=m -f - A.java | cut -f 1,4- | tee tags
test "$(grep -c . tags)" -eq 3
grep -q "^size.*line:2.*end:2" tags
grep -q "^inner.*kind:method.*line:6.*end:6" tags
grep -q "^full.*kind:method.*line:3.*end:3" tags
echo "as written above"
