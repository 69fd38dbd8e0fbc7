"""The text of a node of a syntax tree, as names are shown."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST_NAME = 200


def text_of(node: "Node | None", source: bytes, end: int | None = None) -> str:
    """At most `LONGEST_NAME` bytes of it, up to byte `end`, each run of white space one space; "" for no node."""
    if node is None:
        return ""
    text = source[node.start_byte : min(node.end_byte if end is None else end, node.start_byte + LONGEST_NAME)]
    return " ".join(text.decode("utf-8", "replace").split())
