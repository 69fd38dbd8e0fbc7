#!/bin/sh
# pygls 2.1.1: an edit below a form feed changes another line than the one the editor means.
# Guess: `TextDocument` cuts lines at the three line ends of the protocol (\n, \r\n, \r).
# Seen: it cuts where `str.splitlines` does, also at \f, \v, \x1c to \x1e, \x85, U+2028 and U+2029. A form feed is
#   ordinary in GNU sources and CPython's; from the first edit below one on, the server's text is not the editor's.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check pygls==2.1.1
v/bin/pip freeze | grep -i pygls

cat > edit.py <<'EOF'
from lsprotocol import types
from pygls.workspace import TextDocument

for name, end in {"form feed": "\f", "U+2028": "\u2028", "line feed only": ""}.items():
    document = TextDocument("file:///a.c", f"a{end}b\nc\nd\n")
    third = types.Range(types.Position(2, 0), types.Position(2, 1))  # the editor's third line: "d"
    document.apply_change(types.TextDocumentContentChangePartial(third, "X"))
    print(f"{name}: {document.source!r}")
EOF
v/bin/python edit.py | tee out
grep -qF "form feed: 'a\\x0cb\\nX\\nd\\n'" out || { echo changed; exit 1; }
grep -qF "line feed only: 'ab\\nc\\nX\\n'" out
echo "as written above"
