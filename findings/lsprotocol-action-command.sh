#!/bin/sh
# lsprotocol 2025.0.0: a code action that has a command is read as a command whose name is that command as text.
# Guess: in the answer to `textDocument/codeAction`, `[{title, kind, command: {...}}]` becomes a `CodeAction`.
# Seen: it becomes a `Command` whose `command` is the text "{'title': ..., 'command': ...}": of `Command | CodeAction`
#   the first is taken wherever a key `command` is, whatever lies under it, and an object becomes a string by `str()`.
#   An action with an edit and no command is read right. Clients built on it run a command that does not exist.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check lsprotocol==2025.0.0 cattrs==26.2.1
v/bin/pip freeze | grep -i -e lsprotocol -e cattrs

cat > read.py <<'EOF'
from lsprotocol import converters, types

command = {"title": "Run", "command": "x.run", "arguments": []}
answer = {"jsonrpc": "2.0", "id": 1, "result": [
    {"title": "Act", "kind": "quickfix", "command": command},
    {"title": "Edit", "kind": "quickfix", "edit": {"changes": {}}},
]}
response = converters.get_converter().structure(answer, types.CodeActionResponse)
for action in response.result:
    print(type(action).__name__, repr(getattr(action, "command", None)))
EOF
v/bin/python read.py | tee out
grep -q "^Command \"{'title': 'Run', 'command': 'x.run'" out || { echo changed; exit 1; }
grep -q "^CodeAction None" out
echo "as written above"
