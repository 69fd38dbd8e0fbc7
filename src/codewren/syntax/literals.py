"""Where comments, strings and numbers stand in a text, as its syntax tree has them."""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.syntax.grammars import grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_QUERIES = {
    "c": "(comment) @comment [(string_literal) (char_literal) (system_lib_string) (number_literal)] @literal",
    "cpp": "(comment) @comment [(string_literal) (raw_string_literal) (char_literal) (system_lib_string) "
    "(number_literal)] @literal",
    "java": "[(line_comment) (block_comment)] @comment [(string_literal) (character_literal) "
    "(decimal_integer_literal) (hex_integer_literal) (octal_integer_literal) (binary_integer_literal) "
    "(decimal_floating_point_literal) (hex_floating_point_literal)] @literal (string_interpolation) @code",
    "python": "[(comment) (line_continuation)] @comment [(string) (integer) (float) (format_specifier)] @literal "
    "[(interpolation) (format_expression)] @code",
}


class Literal(NamedTuple):
    """A span of bytes that is one token whatever is in it, or none if it is a comment."""

    start: int
    end: int
    is_comment: bool


def literals(root: "Node", language: str) -> list[Literal]:
    """Comments and literals in order, without overlap; one with code inside is in pieces around the code.

    >>> from codewren.syntax.grammars import syntax_root
    >>> [tuple(one) for one in literals(syntax_root(b'f"{a}"', "python"), "python")]
    [(0, 2, False), (5, 6, False)]
    """
    from tree_sitter import QueryCursor

    captures = QueryCursor(_query(language)).captures(root)
    nodes = [(one.start_byte, -one.end_byte, kind) for kind, ones in captures.items() for one in ones]
    return list(_pieces(sorted(nodes)))


def comments(root: "Node", language: str) -> "list[Node]":
    """The nodes of comments in order."""
    from tree_sitter import QueryCursor

    captures = QueryCursor(_query(language)).captures(root)
    return sorted(captures.get("comment", ()), key=lambda one: one.start_byte)


@cache
def _query(language: str) -> "Query":
    from tree_sitter import Query

    return Query(grammar(language), _QUERIES[language])


def _pieces(nodes: list[tuple[int, int, str]]) -> Iterator[Literal]:
    """The innermost node decides about each byte; where it is code, no literal is there."""
    position, around = 0, list[tuple[int, str]]()
    for start, negative_end, kind in [*nodes, (1 << 62, 0, "code")]:
        while around and around[-1][0] <= start:
            end, outer = around.pop()
            if outer != "code" and position < end:
                yield Literal(position, end, outer == "comment")
            position = max(position, end)
        if around and around[-1][1] != "code":
            if kind != "code":
                continue
            if position < start:
                yield Literal(position, start, around[-1][1] == "comment")
        around.append((-negative_end, kind))
        position = start
