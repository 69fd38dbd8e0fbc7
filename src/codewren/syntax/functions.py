"""Functions of a source file, found with tree-sitter; text the parser cannot follow costs as little as possible.

A function inside another one is reported beside it. Lambdas belong to the function around them. A declaration without
a body is not a function.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError
from codewren.syntax.blanks import parsable
from codewren.syntax.grammars import check_nesting, grammar, syntax_root
from codewren.syntax.recover import called_name, is_statement, laid_out_end, lost_functions
from codewren.syntax.tokens import is_keyword

if TYPE_CHECKING:
    from tree_sitter import Node, Query

QUERY_LIMIT_STEPS = 2_000_000_000  # about 3 s
_LONGEST_NAME = 200
_DEEPEST_DECLARATOR = 64
_WORD = r"~?\s*[\w$]+(?:\s*<[^(){};]*>)?"
_NAME = re.compile(rf"(?:::\s*)?{_WORD}(?:\s*::\s*(?:template\s+)?{_WORD})*|.*\boperator\b[^{{}};]*")


class Function(NamedTuple):
    """One function: lines count from 1, both ends inclusive; bytes count from 0, the end excluded.

    The header ends with the `{` or `:` that is on the body line and right before the body byte.
    """

    name: str
    start_line: int
    body_line: int
    end_line: int
    start_byte: int
    end_byte: int
    body_byte: int


class Parsed(NamedTuple):
    """Functions in the order of their starts, whether the parser met text it could not follow, and the tree's root."""

    functions: tuple[Function, ...]
    has_errors: bool
    root: "Node"


class _Naming(NamedTuple):
    """What differs between languages.

    Attributes:
        query: captures `function`, `scope` (what lends its name to what is inside) and `prefix` (what stands before a
            function and belongs to it: decorators, template parameters).
        separator: between the parts of a qualified name; "" where functions are not nested, so that one around another
            is a brace the parser missed.
    """

    query: str
    separator: str


_NAMING = {
    "c": _Naming("(function_definition) @function", ""),
    "cpp": _Naming(
        "(function_definition) @function (template_declaration) @prefix "
        "[(namespace_definition) (class_specifier) (struct_specifier) (union_specifier)] @scope",
        "::",
    ),
    "java": _Naming(
        "[(method_declaration) (constructor_declaration) (compact_constructor_declaration)] @function "
        "[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)] @scope",
        ".",
    ),
    "python": _Naming(
        "(function_definition) @function (decorated_definition) @prefix (class_definition) @scope",
        ".",
    ),
}


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
    functions = sorted(_named(_captures(root, language), source, language), key=_order)
    if root.has_error and language in {"c", "cpp"}:
        functions = _with_lost(functions, source)
    return Parsed(tuple(functions), root.has_error, root)


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

    return Query(grammar(language), _NAMING[language].query)


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
    starts = _prefixed_starts(captures.get("prefix", ()))
    nodes = [(node, True) for node in captures.get("function", ())]
    nodes += [(node, False) for node in captures.get("scope", ())]
    nodes.sort(key=lambda one: (one[0].start_byte, -one[0].end_byte))
    separator = _NAMING[language].separator
    around: list[tuple[int, str]] = []
    for node, is_function in nodes:
        end = node.end_byte
        while around and around[-1][0] < end:
            around.pop()
        body = _body(node)
        if body is None:
            continue
        simple = _name(node, source) if is_function else _text(node.child_by_field_name("name"), source)
        if is_function and language in {"c", "cpp"} and not _is_definition(node, simple, language):
            continue
        name = separator.join([around[-1][1], simple]) if around and around[-1][1] and simple and separator else simple
        around.append((end, name[-_LONGEST_NAME:] or (around[-1][1] if around else "")))
        if is_function:
            function = _function(name, node, body, starts, source)
            yield _ended(function, source) if node.has_error and language in {"c", "cpp"} else function


def _function(name: str, node: "Node", body: "Node", starts: "dict[int, tuple[int, int]]", source: bytes) -> Function:
    start, row = starts.get(node.id, (node.start_byte, node.start_point.row))
    opening = _opening(node, body)
    lines = (row + 1, opening.start_point.row + 1, node.end_point.row + 1)
    return Function(name[-_LONGEST_NAME:] or "(unnamed)", *lines, start, node.end_byte, opening.start_byte + 1)


def _opening(node: "Node", body: "Node") -> "Node":
    """The node that begins with the `{`, or is the `:`, before the first statement."""
    before = body.prev_sibling if body.type == "block" and node.type == "function_definition" else None
    while before is not None and before.type != ":":
        before = before.prev_sibling
    return before or body


def _is_definition(node: "Node", name: str, language: str) -> bool:
    """Whether a C or C++ node is what its kind says.

    `int a[] { 1 }`, `if (x) {` after a macro and loops made by macros (`for_each_cpu(cpu) {`) look like definitions to
    the grammars.
    """
    if not name or is_keyword(name, language):
        return False
    outside = node.parent
    if outside is None or outside.type != "compound_statement":
        return True
    return language == "c" and _declares(node) and node.child_by_field_name("type") is not None


def _declares(node: "Node") -> bool:
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type == "pointer_declarator":
        declarator = declarator.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "function_declarator"


def _prefixed_starts(prefixes: "Iterable[Node]") -> dict[int, tuple[int, int]]:
    """Byte and row where the text of a function starts that has decorators or template parameters, by node id."""
    starts: dict[int, tuple[int, int]] = {}
    for node in sorted(prefixes, key=lambda one: one.start_byte):
        inner = node.named_child(node.named_child_count - 1)
        if inner is not None:
            starts[inner.id] = starts.get(node.id, (node.start_byte, node.start_point.row))
    return starts


def _body(node: "Node") -> "Node | None":
    body = node.child_by_field_name("body")
    if body is None and node.type == "function_definition":
        last = node.named_child(node.named_child_count - 1)
        return last if last is not None and last.type == "try_statement" else None
    return body


def _name(node: "Node", source: bytes) -> str:
    named = node.child_by_field_name("name")
    if named is not None:
        return _text(named, source)
    declarator = node.child_by_field_name("declarator")
    is_declared = False
    for _ in range(_DEEPEST_DECLARATOR):
        cast = _operator_cast(declarator)
        if declarator is None or cast is not None:
            return _cast_name(declarator, cast, source)
        is_declared = is_declared or declarator.type == "function_declarator"
        inner = declarator.child_by_field_name("declarator") or _inner_declarator(declarator)
        if inner is None:
            break
        declarator = inner
    return _checked_name(node, _text(declarator, source), source, is_declared=is_declared)


def _checked_name(node: "Node", name: str, source: bytes, *, is_declared: bool) -> str:
    """A name with what the grammars put elsewhere; by the header's text where they took code for it."""
    kind, outermost = node.child_by_field_name("type"), node.child_by_field_name("declarator")
    returned = _text(kind, source)
    if not is_declared:  # `main(argc) {` without a type is read as a variable of type `main` in parentheses
        return returned if outermost is not None and outermost.type == "parenthesized_declarator" else ""
    if returned.split("::")[-1] == "operator":  # `inline V::operator int() const {`
        return f"{returned} {name}"
    if _NAME.fullmatch(name) and len(name) < _LONGEST_NAME:
        return name
    body = _body(node)
    return called_name(source[node.start_byte : body.start_byte if body else node.end_byte])


def _operator_cast(declarator: "Node | None") -> "Node | None":
    """The conversion operator that a declarator is, alone or below the names that qualify it."""
    while declarator is not None and declarator.type == "qualified_identifier":
        declarator = declarator.child_by_field_name("name")
    return declarator if declarator is not None and declarator.type == "operator_cast" else None


def _cast_name(declarator: "Node | None", cast: "Node | None", source: bytes) -> str:
    parameters = cast.child_by_field_name("declarator") if cast else None
    while parameters is not None and parameters.type != "abstract_function_declarator":  # `operator T*() const`
        parameters = parameters.child_by_field_name("declarator")
    return _text(declarator, source, parameters.start_byte if parameters else None)


def _inner_declarator(node: "Node") -> "Node | None":
    """The child of a declarator whose grammar rule has no field for it: parentheses, references, attributes."""
    if not node.type.endswith("declarator"):
        return None
    ends = ("declarator", "identifier", "_name", "operator_cast")
    return next((child for child in node.named_children if child.type.endswith(ends)), None)


def _text(node: "Node | None", source: bytes, end: int | None = None) -> str:
    if node is None:
        return ""
    text = source[node.start_byte : min(node.end_byte if end is None else end, node.start_byte + _LONGEST_NAME)]
    return " ".join(text.decode("utf-8", "replace").split())


def _with_lost(functions: list[Function], source: bytes) -> list[Function]:
    """Without statements taken for functions, with functions found by their layout."""
    kept = [one for one in functions if not is_statement(source, one.start_byte)]
    spans = [(one.start_byte, one.end_byte) for one in kept]
    row, counted = 1, 0
    for name, start, body, end in lost_functions(source, spans):
        row += source.count(b"\n", counted, start)
        counted = start
        body_row = row + source.count(b"\n", start, body)
        kept.append(Function(name, row, body_row, row + source.count(b"\n", start, end), start, end, body + 1))
    return sorted(kept, key=_order)


def _ended(function: Function, source: bytes) -> Function:
    """A function with text the parser could not follow, up to where its layout says that it ends."""
    end = laid_out_end(source, function.start_byte, function.end_byte)
    if end is None or end < function.body_byte:
        return function
    line = function.start_line + source.count(b"\n", function.start_byte, end)
    return function._replace(end_byte=end, end_line=line)
