#!/bin/sh
# git 2.39.5 (Debian 12): a setting that asks for plain paths makes `check-ignore` die, which takes only plain paths.
# Guess: with GIT_LITERAL_PATHSPECS=1, which scripts set so that a path like `:x` or `a*` is taken as it stands,
#   `git check-ignore a.o` answers as it does without it; `git ls-files` and `git status` do.
# Seen: exit 128, "pathspec magic not supported by this command: 'literal'". GIT_GLOB_PATHSPECS and
#   GIT_ICASE_PATHSPECS likewise; GIT_NOGLOB_PATHSPECS=1, which turns magic off, is told that it is 'literal' magic.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
apt-get download -qq git=1:2.39.5-0+deb12u3 2> log || { cat log; echo 'this needs the packages of Debian 12'; exit 2; }
dpkg -x git_*.deb root
export GIT_EXEC_PATH="$folder/root/usr/lib/git-core" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git=$folder/root/usr/bin/git
"$git" --version

"$git" init -q tree; cd tree
echo '*.o' > .gitignore; touch a.o
test "$("$git" check-ignore a.o)" = a.o                               # the same question without the setting
test "$(GIT_LITERAL_PATHSPECS=1 "$git" ls-files -o a.o)" = a.o        # another command with it
for setting in LITERAL GLOB ICASE NOGLOB; do
  code=0
  env "GIT_${setting}_PATHSPECS=1" "$git" check-ignore a.o 2> message || code=$?
  echo "GIT_${setting}_PATHSPECS=1 git check-ignore a.o: exit $code, $(cat message)"
  test "$code" -eq 128
  grep -q 'pathspec magic not supported by this command' message
done
echo "as written above"
