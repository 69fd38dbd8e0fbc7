"""What the format of a printing or scanning call shows."""

import re
from typing import TYPE_CHECKING

from codewren.evidence.expressions import bare
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.longest_text import literal_text, longest_text, table_of
from codewren.evidence.operations import OPERATIONS
from codewren.evidence.value_origin import WORDS, ValueOrigin, value_origin

if TYPE_CHECKING:
    from tree_sitter import Node

_SCANNED = re.compile(r"%(\*)?(\d+)?(?:hh|h|ll|l|z|j|t|q|L|m)?([a-zA-Z\[%])")
_DEEPEST = 4


def format_evidence(view: FunctionView, call: Call) -> Evidence:
    """Whether the format of a call can be anything but what the program says."""
    node = call.argument(OPERATIONS[call.name].format)
    if is_constant_text(view, node):
        return Evidence(call.name, Grade.HARMLESS, "the format is a constant")
    name, origin = view.text(node), value_origin(view, node)
    if view.is_variadic and origin is ValueOrigin.PARAMETER:
        return Evidence(call.name, Grade.FORMAT_PASSED, f"hands on its own parameters, the format {name} among them")
    if origin is ValueOrigin.CONSTANT:
        return Evidence(call.name, Grade.FORMAT_PASSED, f"the format {name} looks like a constant")
    return Evidence(call.name, Grade.FORMAT_VARIABLE, f"the format {name} {WORDS[origin]}")


def is_constant_text(view: FunctionView, node: "Node | None", depth: int = 0) -> bool:
    """Whether an expression is one of some literals, or a translation of one."""
    if node is None or depth > _DEEPEST:
        return False
    node = bare(node)
    if literal_text(view, node) is not None or table_of(view, node) is not None:
        return True
    if node.type == "conditional_expression":
        branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        return all(is_constant_text(view, branch, depth + 1) for branch in branches)
    name = view.text(node)
    if node.type != "identifier" or name in view.filled or view.is_lent(name):
        return False
    values = view.handed(name) if name in view.parameters else [(view, value) for value in view.given(name)]
    return bool(values) and all(is_constant_text(around, value, depth + 1) for around, value in values)


def scan_evidence(view: FunctionView, call: Call) -> Evidence:
    """Whether what is scanned fits the targets."""
    operation = OPERATIONS[call.name]
    number = operation.format or 0
    form = literal_text(view, call.argument(number))
    if form is None:
        return format_evidence(view, call)
    most = longest_text(view, call.argument(0), is_sure=True) if number else None
    targets = iter(call.arguments[number + 1 :])
    for skipped, width, letter in _SCANNED.findall(form):
        target = None if skipped or letter == "%" else next(targets, None)
        if target is None or letter not in "s[c":
            continue
        size, name = view.size_of(target), view.text(target)
        if letter == "c":  # without a null byte
            if size is not None and int(width or 1) > size:
                return Evidence(call.name, Grade.OVERFLOW, f"{width} characters, {name} has {size}")
            if size is not None or int(width or 1) == 1:
                continue
        if most is not None and size is not None and most < size:
            continue
        if not width and letter != "c":
            origin = value_origin(view, call.argument(0)) if number else ValueOrigin.OUTSIDE
            grade = Grade.UNBOUNDED_OUTSIDE if origin is ValueOrigin.OUTSIDE else Grade.UNBOUNDED_PARAMETER
            return Evidence(call.name, grade, f"%{letter} without a width writes to {name}")
        if size is not None and int(width) >= size:
            return Evidence(call.name, Grade.OVERFLOW, f"{width} characters and a null byte, {name} has {size}")
        if size is None:
            return Evidence(
                call.name, Grade.CONSTANT_SIZE, f"at most {width} characters; the size of {name} is unknown"
            )
    return Evidence(call.name, Grade.HARMLESS, "no text without a width that fits is scanned")
