"""How long the text of an expression or the output of a format can be at most."""

import re
from typing import TYPE_CHECKING, NamedTuple

from codewren.evidence.array_uses import handed_on, index_fits
from codewren.evidence.expressions import bare
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.operations import OPERATIONS, TRANSLATED, Kind

if TYPE_CHECKING:
    from tree_sitter import Node

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]+|[0-7]{1,3}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*+)"', re.DOTALL)
_PARTS = re.compile(r'"((?:\\.|[^"\\])*+)"|\b(?:L|u8?|U)(?=")|([A-Za-z_]\w*+)', re.DOTALL)
_DIRECTIVE = re.compile(r"%([-+ #0']*)(\d+|\*)?(?:\.(\d+|\*)?)?(hh|h|ll|l|z|j|t|q|L)?([a-zA-Z%])")
_TABLE_BODY = re.compile(r'(?:\s|,|""|\b_\(|\bN_\(|\)|\bNULL\b|\b0\b|/\*.*?\*/|\{|\})*+', re.DOTALL)
_INTEGERS = {"": 11, "hh": 4, "h": 6, "l": 20, "ll": 20, "z": 20, "j": 20, "t": 20, "q": 20}
_SHORT = {"inet_ntoa": 15, "ctime": 25, "asctime": 25}
_DEEPEST, _MOST_WRITES = 5, 100


def literal_text(view: FunctionView, node: "Node | None") -> str | None:
    """The text of a literal, of neighbouring ones, or of a macro or global that is one; None for all else.

    Escapes count as one character each; a macro beside a literal whose text is not known is a null character.
    """
    if node is None:
        return None
    node = bare(node)
    source = view.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
    if node.type in {"string_literal", "concatenated_string"}:
        return _plain(view, source)
    if node.type == "identifier":
        body = _behind_names(view, source)
        return _plain(view, body) if body else None
    if node.type == "call_expression":
        name, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if name is not None and view.text(name) in TRANSLATED and arguments is not None and arguments.named_children:
            return literal_text(view, arguments.named_children[0])
    return None


def _behind_names(view: FunctionView, name: str) -> str:
    """The literal that a macro or a constant global stands for; empty where it is none."""
    if name in view.parameters or name in view.arrays or name in view.values:
        return ""
    for _ in range(_DEEPEST):
        body = view.facts.macros.get(name) or view.facts.texts.get(name) or ""
        if '"' in body and not re.search(r"\b\w+\s*\(", _QUOTED.sub("", body)):
            return body
        name = body.strip()
    return ""


def _plain(view: FunctionView, source: str, depth: int = 0) -> str:
    pieces = list[str]()
    for quoted, macro in _PARTS.findall(source):
        if not macro:
            pieces.append(_ESCAPE.sub("x", quoted))
        elif macro.startswith("PRI"):
            pieces.append("l" + macro[3])
        elif '"' in (body := view.facts.macros.get(macro, "")) and depth < _DEEPEST:
            pieces.append(_plain(view, body, depth + 1))
        else:
            pieces.append("\0")
    return "".join(pieces)


def longest_text(view: FunctionView, node: "Node | None", depth: int = 0, *, is_sure: bool = False) -> int | None:
    """Most characters that the text an expression points to can have, or None where nothing bounds it.

    An array is taken to hold a text that ends in it; with `is_sure` only where the function shows all that is
    written to it.
    """
    if node is None or depth > _DEEPEST:
        return None
    node = bare(node)
    key = node.id, depth, is_sure
    if key not in view.lengths:
        view.lengths[key] = _longest(view, node, depth, is_sure=is_sure)
    return view.lengths[key]


def _longest(view: FunctionView, node: "Node", depth: int, *, is_sure: bool) -> int | None:
    literal = literal_text(view, node)
    if literal is not None:
        return None if node.type == "call_expression" or "\0" in literal else len(literal)
    if node.type == "conditional_expression":
        branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        lengths = [longest_text(view, branch, depth + 1, is_sure=is_sure) for branch in branches]
        return None if None in lengths else max(length or 0 for length in lengths)
    if node.type == "call_expression":
        return _SHORT.get(view.text(node.child_by_field_name("function")))
    table = table_of(view, node)
    return _longest_stored(view, node, depth, is_sure=is_sure) if table is None else max(map(len, table), default=0)


def _longest_stored(view: FunctionView, node: "Node", depth: int, *, is_sure: bool) -> int | None:
    """Of what an array holds, or a variable points to."""
    size = view.size_of(node)
    if size is not None:
        is_part = node.type in {"binary_expression", "pointer_expression"}
        is_known = not is_sure or (not is_part and _is_all_shown(view, view.text(node)))
        return max(size - 1, 0) if is_known and _writes_fit(view, view.text(node), size, depth) else None
    if node.type == "identifier":
        name = view.text(node)
        values = view.handed(name) if name in view.parameters else [(view, value) for value in view.given(name)]
        if view.is_lent(name):
            return None
        lengths = [longest_text(around, value, depth + 1, is_sure=is_sure) for around, value in values]
        return max(length or 0 for length in lengths) if lengths and None not in lengths else None
    return None


def table_of(view: FunctionView, node: "Node") -> list[str] | None:
    """The texts that an element of an array of texts may be; None where it is no such array, or not all are known."""
    if node.type != "subscript_expression":
        return None
    name = view.text(node.child_by_field_name("argument"))
    body = view.facts.tables.get(name, "")
    if name in view.initial and name not in view.indexed:
        initial = view.initial[name]
        body = view.source[initial.start_byte : initial.end_byte].decode("utf-8", "replace").strip("{} ")
    elif name in view.arrays or name in view.pointers or name in view.parameters:
        return None
    if '"' not in body or not _TABLE_BODY.fullmatch(_QUOTED.sub('""', body)):
        return None
    return [_ESCAPE.sub("x", text) for text in _QUOTED.findall(body)]


def has_no_end(view: FunctionView, name: str) -> bool:
    """Whether an array begins with a text that leaves no room for its null byte."""
    initial, size = view.initial.get(name), view.sizes().get(name)
    if initial is None or size is None or initial.type != "string_literal" or name in view.filled:
        return False
    text = literal_text(view, initial)
    return text is not None and len(text) >= size


def _is_all_shown(view: FunctionView, name: str) -> bool:
    """Whether an array is one of the function, and all writes to it are seen and stay inside."""
    elements = view.indexed.get(name, ())
    return name in view.arrays and not handed_on(view, name) and all(index_fits(view, name, one) for one in elements)


def _writes_fit(view: FunctionView, name: str, size: int, depth: int) -> bool:
    """Whether each write to an array is known to leave a text in it that ends inside."""
    if has_no_end(view, name):
        return False
    calls = [call for _, call in view.filled.get(name, ())]
    return len(calls) <= _MOST_WRITES and all(_fits(view, name, call, size, depth + 1) for call in calls)


def _fits(view: FunctionView, name: str, call: Call, size: int, depth: int) -> bool:  # of a text
    operation = OPERATIONS[call.name]
    if operation.size is not None:
        return operation.ends or name in view.ended or name in view.cleared
    if operation.kind is Kind.COPY:
        most = longest_text(view, call.argument(operation.source), depth)
        return most is not None and most < size
    form = literal_text(view, call.argument(operation.format)) if operation.kind is Kind.PRINT else None
    if form is None or operation.format is None:
        return False
    output = longest_output(view, form, call.arguments[operation.format + 1 :], depth)
    return not output.unbounded and output.texts < size


class Output(NamedTuple):
    """What a format writes.

    Attributes:
        most: characters at most of all that is bounded.
        texts: characters at most if every number had one digit.
        unbounded: the arguments, or the texts of directives, that nothing bounds.
    """

    most: int
    texts: int
    unbounded: "tuple[Node | str, ...]"


def longest_output(
    view: FunctionView, form: str, arguments: "tuple[Node, ...]", depth: int = 0, *, is_sure: bool = False
) -> Output:
    """How much a format writes at most."""
    total, texts, number, end = 0, 0, 0, 0
    unbounded: list[Node | str] = ["a macro in the format"] if "\0" in form else []
    for match in _DIRECTIVE.finditer(form):
        total, texts = total + match.start() - end, texts + match.start() - end
        end = match.end()
        _, width, precision, length, letter = match.groups()
        if letter == "%":
            total, texts = total + 1, texts + 1
            continue
        if width == "*" or precision == "*":
            unbounded.append(match[0])
            number += (width == "*") + (precision == "*") + 1
            continue
        argument = arguments[number] if number < len(arguments) else None
        number += 1
        known = longest_text(view, argument, depth, is_sure=is_sure) if letter == "s" else None
        most = _directive(letter, length or "", precision, known)
        if most is None:
            unbounded.append(match[0] if argument is None else argument)
            continue
        total += max(most, int(width or 0))
        texts += max(most if letter == "s" else 1, int(width or 0))
    return Output(total + len(form) - end, texts + len(form) - end, tuple(unbounded))


def _directive(letter: str, length: str, precision: str | None, known: int | None) -> int | None:
    """Most characters of one directive; `known` are those of the text that it writes."""
    if letter == "s":
        limits = [limit for limit in (known, None if precision is None else int(precision)) if limit is not None]
        return min(limits) if limits else None
    if letter == "c":
        return 1
    if letter in "di":
        return max(_INTEGERS.get(length, 20), int(precision or 0) + 1)
    if letter in "uxXop":
        return max(_INTEGERS.get(length, 20) + 2, int(precision or 0)) if letter != "p" else 18
    return None
