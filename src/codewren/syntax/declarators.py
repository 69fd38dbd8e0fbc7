"""Names of C and C++ functions, which stand inside their declarators, and definitions that are none."""

import re
from typing import TYPE_CHECKING

from codewren.syntax.lexers import is_keyword
from codewren.syntax.nodes import LONGEST_NAME, text_of
from codewren.syntax.recover import called_name

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST_DECLARATOR = 64
_WORD = r"~?\s*[\w$]+(?:\s*<[^(){};]*>)?"
_LOOP = re.compile(r"(?:[A-Z0-9]+_)*FOR_?(?:EACH|ALL|EVERY)(?:_[A-Z0-9_]*)?")
_NAME = re.compile(rf"(?:::\s*)?{_WORD}(?:\s*::\s*(?:template\s+)?{_WORD})*|.*\boperator\b[^{{}};]*")


def is_definition(node: "Node", name: str, language: str) -> bool:
    """Whether a C or C++ node is what its kind says.

    `int a[] { 1 }`, `if (x) {` after a macro and loops made by macros (`for_each_cpu(cpu) {`) look like definitions to
    the grammars.
    """
    if not name or is_keyword(name, language):
        return False
    outside = node.parent
    if outside is None or outside.type != "compound_statement":
        return not _is_loop_of_macro(node, name)
    return language == "c" and _declares(node) and node.child_by_field_name("type") is not None


def _is_loop_of_macro(node: "Node", name: str) -> bool:
    """Whether this is `FOR_ALL(x) {` in text that the parser has lost: in capitals, and indented."""
    return node.start_point.column > 0 and _LOOP.fullmatch(name) is not None


def declared_name(node: "Node", source: bytes, body: "Node | None") -> str:
    """The name of a definition, qualified as it is written; "" if it declares no function."""
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
    name = text_of(declarator, source)
    return _checked_name(node, name, source, body) if is_declared else _name_without_type(node, source)


def _name_without_type(node: "Node", source: bytes) -> str:
    """`main(argc) {` is read as a variable of type `main` in parentheses."""
    outermost = node.child_by_field_name("declarator")
    is_one = outermost is not None and outermost.type == "parenthesized_declarator"
    return text_of(node.child_by_field_name("type"), source) if is_one else ""


def _checked_name(node: "Node", name: str, source: bytes, body: "Node | None") -> str:
    """A name with what the grammars put elsewhere; by the header's text where they took code for it."""
    returned = text_of(node.child_by_field_name("type"), source)
    if returned.split("::")[-1] == "operator":  # `inline V::operator int() const {`
        return f"{returned} {name}"
    if _NAME.fullmatch(name) and len(name) < LONGEST_NAME:
        return name
    return called_name(source[node.start_byte : body.start_byte if body else node.end_byte])


def _declares(node: "Node") -> bool:
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type == "pointer_declarator":
        declarator = declarator.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "function_declarator"


def _operator_cast(declarator: "Node | None") -> "Node | None":
    """The conversion operator that a declarator is, alone or below the names that qualify it."""
    while declarator is not None and declarator.type == "qualified_identifier":
        declarator = declarator.child_by_field_name("name")
    return declarator if declarator is not None and declarator.type == "operator_cast" else None


def _cast_name(declarator: "Node | None", cast: "Node | None", source: bytes) -> str:
    parameters = cast.child_by_field_name("declarator") if cast else None
    while parameters is not None and parameters.type != "abstract_function_declarator":  # `operator T*() const`
        parameters = parameters.child_by_field_name("declarator")
    return text_of(declarator, source, parameters.start_byte if parameters else None)


def _inner_declarator(node: "Node") -> "Node | None":
    """The child of a declarator whose grammar rule has no field for it: parentheses, references, attributes."""
    if not node.type.endswith("declarator"):
        return None
    ends = ("declarator", "identifier", "_name", "operator_cast")
    return next((child for child in node.named_children if child.type.endswith(ends)), None)
