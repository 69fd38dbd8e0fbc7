"""What is written to an array of fixed size, in the function that declares it."""

from typing import TYPE_CHECKING

from codewren.evidence.call_evidence import call_evidence
from codewren.evidence.function_view import FunctionView, bare, root_name
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.operations import OPERATIONS

if TYPE_CHECKING:
    from tree_sitter import Node

_READS = frozenset(
    (
        "strcmp", "strncmp", "strcasecmp", "strncasecmp", "memcmp", "puts", "fputs", "fwrite", "write", "send", "free",
        "strdup", "strtol", "strchr", "strrchr", "strstr", "stat", "lstat", "unlink", "remove", "rename", "mkdir",
        "rmdir", "chdir", "opendir", "perror", "memset", "bzero", "assert", "isspace", "isdigit",
    )
)  # fmt: skip
_POINTER_BYTES = 8


def array_evidence(view: FunctionView, name: str) -> Evidence:
    """What may write past the end of an array that the function declares, or one that it knows by this name."""
    if view.arrays.get(name, (0, ()))[0] == _POINTER_BYTES:
        return Evidence(name, Grade.PLAIN, "an array of pointers, not of text")
    written = [call_evidence(view, call) for _, call in view.filled.get(name, ())]
    open_writes = [one for one in written if not one.is_harmless]
    if open_writes:
        worst = max(open_writes, key=lambda one: one.worth)
        return Evidence(name, worst.grade, f"{worst.call} writes to it: {worst.sentence}")
    unbounded = next((node for node in view.indexed.get(name, ()) if not _is_bounded(view, name, node)), None)
    if unbounded is not None:
        line = view.text(unbounded.child_by_field_name("left"))
        return Evidence(name, Grade.ARRAY_INDEXED, f"{line} is written, and the index not compared")
    handed = _handed_on(view, name)
    if handed:
        return Evidence(name, Grade.ARRAY_PASSED, handed)
    number = len(written) + len(view.indexed.get(name, ()))
    return Evidence(
        name, Grade.HARMLESS, f"each of the {number} writes to it is bounded" if number else "never written"
    )


def _is_bounded(view: FunctionView, name: str, node: "Node") -> bool:
    """Whether the index of an assignment to an element is a constant inside, or compared somewhere."""
    left = node.child_by_field_name("left")
    index = left.child_by_field_name("index") if left is not None else None
    if index is None and left is not None:
        index = next((child for child in left.named_children if child.type == "subscript_argument_list"), None)
    if index is None:
        return False
    value, size = view.constant(index), view.sizes().get(name)
    if value is not None and (size is None or value < size):
        return True
    if view.text(index).strip("[]") in _counts(view, name):
        return True
    return view.is_compared(view.variables(index), len(view.source) + 1)


def _counts(view: FunctionView, name: str) -> set[str]:
    """Variables that only ever hold how much a bounded call wrote to the array."""
    harmless = {call.node.id for _, call in view.filled.get(name, ()) if call_evidence(view, call).is_harmless}
    return {
        variable
        for variable, values in view.values.items()
        if values and all(bare(value).id in harmless for _, value in values)
    }


def _handed_on(view: FunctionView, name: str) -> str:
    """Where the array goes without its size; empty if nowhere."""
    for call in view.calls:
        operation = OPERATIONS.get(call.name)
        if operation or call.name in _READS:
            continue
        texts = [view.text(part) for part in call.arguments]
        if name not in map(root_name, texts):
            continue
        if any("sizeof" in text for text in texts):
            continue
        size = view.sizes().get(name)
        if size is not None and any(view.constant(part) in {size, size - 1} for part in call.arguments):
            continue
        return f"goes to {call.name} without its size"
    for other, values in view.values.items():
        if any(root_name(view.text(value)) == name and _is_pointer(value) for _, value in values):
            return f"{other} points into it"
    return ""


def _is_pointer(value: "Node") -> bool:
    """Whether a value is an array or a place in it, no element or computation."""
    value = bare(value)
    return value.type in {"identifier", "pointer_expression", "binary_expression"}
