"""What is written to an array of fixed size, in the function that declares it."""

from typing import TYPE_CHECKING

from codewren.evidence.array_uses import handed_on, is_read_as_text
from codewren.evidence.call_evidence import call_evidence
from codewren.evidence.expressions import bare
from codewren.evidence.function_view import FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.longest_text import has_no_end

if TYPE_CHECKING:
    from tree_sitter import Node

_POINTER_BYTES = 8


def array_evidence(view: FunctionView, name: str) -> Evidence:
    """What may write past the end of an array that the function declares, or one that it knows by this name."""
    if view.arrays.get(name, (0, ()))[0] == _POINTER_BYTES:
        return Evidence(name, Grade.PLAIN, "an array of pointers, not of text")
    written = [call_evidence(view, call) for _, call in view.filled.get(name, ())]
    if has_no_end(view, name) and is_read_as_text(view, name):
        return Evidence(name, Grade.UNENDED, "its first text has no room for a null byte, and is used as a text")
    open_writes = [one for one in written if not one.is_harmless]
    if open_writes:
        worst = max(open_writes, key=lambda one: one.worth)
        return Evidence(name, worst.grade, f"{worst.call} writes to it: {worst.sentence}")
    unbounded = next((node for node in view.indexed.get(name, ()) if not _is_bounded(view, name, node)), None)
    if unbounded is not None:
        line = view.text(unbounded.child_by_field_name("left"))
        return Evidence(name, Grade.ARRAY_INDEXED, f"{line} is written, and the index not compared")
    handed = handed_on(view, name)
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
