"""Expressions of C as trees and as texts: what is around them, and which variable they start from."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


def nodes_below(root: "Node") -> "Iterator[Node]":
    """All named nodes of a tree, each before what is inside it."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        yield node
        nodes += reversed(node.named_children)


def bare(node: "Node") -> "Node":
    """A node without parentheses and casts around it."""
    while True:
        inner = None
        if node.type == "parenthesized_expression" and node.named_child_count == 1:
            inner = node.named_children[0]
        elif node.type == "cast_expression":
            inner = node.child_by_field_name("value")
        if inner is None:
            return node
        node = inner


def index_of(node: "Node") -> "Node | None":
    """The index of a subscript, in C or C++."""
    index = node.child_by_field_name("index")
    return node.named_children[-1] if index is None and node.named_child_count > 1 else index


def field_name(text: str) -> str:
    """The last name of `a->b.c`."""
    return re.split(r"->|\.", text)[-1]


def root_name(text: str) -> str:
    """The array or pointer that an expression points into: `a->b` of `&a->b[i]`, `buf` of `buf+n`."""
    plain = text.lstrip("&*(")
    match = re.match(r"[A-Za-z_]\w*(?:(?:->|\.)\w+)*", plain)
    return match[0] if match else plain
