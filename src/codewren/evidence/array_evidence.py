"""What is written to an array of fixed size, in the function that declares it."""

from typing import TYPE_CHECKING

from codewren.evidence.array_uses import handed_on, index_fits, is_read_as_text
from codewren.evidence.call_evidence import call_evidence
from codewren.evidence.expressions import bare, index_of
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.longest_text import has_no_end
from codewren.evidence.operations import OPERATIONS
from codewren.evidence.text_ends import is_never_negative

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
    open_writes = [one for one in written if one.grade not in {Grade.HARMLESS, Grade.PRESUMED}]
    if open_writes:
        worst = max(open_writes, key=lambda one: one.worth)
        return Evidence(name, worst.grade, f"{worst.call} writes to it: {worst.sentence}")
    elements = view.indexed.get(name, ())
    unbounded = next((node for node in elements if not _is_compared(view, name, node)), None)
    if unbounded is not None:
        return Evidence(name, Grade.ARRAY_INDEXED, f"{view.text(unbounded)} is written, and the index not compared")
    return _closed(view, name, written)


def _closed(view: FunctionView, name: str, written: list[Evidence]) -> Evidence:
    """Of an array that nothing is known to write past: whether nothing can."""
    handed, elements = handed_on(view, name), view.indexed.get(name, ())
    if handed:
        return Evidence(name, Grade.ARRAY_PASSED, handed)
    unsure = next((one for one in written if not one.is_harmless), None)
    if unsure is not None:
        return Evidence(name, Grade.PRESUMED, f"{unsure.call} writes to it: {unsure.sentence}")
    if not all(index_fits(view, name, node) or _is_count(view, name, node) for node in elements):
        return Evidence(
            name, Grade.PRESUMED, "it is written by indexes that are compared, not with its size and 0 alone"
        )
    number = len(written) + len(elements)
    sentence = f"each of the {number} writes to it is bounded" if number else "never written"
    return Evidence(name, Grade.HARMLESS, sentence)


def _is_compared(view: FunctionView, name: str, node: "Node") -> bool:
    """Whether the index of an element is a constant inside, or compared somewhere."""
    index = index_of(node) if node.type == "subscript_expression" else None
    if index is None:
        return False
    if index_fits(view, name, node) or _is_count(view, name, node):
        return True
    return view.is_compared(view.variables(index), len(view.source) + 1)


def _is_count(view: FunctionView, name: str, node: "Node") -> bool:
    """Whether the index is how much calls wrote to the array that leave a byte of it."""
    index, size = index_of(node), view.sizes().get(name)
    values = view.given(view.text(index).strip("[]"))
    calls = {call.node.id: call for _, call in view.filled.get(name, ())}
    counts = [calls.get(bare(value).id) for value in values]
    if not is_never_negative(view, view.text(index).strip("[]")):
        return False
    return size is not None and bool(counts) and all(call is not None and _leaves(view, call, size) for call in counts)


def _leaves(view: FunctionView, call: Call, size: int) -> bool:
    bound = view.constant(call.argument(OPERATIONS[call.name].size))
    return bound is not None and bound < size and view.text(call.argument(OPERATIONS[call.name].target)).isidentifier()
