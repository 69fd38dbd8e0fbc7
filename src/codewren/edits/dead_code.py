"""A statement that does nothing, as the first of a function."""

import random
import re
from typing import TYPE_CHECKING

from codewren.edits.trees import lost, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_BRANCH = {"java": "if (false) {{ int {name} = 0; }}", "c": "if (0) {{ int {name} = 0; }}"}
_LOCAL = "int {name} = 0;"
_FUNCTIONS = {"function_definition", "method_declaration"}
_SPACE = re.compile(rb"\s*")


def add_dead_code(source: str, language: str, *, rng: random.Random) -> str:
    """Begin the body with a branch that is never taken, or a variable that is never used.

    Text in which the parser finds no function with a body is unchanged (Java constructors, when they stand alone).

    Raises:
        InputError: the language has no edits.

    >>> add_dead_code("int f(void) { return 1; }", "c", rng=random.Random(1))
    'int f(void) { if (0) { int unused_72 = 0; } return 1; }'
    """
    text = source.encode("utf-8", "surrogatepass")
    root = parse(text, language)
    offset = None if root is None else _body_start(root)
    if root is None or offset is None:
        return source
    statement = rng.choice((_BRANCH.get(language, _BRANCH["c"]), _LOCAL)).format(name=_unused(text, rng)).encode()
    gap = _SPACE.match(text, offset)
    layout = gap[0] if gap and gap[0] else b" "
    edited = text[:offset] + layout + statement + layout + text[offset + len(gap[0] if gap else b"") :]
    after = parse(edited, language)
    is_sound = after is not None and lost(after) <= lost(root)
    return edited.decode("utf-8", "surrogatepass") if is_sound else source


def _body_start(root: "Node") -> int | None:
    """The byte behind the opening brace of the first function that has a body."""
    for node in root.children:
        body = node.child_by_field_name("body")
        if node.type in _FUNCTIONS and body is not None and body.children and body.children[0].type == "{":
            return body.children[0].end_byte
        inner = _body_start(node) if node.type == "template_declaration" else None
        if inner is not None:
            return inner
    return None


def _unused(text: bytes, rng: random.Random) -> str:
    number = rng.randrange(100)
    while f"unused_{number}".encode() in text:
        number += 1
    return f"unused_{number}"
