"""Where the value of an expression comes from, as far as one function shows."""

from enum import IntEnum
from typing import TYPE_CHECKING

from codewren.evidence.expressions import bare, root_name
from codewren.evidence.function_view import FunctionView
from codewren.evidence.longest_text import literal_text, table_of
from codewren.evidence.operations import NUMBERS, OPERATIONS, OUTSIDE

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST = 6
_THROUGH = frozenset(  # what they give comes from their first argument
    (
        "strdup", "strndup", "strchr", "strrchr", "strstr", "strtok", "strpbrk", "basename", "dirname", "toupper",
        "tolower", "xstrdup", "g_strdup",
    )
)  # fmt: skip
_STRANGERS = frozenset({"optarg", "argv", "environ"})
_PARTS = frozenset(
    ["binary_expression", "conditional_expression", "unary_expression", "comma_expression", "update_expression"]
)


class ValueOrigin(IntEnum):
    """From what nobody can change to what anybody can."""

    CONSTANT = 0
    LOCAL = 1
    STORED = 2  # in a global or a field
    RETURNED = 3  # by another function
    PARAMETER = 4
    OUTSIDE = 5


WORDS = {
    ValueOrigin.CONSTANT: "is a constant",
    ValueOrigin.LOCAL: "is made here",
    ValueOrigin.STORED: "is stored elsewhere",
    ValueOrigin.RETURNED: "is what another function gives",
    ValueOrigin.PARAMETER: "is a parameter",
    ValueOrigin.OUTSIDE: "comes from outside",
}


def value_origin(view: FunctionView, node: "Node | None", depth: int = 0) -> ValueOrigin:
    """The least trustworthy thing that an expression depends on."""
    if node is None or depth > _DEEPEST:
        is_parameter = node is not None and view.text(node) in view.parameters  # of a long chain of callers
        return ValueOrigin.PARAMETER if is_parameter else ValueOrigin.LOCAL
    node = bare(node)
    key = node.id, depth
    if key not in view.origins:
        view.origins[key] = _origin(view, node, depth)
    return ValueOrigin(view.origins[key])


def _origin(view: FunctionView, node: "Node", depth: int) -> ValueOrigin:
    if node.type in _PARTS:
        return _worst(view, node.named_children, depth)
    if node.type == "call_expression":
        return _of_call(view, node, depth)
    if table_of(view, node) is not None:
        return ValueOrigin.CONSTANT
    inside = {"subscript_expression": "argument", "pointer_expression": "argument", "assignment_expression": "right"}
    if node.type in inside:
        return value_origin(view, node.child_by_field_name(inside[node.type]), depth + 1)
    if node.type == "field_expression":
        return _of_stored(view, node, depth)
    return _of_name(view, node, depth) if node.type == "identifier" else ValueOrigin.CONSTANT


def _worst(view: FunctionView, nodes: "list[Node]", depth: int) -> ValueOrigin:
    return max((value_origin(view, node, depth + 1) for node in nodes), default=ValueOrigin.CONSTANT)


def _of_call(view: FunctionView, node: "Node", depth: int) -> ValueOrigin:
    name, arguments = view.text(node.child_by_field_name("function")), node.child_by_field_name("arguments")
    if name in OUTSIDE:
        return ValueOrigin.OUTSIDE
    if arguments is not None and (name in _THROUGH or name in NUMBERS or name in {"strlen", "_", "min", "MIN"}):
        return _worst(view, arguments.named_children[:2], depth)
    return ValueOrigin.RETURNED


def _of_name(view: FunctionView, node: "Node", depth: int) -> ValueOrigin:
    name = view.text(node)
    if name in _STRANGERS:
        return ValueOrigin.OUTSIDE
    if literal_text(view, node) is not None or view.facts.value(name) is not None:
        return ValueOrigin.CONSTANT
    known = _of_stored(view, node, depth)
    if name in view.parameters:
        handed = [value_origin(around, value, depth + 1) for around, value in view.handed(name)]
        return max(handed) if handed else max(known, ValueOrigin.PARAMETER)
    if known is ValueOrigin.STORED and (name in view.arrays or name in view.values):
        return ValueOrigin.LOCAL
    return known


def _of_stored(view: FunctionView, node: "Node", depth: int) -> ValueOrigin:
    """What the function itself put there, or else that somebody did."""
    name = view.text(node)
    origins = [value_origin(view, value, depth + 1) for value in view.given(name)]
    for _, call in view.filled.get(root_name(name), ()):
        operation = OPERATIONS[call.name]
        if call.name in OUTSIDE:
            return ValueOrigin.OUTSIDE
        first = operation.format + 1 if operation.format is not None else operation.source
        sources = call.arguments[first:] if operation.format is not None else (call.argument(operation.source),)
        origins += [value_origin(view, source, depth + 1) for source in sources]
    return max(origins, default=ValueOrigin.STORED)
