"""Where an array goes: to functions that read it, as a text or not, and to others that may write to it."""

import re
from typing import TYPE_CHECKING

from codewren.evidence.expressions import bare, index_of, root_name
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.operations import OPERATIONS, Kind
from codewren.evidence.text_ends import is_never_negative

if TYPE_CHECKING:
    from tree_sitter import Node

_READERS = frozenset(
    (
        "strcmp", "strncmp", "strcasecmp", "strncasecmp", "memcmp", "puts", "fputs", "fwrite", "write", "send", "free",
        "strdup", "strtol", "strchr", "strrchr", "strstr", "stat", "lstat", "unlink", "remove", "rename", "mkdir",
        "rmdir", "chdir", "opendir", "perror", "assert", "isspace", "isdigit",
    )
)  # fmt: skip
_CLEARING = frozenset({"memset", "bzero"})
_UNSAID = frozenset({Kind.PLAIN, Kind.TEMPORARY})  # they may write: `realpath` does, `PATH_MAX` bytes of it
_TEXT_READERS = frozenset(
    (
        "strlen", "strcpy", "strcat", "strcmp", "strcasecmp", "strchr", "strrchr", "strstr", "strdup", "strtok",
        "strtol", "strtoul", "strtod", "strspn", "strcspn", "strpbrk", "atoi", "atol", "atof", "puts", "fputs",
        "sscanf", "printf", "fprintf", "sprintf", "snprintf", "syslog", "fopen", "open", "unlink", "stat", "lstat",
        "access", "system", "popen", "perror",
    )
)  # fmt: skip


def is_read_as_text(view: FunctionView, name: str) -> bool:
    """Whether an array is read up to a null byte, and none is written to it alone."""
    if name in view.ended:
        return False
    for call in view.calls:
        target = OPERATIONS[call.name].target if call.name in OPERATIONS else None
        if call.name in _TEXT_READERS and any(
            _is_place(piece) and root_name(view.text(piece)) == name
            for number, piece in enumerate(call.arguments)
            if number != target
        ):
            return True
    return False


def index_fits(view: FunctionView, name: str, node: "Node") -> bool:
    """Whether the index of an element is a constant inside the array, or a variable that constants keep inside."""
    index, size = index_of(node) if node.type == "subscript_expression" else None, view.sizes().get(name)
    if index is None or size is None:
        return False
    width, _ = view.arrays[name]
    value, limits = view.constant(index), view.limits.get(view.text(index).strip("[]"))
    largest = value if value is not None else max(limits) if limits else None
    if value is None and not is_never_negative(view, view.text(index).strip("[]")):
        return False
    return largest is not None and 0 <= largest < size // max(width, 1)


def handed_on(view: FunctionView, name: str) -> str:
    """Where the array goes without its size; empty if nowhere."""
    for call in view.calls:
        operation = OPERATIONS.get(call.name)
        if call.name in _READERS or (operation and operation.kind not in _UNSAID):
            continue
        if name in (root_name(view.text(piece)) for piece in call.arguments) and not _is_told(view, call, name):
            return f"goes to {call.name} without its size"
    for other, values in view.values.items():
        if any(_may_be_in(view, value, name) for _, value in values):
            return f"{other} points into it"
    return ""


def _is_told(view: FunctionView, call: Call, name: str) -> bool:
    """Whether a call that an array goes to has its size among the arguments, as many bytes as it has from there."""
    places = [piece for piece in call.arguments if _is_place(piece) and root_name(view.text(piece)) == name]
    sizes = [_room(view, name, piece) for piece in places]
    for piece in call.arguments[-1:] if call.name in _CLEARING else call.arguments:
        value, text = view.constant(piece), view.text(piece)
        is_own = re.search(rf"\bsizeof\(?{re.escape(name)}\b", text) is not None
        if value is None and is_own and re.fullmatch(r"sizeof\(?\w+\)?(?:[-/][\w()\[\]]+)?", text):
            return all(view.text(place) == name for place in places) and view.arrays[name][0] in {0, 1}
        least = 0 if call.name in _CLEARING else None if not sizes or sizes[0] is None else sizes[0] - 1
        is_inside = bool(sizes) and value is not None and all(size is not None and value <= size for size in sizes)
        if is_inside and (is_own or (least is not None and (value or 0) >= least)):
            return True
    return False


def _room(view: FunctionView, name: str, place: "Node") -> int | None:
    """Elements from a place in an array on, where an element is a byte or the place the array; None if not known."""
    size, (width, _) = view.sizes().get(name), view.arrays.get(name, (0, ()))
    plain = view.text(place).lstrip("&") == name
    whole = size if plain else view.size_of(place)
    return None if whole is None else whole // max(width, 1)


def _may_be_in(view: FunctionView, value: "Node", name: str) -> bool:
    """Whether a value may be a place in an array: the array, a part of it, a row of it, or one of two such."""
    value = bare(value)
    if value.type in {"conditional_expression", "assignment_expression", "comma_expression"}:
        return any(_may_be_in(view, piece, name) for piece in value.named_children)
    _, dimensions = view.arrays.get(name, (0, ()))
    is_row = value.type == "subscript_expression" and len(dimensions) > 1
    return root_name(view.text(value)) == name and (is_row or _is_place(value))


def _is_place(value: "Node") -> bool:
    """Whether a value is an array or a place in it, no element or computation."""
    value = bare(value)
    return value.type in {"identifier", "pointer_expression", "binary_expression"}
