"""What the text around one call of the C library shows."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from codewren.evidence.copy_evidence import bounded_evidence, copy_evidence, print_evidence, shown
from codewren.evidence.expressions import bare
from codewren.evidence.format_evidence import format_evidence, is_constant_text, scan_evidence
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.longest_text import has_no_end, literal_text
from codewren.evidence.operations import OPERATIONS, Kind
from codewren.evidence.value_origin import WORDS, ValueOrigin, value_origin

if TYPE_CHECKING:
    from tree_sitter import Node

_ARGUMENTS = re.compile(r"\b(?:optarg|argv)\b")
_SHARED = ("/tmp", "/var/tmp")


def call_evidence(view: FunctionView, call: Call) -> Evidence:
    """What a call of one of `OPERATIONS` shows."""
    return _JUDGES[OPERATIONS[call.name].kind](view, call)


def _command(view: FunctionView, call: Call) -> Evidence:
    source = call.argument(0)
    script = next((after for option, after in pairwise(call.arguments) if view.text(option) == '"-c"'), None)
    if script is not None and not is_constant_text(view, script):
        source = script
    if is_constant_text(view, source):
        grade = Grade.PLAIN if call.name.startswith("exec") else Grade.HARMLESS
        return Evidence(call.name, grade, "the command is a constant")
    words = WORDS[value_origin(view, source)]
    return Evidence(call.name, Grade.COMMAND_VARIABLE, f"the command {shown(view, source)} {words}")


def _path(view: FunctionView, call: Call) -> Evidence:
    source = call.argument(0)
    if literal_text(view, source) is not None:
        return Evidence(call.name, Grade.PLAIN, "the path is a constant")
    if call.name == "access":
        return Evidence(call.name, Grade.PATH_TESTED, f"{shown(view, source)} may be exchanged after the test")
    return Evidence(call.name, Grade.PATH_VARIABLE, f"{shown(view, source)} may be exchanged before or after")


def _temporary(view: FunctionView, call: Call) -> Evidence:
    return Evidence(call.name, Grade.TEMPORARY, "the name can be guessed, and the file exist before it is opened")


def _open(view: FunctionView, call: Call) -> Evidence:
    path = literal_text(view, call.argument(0))
    if path is None:
        words = WORDS[value_origin(view, call.argument(0))]
        return Evidence(call.name, Grade.PLAIN, f"the path {shown(view, call.argument(0))} {words}")
    if path.startswith(_SHARED):
        return Evidence(call.name, Grade.TEMPORARY, "a fixed name where everybody may write")
    grade = Grade.HARMLESS if path.startswith("/") else Grade.PLAIN
    return Evidence(call.name, grade, "the path is a constant")


def _number(view: FunctionView, call: Call) -> Evidence:
    origin, around = value_origin(view, call.argument(0)), call.node.parent
    if origin is ValueOrigin.CONSTANT:
        return Evidence(call.name, Grade.HARMLESS, "of a constant")
    if around is not None and around.type == "binary_expression":
        return Evidence(call.name, Grade.NUMBER_CHECKED, "the number is compared or computed with at once")
    name = _assigned(view, call)
    if name and view.is_compared({name}, len(view.source) + 1, call.node.start_byte):
        return Evidence(call.name, Grade.NUMBER_CHECKED, f"{name} is compared after")
    sentence = f"{name or 'the number'} is not compared after; {shown(view, call.argument(0))} {WORDS[origin]}"
    if name and name in view.sizing:
        return Evidence(call.name, Grade.NUMBER_USED, f"{name} decides over memory and is not compared after")
    is_own = _ARGUMENTS.search(view.text(call.argument(0))) is not None
    return Evidence(call.name, Grade.NUMBER_ARGUMENT if is_own else Grade.NUMBER_UNCHECKED, sentence)


def _assigned(view: FunctionView, call: Call) -> str:
    """The variable that a call's value is given to; empty where it is none."""
    node, around = call.node, call.node.parent
    while around is not None and bare(around) == bare(node):
        node, around = around, around.parent
    if around is None or around.type not in {"assignment_expression", "init_declarator"}:
        return ""
    left = around.child_by_field_name("left") or around.child_by_field_name("declarator")
    return view.text(left).lstrip("*")


def _length(view: FunctionView, call: Call) -> Evidence:
    source, around = call.argument(0), call.node.parent
    if literal_text(view, source) is not None:
        return Evidence(call.name, Grade.HARMLESS, "of a constant")
    name = shown(view, source)
    if has_no_end(view, view.text(source)):
        return Evidence(call.name, Grade.UNENDED, f"the first text of {name} has no room for a null byte")
    if around is not None and around.type == "argument_list" and "alloc" in view.text(around.parent).split("(")[0]:
        return Evidence(call.name, Grade.OVERFLOW, f"allocates the length of {name} without its null byte")
    written = view.filled.get(view.text(source), ())
    before = [other for byte, other in written if byte < call.node.start_byte and not OPERATIONS[other.name].appends]
    if before and before[-1].name in _UNENDED and view.text(source) not in view.ended:
        return Evidence(call.name, Grade.UNENDED, f"{name} is filled here and not ended")
    used = _length_used(view, call, around)
    return used or Evidence(call.name, Grade.PLAIN, f"{name} {WORDS[value_origin(view, source)]}")


def _length_used(view: FunctionView, call: Call, around: "Node | None") -> Evidence | None:
    """A length less one as an index, or a length that a sum grows by."""
    source, text = call.argument(0), view.text(around)
    name, outer = shown(view, source), None if around is None else around.parent
    if around is not None and outer is not None and around.type == "binary_expression" and text.endswith("-1"):
        is_index = outer.type in {"subscript_expression", "subscript_argument_list"}
        if is_index and not view.is_compared({f"strlen({view.text(source)})"}, call.node.start_byte):
            return Evidence(call.name, Grade.LENGTH_INDEX, f"{name} may be empty, the index is then -1")
    length = _assigned(view, call)
    if length and length in view.last_indexes and not view.is_tested(length):
        return Evidence(call.name, Grade.LENGTH_INDEX, f"{name} may be empty, the index {length} - 1 is then -1")
    if around is None or around.type != "assignment_expression" or "+=" not in text:
        return None
    return _length_added(view, call, text.split("+=")[0])


def _length_added(view: FunctionView, call: Call, total: str) -> Evidence:
    """A sum that a length is added to."""
    source = call.argument(0)
    if total == view.text(source):
        return Evidence(call.name, Grade.PLAIN, f"{total} is moved to its end")
    if total in view.allocating or total in view.returned:
        return Evidence(call.name, Grade.PLAIN, f"{total} adds lengths up, for an allocation or a caller")
    if view.is_compared({total}, len(view.source) + 1):
        return Evidence(call.name, Grade.CHECKED, f"{total} is compared")
    return Evidence(call.name, Grade.LENGTH_ADDED, f"{total} grows by it, and is not compared")


_UNENDED = frozenset(["read", "recv", "recvfrom", "fread", "pread", "readlink", "memcpy", "strncpy"])


def _plain(view: FunctionView, call: Call) -> Evidence:
    return Evidence(call.name, Grade.PLAIN, "no evidence either way")


_JUDGES: dict[Kind, Callable[[FunctionView, Call], Evidence]] = {
    Kind.COPY: copy_evidence,
    Kind.BOUNDED: bounded_evidence,
    Kind.PRINT: print_evidence,
    Kind.FORMAT: format_evidence,
    Kind.SCAN: scan_evidence,
    Kind.COMMAND: _command,
    Kind.PATH: _path,
    Kind.TEMPORARY: _temporary,
    Kind.OPEN: _open,
    Kind.NUMBER: _number,
    Kind.LENGTH: _length,
    Kind.ENVIRONMENT: _plain,
    Kind.PLAIN: _plain,
}
