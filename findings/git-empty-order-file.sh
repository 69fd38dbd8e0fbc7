#!/bin/sh
# git 2.39.5 (Debian 12): an empty `diff.orderFile` does not mean "none".
# Guess: `git -c diff.orderFile= diff` switches a user's order file off, as `-c core.excludesFile=` does for ignore
#   rules and `-c core.attributesFile=` for attributes; there is no `--no-order-file`.
# Seen: exit 128, "failed to read orderfile ''". What works is a file that is empty: `-O/dev/null`.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
apt-get download -qq git=1:2.39.5-0+deb12u3 2> log || { cat log; echo 'this needs the packages of Debian 12'; exit 2; }
dpkg -x git_*.deb root
export GIT_EXEC_PATH="$folder/root/usr/lib/git-core" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git=$folder/root/usr/bin/git
"$git" --version

"$git" init -q tree; cd tree
echo before > a; "$git" add a; echo after > a
"$git" -c core.excludesFile= status > /dev/null                       # empty means none here
"$git" -c core.attributesFile= diff > /dev/null                       # and here
code=0
"$git" -c diff.orderFile= diff > /dev/null 2> message || code=$?
echo "git -c diff.orderFile= diff: exit $code, $(cat message)"
test "$code" -eq 128
grep -q "failed to read orderfile ''" message
"$git" diff -O/dev/null | grep -q '^+after'
echo "as written above"
