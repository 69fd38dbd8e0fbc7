"""Where comments, strings and numbers stand in a text, as its syntax tree has them."""

from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from codewren.syntax.grammars import grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_JAVASCRIPT = (
    "[(comment) (html_comment) (hash_bang_line)] @comment "
    "[(string) (template_string) (regex) (number)] @literal (template_substitution) @code"
)
LITERALS = {
    "c": "(comment) @comment [(string_literal) (char_literal) (system_lib_string) (number_literal)] @literal",
    "cpp": "(comment) @comment [(string_literal) (raw_string_literal) (char_literal) (system_lib_string) "
    "(number_literal)] @literal",
    "java": "[(line_comment) (block_comment)] @comment [(string_literal) (character_literal) "
    "(decimal_integer_literal) (hex_integer_literal) (octal_integer_literal) (binary_integer_literal) "
    "(decimal_floating_point_literal) (hex_floating_point_literal)] @literal (string_interpolation) @code",
    "python": "[(comment) (line_continuation)] @comment [(string) (integer) (float) (format_specifier)] @literal "
    "[(interpolation) (format_expression)] @code",
    "javascript": f"{_JAVASCRIPT} (jsx_text) @literal",
    "typescript": f"{_JAVASCRIPT} (template_literal_type) @literal (template_type) @code",
    "tsx": f"{_JAVASCRIPT} [(jsx_text) (template_literal_type)] @literal (template_type) @code",
    "go": "(comment) @comment [(interpreted_string_literal) (raw_string_literal) (rune_literal) (int_literal) "
    "(float_literal) (imaginary_literal)] @literal",
    "csharp": "(comment) @comment [(string_literal) (verbatim_string_literal) (raw_string_literal) "
    "(character_literal) (integer_literal) (real_literal) (interpolated_string_expression) "
    "(interpolation_format_clause)] @literal (interpolation) @code",
    "rust": "[(line_comment) (block_comment)] @comment [(string_literal) (raw_string_literal) (char_literal) "
    "(integer_literal) (float_literal)] @literal",
}
_KINDS = {"comment": 0, "literal": 1, "code": 2}


def literals(root: "Node", language: str) -> "array[int]":
    """Comments, literals and the code inside literals: start and end in bytes and kind of each, flat.

    >>> from codewren.syntax.grammars import syntax_root
    >>> literals(syntax_root(b'f"{a}"', "python"), "python").tolist()
    [0, 6, 1, 2, 5, 2]
    """
    from tree_sitter import QueryCursor

    return flat(QueryCursor(_query(language)).captures(root))


def flat(captures: "Mapping[str, Sequence[Node]]") -> "array[int]":
    """`literals` of what a query with one of `LITERALS` in it has captured."""
    spans = [(node.start_byte, node.end_byte, kind) for name, kind in _KINDS.items() for node in captures.get(name, ())]
    return array("I", chain.from_iterable(spans))


def comments(root: "Node", language: str) -> "list[Node]":
    """The nodes of comments in order."""
    from tree_sitter import QueryCursor

    captures = QueryCursor(_query(language)).captures(root)
    return sorted(captures.get("comment", ()), key=lambda comment: comment.start_byte)


@cache
def _query(language: str) -> "Query":
    from tree_sitter import Query

    return Query(grammar(language), LITERALS[language])
