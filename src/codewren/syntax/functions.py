"""Functions of a source file, found with tree-sitter; text the parser cannot follow costs as little as possible.

A function inside another one is reported beside it. Lambdas belong to the function around them, unless JavaScript binds
one to a name. A declaration without a body is not a function.
"""

from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.syntax.blanks import blanked, parsable
from codewren.syntax.declarators import is_definition
from codewren.syntax.definitions import DEFINITIONS, body_of, body_start, name_of, prefixed_starts, start_of
from codewren.syntax.grammars import check_nesting, grammar, syntax_root
from codewren.syntax.literals import LITERALS, flat
from codewren.syntax.nodes import LONGEST_NAME
from codewren.syntax.recover import is_statement, laid_out_end, lost_functions

if TYPE_CHECKING:
    from tree_sitter import Node, Query

QUERY_LIMIT_STEPS = 2_000_000_000  # about 3 s


class Function(NamedTuple):
    """One function: lines count from 1, both ends inclusive; bytes count from 0, the end excluded.

    The header ends with the `{`, `:` or `=>` that is on the body line and right before the body byte.
    """

    name: str
    start_line: int
    body_line: int
    end_line: int
    start_byte: int
    end_byte: int
    body_byte: int


class Parsed(NamedTuple):
    """What is known of a file.

    Attributes:
        functions: in the order of their starts.
        has_errors: the parser met text it could not follow.
        root: of the tree.
        captures: nodes by what they are to `definitions` and `literals`: all that one walk through the tree collects.
    """

    functions: tuple[Function, ...]
    has_errors: bool
    root: "Node"
    captures: "dict[str, list[Node]]"

    def literals(self) -> "array[int]":
        """What `literals.literals` finds in the file."""
        return flat(self.captures)


def extract(source: bytes, language: str) -> Parsed:
    """Find the functions of one file.

    Args:
        source: the file, UTF-8.
        language: one of `codewren.syntax.grammars.LANGUAGES`.

    Raises:
        InputError: brackets are nested more than `grammars.DEEPEST_NESTING` deep, or parsing took
            `grammars.PARSE_LIMIT_S` of processor time, or would in its next step.

    >>> extract(b"int one(void) { return 1; }", "c").functions[0].name
    'one'
    """
    check_nesting(source, language)
    root = syntax_root(parsable(source, language), language)
    captures = _captures(root, language)
    functions = sorted(_named(captures, source, language), key=_order)
    if root.has_error and language in {"c", "cpp"}:
        functions = _with_lost(functions, source, captures.get("comment", ()))
    return Parsed(tuple(functions), root.has_error, root, captures)


def _order(function: Function) -> tuple[int, int]:
    return function.start_byte, -function.end_byte


def _captures(root: "Node", language: str) -> "dict[str, list[Node]]":
    from tree_sitter import QueryCursor

    if root.has_error:
        _check_query_cost(root)
    return QueryCursor(_query(language)).captures(root)


@cache
def _query(language: str) -> "Query":
    from tree_sitter import Query

    return Query(grammar(language), DEFINITIONS[language].query + LITERALS[language])


def _check_query_cost(root: "Node") -> None:
    """Refuse a tree in which a query would take time quadratic in a run of unnamed tokens below one error.

    (A query cannot be stopped: tree-sitter 0.26 crashes when it is given a progress callback.)
    """
    steps, nodes = 0, [root]
    while nodes:
        run = 0
        for child in nodes.pop().children:
            if child.is_named:
                run = 0
                if child.has_error:
                    nodes.append(child)
            else:
                run += 1
                steps += run
        if steps > QUERY_LIMIT_STEPS:
            raise InputError("tens of thousands of brackets without a match: not ordinary source text")


def _named(captures: "dict[str, list[Node]]", source: bytes, language: str) -> Iterator[Function]:
    """Functions with names qualified by the scopes and functions around them."""
    prefixed = prefixed_starts(captures.get("prefix", ()))
    nodes = [(node, True) for node in captures.get("function", ())]
    nodes += [(node, False) for node in captures.get("scope", ())]
    nodes.sort(key=lambda pair: (pair[0].start_byte, -pair[0].end_byte))
    _, separator, names = DEFINITIONS[language]
    last_body, around = -1, list[tuple[int, str]]()
    for node, is_function in nodes:
        end, body = node.end_byte, body_of(node)
        while around and around[-1][0] < end:
            around.pop()
        if body is None or body.start_byte == last_body:  # `f = function g() {}` is one function
            continue
        simple = name_of(node, source, names)
        if is_function and language in {"c", "cpp"} and not is_definition(node, simple, language):
            continue
        last_body = body.start_byte
        name = separator.join([around[-1][1], simple]) if around and around[-1][1] and simple and separator else simple
        around.append((end, name[-LONGEST_NAME:] or (around[-1][1] if around else "")))
        if is_function:
            function = _function(name, node, body, start_of(node, prefixed))
            yield _ended(function, source) if node.has_error and language in {"c", "cpp"} else function


def _function(name: str, node: "Node", body: "Node", start: tuple[int, int]) -> Function:
    body_byte, body_row = body_start(node, body)
    lines = (start[1] + 1, body_row + 1, node.end_point.row + 1)
    return Function(name[-LONGEST_NAME:] or "(unnamed)", *lines, start[0], node.end_byte, body_byte)


def _with_lost(functions: list[Function], source: bytes, comments: "Iterable[Node]") -> list[Function]:
    """Without statements taken for functions, with functions found by their layout."""
    whole = [function for function in functions if not is_statement(source, function.start_byte)]
    spans = [(function.start_byte, function.end_byte) for function in whole]
    code = blanked(source, [(comment.start_byte, comment.end_byte) for comment in comments])
    row, counted = 1, 0
    for name, start, body, end in lost_functions(code, spans):
        row += source.count(b"\n", counted, start)
        counted = start
        body_row = row + source.count(b"\n", start, body)
        whole.append(Function(name, row, body_row, row + source.count(b"\n", start, end), start, end, body + 1))
    return sorted(whole, key=_order)


def _ended(function: Function, source: bytes) -> Function:
    """A function with text the parser could not follow, up to where its layout says that it ends."""
    end = laid_out_end(source, function.start_byte, function.end_byte)
    if end is None or end < function.body_byte:
        return function
    line = function.start_line + source.count(b"\n", function.start_byte, end)
    return function._replace(end_byte=end, end_line=line)
