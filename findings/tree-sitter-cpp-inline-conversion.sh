#!/bin/sh
# tree-sitter-cpp 0.23.4: `inline` turns a conversion operator into a function called `int`, without a parse error.
# Guess: `inline V::operator int() { … }` has the tree of `V::operator int() { … }`, one specifier more.
# Seen: without `inline` an operator_cast inside V; with it a function named `int` that returns a type `V::operator`.
#   The same for `bool` and for names of types, not for pointers, and not inside a class. `has_error` is False.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check tree-sitter==0.26.1 tree-sitter-cpp==0.23.4
cat > look.py <<'P'
import tree_sitter_cpp
from tree_sitter import Language, Parser

parser = Parser(Language(tree_sitter_cpp.language()))


def function(text):
    root = parser.parse(text.encode()).root_node
    assert not root.has_error, text
    node = root.children[0]
    kind = node.child_by_field_name("type")
    print(text, "->", kind and (kind.type, kind.text.decode()), node.child_by_field_name("declarator").text.decode())
    return kind, node.child_by_field_name("declarator")


kind, declarator = function("V::operator int() { return 1; }")
assert kind is None and declarator.child_by_field_name("name").type == "operator_cast"
for wanted in ("int", "bool", "X"):
    kind, declarator = function(f"inline V::operator {wanted}() {{ return 1; }}")
    assert kind.text == b"V::operator" and declarator.type == "function_declarator", "changed"
    assert declarator.child_by_field_name("declarator").text == wanted.encode(), "changed"
kind, _ = function("inline V::operator X*() { return 0; }")
assert kind is None
P
v/bin/python look.py
echo "as written above"
