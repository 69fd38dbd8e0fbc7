"""Where a null byte is written to an array, and whether a text that a call cut there ends inside."""

import re
from typing import TYPE_CHECKING

from codewren.evidence.expressions import index_of
from codewren.evidence.function_view import Call, FunctionView

if TYPE_CHECKING:
    from tree_sitter import Node

_BRANCHES = frozenset(
    {"if_statement", "else_clause", "for_statement", "while_statement", "do_statement", "case_statement"}
)
_UNSIGNED = r"\b(?:unsigned|size_t|u_?int\w*|u_?char|u_?short|u_?long|BYTE|WORD|DWORD|uint\w*_t)\b[^;(){}]*?"


def is_ended(view: FunctionView, name: str, call: Call, size: int, bound: int) -> bool:
    """Whether a null byte stands in an array after a call that wrote `bound` bytes at most, whatever it wrote.

    An index that is no constant counts where the size of the call is that index, or is no constant either.
    """
    return any(_ends(view, node, call, size, bound) for node in view.null_bytes.get(name, ()))


def _ends(view: FunctionView, node: "Node", call: Call, size: int, bound: int) -> bool:
    index = index_of(node) if node.type == "subscript_expression" else None
    at = 0 if node.type == "pointer_expression" and view.text(node).lstrip("*").isidentifier() else view.constant(index)
    is_after = node.start_byte > call.node.start_byte
    if at is None:
        return is_after and index is not None and "strlen" in view.text(index)
    if not 0 <= at < size or (not is_after and at < bound) or (is_after and at == 0 and bound > 1):
        return False
    around = node.parent
    while around is not None and around.type not in _BRANCHES:
        around = around.parent
    return around is None or around.start_byte <= call.node.start_byte < around.end_byte


def is_never_negative(view: FunctionView, name: str) -> bool:
    """Whether the text shows that a variable is never below zero: its type, its values, or a comparison."""
    text, word = view.source.decode("utf-8", "replace"), re.escape(name)
    if re.search(rf"{_UNSIGNED}\b{word}\b", text):
        return True
    if re.search(rf"\b{word}\s*(?:<=?\s*0\b|>=?\s*(?:0|-\s*1)\b|[=!]=\s*-\s*1\b)|\b0\s*(?:<=?|>=?)\s*{word}\b", text):
        return True
    if name in view.parameters or re.search(rf"--\s*{word}\b|\b{word}\s*(?:--|[-*^~]=)|&\s*{word}\b", text):
        return False
    values = [(view.constant(value), view.text(value)) for value in view.given(name)]
    return bool(values) and all(
        number >= 0 if number is not None else "-" not in words and words.startswith(("strlen(", "strspn(", "strcspn("))
        for number, words in values
    )
