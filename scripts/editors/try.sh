#!/bin/sh
# Opens a file with two copies of a function in each editor that is installed, and prints what the editor was told.
#   PATH=.venv/bin:$PATH sh scripts/editors/try.sh
# NVIM names another Neovim. Fails where an editor is there and was told nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
git init -q .
export XDG_CACHE_HOME="$folder/cache" HOME="$folder"
cat > copies.py <<'EOF'
x = "😋"


def summed(items, limit):
    total = 0
    for number, item in enumerate(items):
        if item.price > limit and item.count:
            total += item.price * item.count + number
        elif item.count < 0:
            raise ValueError(item.name)
    return total


def added(things, limit):
    result = 0
    for number, thing in enumerate(things):
        if thing.price > limit and thing.count:
            result += thing.price * thing.count + number
        elif thing.count < 0:
            raise ValueError(thing.name)
    return result
EOF
nvim=${NVIM:-nvim}
if command -v "$nvim" > /dev/null; then
    "$nvim" --version | head -n 1
    "$nvim" --headless --clean copies.py -c "luafile $here/neovim.lua" 2>&1
else
    echo "no Neovim here"
fi
if command -v emacs > /dev/null; then
    emacs --version | head -n 1
    emacs -q --batch -l "$here/eglot.el" copies.py 2> log || { cat log; exit 1; }
else
    echo "no Emacs here"
fi
if command -v hx > /dev/null; then
    hx --version
else
    echo "no Helix here"
fi
