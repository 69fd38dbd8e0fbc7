"""What the text around a call that writes to memory shows of its bounds."""

import re
from typing import TYPE_CHECKING

from codewren.evidence.array_uses import handed_on, is_read_as_text
from codewren.evidence.expressions import bare, index_of, root_name
from codewren.evidence.format_evidence import format_evidence
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.longest_text import literal_text, longest_output, longest_text
from codewren.evidence.operations import OPERATIONS, Kind, Operation
from codewren.evidence.text_ends import is_ended
from codewren.evidence.value_origin import WORDS, ValueOrigin, value_origin

if TYPE_CHECKING:
    from tree_sitter import Node

_UNBOUNDED = {ValueOrigin.OUTSIDE: Grade.UNBOUNDED_OUTSIDE, ValueOrigin.PARAMETER: Grade.UNBOUNDED_PARAMETER}
_SIZES = {ValueOrigin.OUTSIDE: Grade.SIZE_OUTSIDE, ValueOrigin.PARAMETER: Grade.SIZE_PARAMETER}
_ALLOCATES = re.compile(r"(?i:alloc|_new|New|realloc|alloca)")
_LOOPS = frozenset({"for_statement", "while_statement", "do_statement"})
_LONGEST_NAME, _MOST_WRITES, _MOST_ALIASES, _WIDE_BYTES = 40, 100, 3, 4


def copy_evidence(view: FunctionView, call: Call) -> Evidence:
    """Of calls that write as much as their source has."""
    operation = OPERATIONS[call.name]
    target, source = call.argument(operation.target), call.argument(operation.source)
    if source is None:
        return Evidence(call.name, Grade.UNBOUNDED_OUTSIDE, "what it reads has no bound")
    size, most = _room(view, call, target), longest_text(view, source)
    if operation.appends and most is not None:
        most = _appended(view, call, target)
    name = shown(view, target)
    if most is not None and size is not None:
        is_sure = longest_text(view, source, is_sure=True) is not None
        return _compared(call, name, size, most + 1, is_sure=is_sure)
    if most is not None:
        return Evidence(
            call.name, Grade.UNKNOWN_TARGET, f"the source has at most {most} bytes, {name} is of unknown size"
        )
    return _after_others(view, call, target, source) if operation.appends else _unbounded(view, call, target, source)


def _room(view: FunctionView, call: Call, target: "Node | None") -> int | None:
    """What fits into a target: bytes, or characters of a function for wide ones."""
    size = view.size_of(target)
    return size if size is None or not call.name.startswith("wcs") else size // _WIDE_BYTES


def _after_others(view: FunctionView, call: Call, target: "Node | None", source: "Node | None") -> Evidence:
    """Of what is put behind a text that other calls have written: no better than they are."""
    if longest_text(view, source) is None:
        return _unbounded(view, call, target, source)
    earlier = [
        copy_evidence(view, other) if OPERATIONS[other.name].kind is Kind.COPY else print_evidence(view, other)
        for byte, other in view.filled[root_name(view.text(target))]
        if byte < call.node.start_byte and OPERATIONS[other.name].kind in {Kind.COPY, Kind.PRINT}
        if not OPERATIONS[other.name].appends
    ]
    open_writes = [one for one in earlier if not one.is_harmless]
    if open_writes:
        worst = max(open_writes, key=lambda one: one.worth)
        return Evidence(call.name, worst.grade, f"goes behind what {worst.call} wrote: {worst.sentence}")
    length = longest_text(view, source)
    sentence = f"the source has at most {length} bytes; what {shown(view, target)} holds already is not known"
    return Evidence(call.name, Grade.UNKNOWN_TARGET, sentence)


def print_evidence(view: FunctionView, call: Call) -> Evidence:
    """Of calls that print to memory without a bound."""
    operation = OPERATIONS[call.name]
    target, number = call.argument(operation.target), operation.format or 0
    form = literal_text(view, call.argument(number))
    if form is None:
        evidence = format_evidence(view, call)
        sentence = f"the format is one of some constants, how much it writes to {shown(view, target)} is not known"
        return Evidence(call.name, Grade.UNKNOWN_TARGET, sentence) if evidence.is_harmless else evidence
    arguments = call.arguments[number + 1 :]
    output = longest_output(view, form, arguments)
    size, name = view.size_of(target), shown(view, target)
    if output.unbounded:
        sources = [None if isinstance(source, str) else source for source in output.unbounded]
        return max((_unbounded(view, call, target, source) for source in sources), key=lambda one: one.worth)
    if size is None:
        sentence = f"prints at most {output.most} bytes, {name} is of unknown size"
        return Evidence(call.name, Grade.UNKNOWN_TARGET, sentence)
    if output.texts < size <= output.most:
        sentence = f"may write {output.most + 1} bytes if its numbers are large, {name} has {size}"
        return Evidence(call.name, Grade.LARGE_NUMBERS, sentence)
    is_sure = not longest_output(view, form, arguments, is_sure=True).unbounded
    return _compared(call, name, size, output.most + 1, is_sure=is_sure)


def bounded_evidence(view: FunctionView, call: Call) -> Evidence:
    """Of calls that write as much as an argument says, and of their format where they have one."""
    operation = OPERATIONS[call.name]
    bound = _bound(view, call, operation)
    if operation.format is None:
        return bound
    form = format_evidence(view, call)
    return form if bound.is_harmless or (form.worth > bound.worth and not form.is_harmless) else bound


def shown(view: FunctionView, node: "Node | None") -> str:
    """The text of an expression, cut."""
    text = view.phrase(node)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


def _compared(call: Call, name: str, size: int, needed: int, *, is_sure: bool = True) -> Evidence:
    """What is written at most, against the size of the target; both in bytes with the null byte."""
    if needed <= size and not is_sure:
        sentence = f"writes at most {needed} bytes if its sources end, {name} has {size}"
        return Evidence(call.name, Grade.PRESUMED, sentence)
    if needed <= size:
        return Evidence(call.name, Grade.HARMLESS, f"writes at most {needed} bytes, {name} has {size}")
    return Evidence(call.name, Grade.OVERFLOW, f"may write {needed} bytes, {name} has {size}")


def _appended(view: FunctionView, call: Call, target: "Node | None") -> int | None:
    """Most characters in the target after all that the function writes to it, or None."""
    total, written = 0, view.filled[root_name(view.text(target))]
    root = root_name(view.text(target))
    if len(written) > _MOST_WRITES or root not in view.arrays or root in view.indexed or handed_on(view, root):
        return None
    for _, other in written:
        operation = OPERATIONS[other.name]
        most = longest_text(view, other.argument(operation.source)) if operation.format is None else None
        if most is None or operation.size is not None or _is_in_loop(other.node):
            return None
        total += most
    return total


def _is_in_loop(node: "Node") -> bool:
    around = node.parent
    while around is not None:
        if around.type in _LOOPS:
            return True
        around = around.parent
    return False


def _unbounded(view: FunctionView, call: Call, target: "Node | None", source: "Node | None") -> Evidence:
    name, origin = shown(view, source) or "the source", value_origin(view, source)
    length = f"strlen({view.text(source)})"
    sizes = _allocated(view, target)
    if any("strlen(" in size or "len" in size.lower() or name in size for size in sizes):
        return Evidence(call.name, Grade.SIZED, f"{shown(view, target)} is allocated with the length")
    if view.is_compared({length}, call.node.start_byte):
        return Evidence(call.name, Grade.CHECKED, f"the length of {name} is compared before")
    size = view.size_of(target)
    has = (
        f"{shown(view, target)} has {size} bytes"
        if size is not None
        else f"the size of {shown(view, target)} is unknown"
    )
    return Evidence(
        call.name, _UNBOUNDED.get(origin, Grade.UNBOUNDED_OTHER), f"{name} {WORDS[origin]} of any length, {has}"
    )


def _allocated(view: FunctionView, target: "Node | None") -> list[str]:
    """The texts of sizes with which a target was allocated here, variables in them with what they were set to."""
    return _allocations(view, root_name(view.text(target)), 0)


def _allocations(view: FunctionView, name: str, depth: int) -> list[str]:
    sizes = list[str]()
    for value in map(_last_value, view.given(name)[:_MOST_WRITES]):
        if value.type in {"identifier", "field_expression", "binary_expression"} and depth < _MOST_ALIASES:
            other = root_name(view.text(value))
            sizes += _allocations(view, other, depth + 1) if other != name else []
            continue
        function = value.child_by_field_name("function") if value.type == "call_expression" else None
        if function is None or not _ALLOCATES.search(view.text(function)):
            continue
        arguments = value.child_by_field_name("arguments")
        if arguments is None:
            continue
        sizes += [view.text(node) for node in arguments.named_children]
        for variable in view.variables(arguments):
            sizes += [view.text(node) for node in view.given(variable)]
    return sizes


def _last_value(node: "Node") -> "Node":
    """What `a = b = c` gives in the end."""
    node = bare(node)
    while node.type == "assignment_expression" and (right := node.child_by_field_name("right")) is not None:
        node = bare(right)
    return node


def _bound(view: FunctionView, call: Call, operation: Operation) -> Evidence:
    target, node = call.argument(operation.target), call.argument(operation.size)
    size, bound, name = _room(view, call, target), view.constant(node), shown(view, target)
    if bound is None:
        bound = _least(view, node)
    if size is None and bound is None and _is_own_size(view, target, node):
        is_open = not operation.ends and is_read_as_text(view, root_name(view.text(target)))
        sentence = ", is not ended and is used as a text" if is_open else ""
        return Evidence(
            call.name, Grade.UNENDED if is_open else Grade.HARMLESS, f"the size is that of {name}{sentence}"
        )
    if view.text(target) == "NULL" and bound == 0:
        return Evidence(call.name, Grade.HARMLESS, "nothing is written")
    if call.name == "fread" and bound is not None:
        width = view.constant(call.argument(1))
        bound = None if width is None else bound * width
    if operation.appends and operation.size is not None:
        return _appending(view, call, size, bound)
    if bound is not None and size is not None:
        return _fitting(view, call, size, bound) if bound <= size else _compared(call, name, size, bound)
    if bound is not None or (not view.variables(node) and value_origin(view, node) is not ValueOrigin.RETURNED):
        return Evidence(call.name, Grade.CONSTANT_SIZE, f"the size is the constant {shown(view, node)}")
    return _variable_size(view, call, target, node)


def _least(view: FunctionView, node: "Node | None") -> int | None:
    """The least constant of `MIN(n, SIZE)`, or None."""
    node = None if node is None else bare(node)
    if node is None or node.type != "call_expression":
        return None
    arguments = node.child_by_field_name("arguments")
    if arguments is None or view.text(node.child_by_field_name("function")).split("::")[-1] not in {"MIN", "min"}:
        return None
    values = [value for value in map(view.constant, arguments.named_children) if value is not None]
    return min(values, default=None)


def _is_own_size(view: FunctionView, target: "Node | None", node: "Node | None") -> bool:
    """Whether a size is `sizeof` of the target, an array of a size that is not known, less a constant or not."""
    name = view.text(target).lstrip("&")
    own = re.fullmatch(rf"sizeof\(?{re.escape(name)}\)?(?:-\d+)?", view.text(node))
    is_local = name in view.arrays
    is_pointer = name in view.parameters or name in view.pointers or name in view.values
    return own is not None and (is_local or (name in view.facts.arrays and not is_pointer))


def _variable_size(view: FunctionView, call: Call, target: "Node | None", node: "Node | None") -> Evidence:
    names, text = view.variables(node), shown(view, node)
    sizes = _allocated(view, target)
    if any(names & set(re.findall(r"[\w.>-]+", size)) or view.text(node) in size for size in sizes):
        return Evidence(call.name, Grade.SIZED, f"{shown(view, target)} is allocated with {text}")
    if view.is_compared(names, call.node.end_byte):
        return Evidence(call.name, Grade.CHECKED, f"{text} is compared before")
    origin = value_origin(view, node)
    grade = _SIZES.get(origin, Grade.SIZE_OTHER)
    return Evidence(call.name, grade, f"the size {text} {WORDS[origin]}, not compared before")


def _appending(view: FunctionView, call: Call, size: int | None, bound: int | None) -> Evidence:
    operation = OPERATIONS[call.name]
    target, node = call.argument(operation.target), call.argument(operation.size)
    text, name = view.text(node), view.text(target)
    if any(
        other.name == "strncpy" and not {name} & (view.ended | view.cleared)
        for _, other in view.filled[root_name(name)]
    ):
        return Evidence(call.name, Grade.UNENDED, f"{name} is filled by strncpy and not ended")
    if f"strlen({name})" in text:
        most = view.facts.value(text.replace(f"strlen({name})", "0"), view.sizes())
        if size is not None and most is not None and most < size:
            return Evidence(call.name, Grade.HARMLESS, f"the size counts what {name} holds and its null byte")
        if size is not None and most == size:
            return Evidence(call.name, Grade.OVERFLOW, f"the size leaves no byte for the null byte of {name}")
        return Evidence(call.name, Grade.CONSTANT_SIZE, f"the size counts what {name} holds")
    if bound is not None and size is not None and bound >= size - 1:
        return Evidence(call.name, Grade.OVERFLOW, f"the size does not count what {name} holds already")
    return (
        _variable_size(view, call, target, node)
        if bound is None
        else Evidence(call.name, Grade.CONSTANT_SIZE, f"the size is the constant {shown(view, node)}")
    )


def _fitting(view: FunctionView, call: Call, size: int, bound: int) -> Evidence:
    """A size that is known to fit the target: whether the text is ended, and whether the source has as much."""
    operation = OPERATIONS[call.name]
    target, source = call.argument(operation.target), call.argument(operation.source)
    fits, root = f"writes at most {bound} bytes, {shown(view, target)} has {size}", root_name(view.text(target))
    if operation.ends:
        return Evidence(call.name, Grade.HARMLESS, fits)
    if "ncpy" in call.name:
        return _cut(view, call, size, bound, fits)
    count = "" if bound < size else _counted(view, call, root)
    if count:
        sentence = f"{fits}; {root}[{count}] is written, and {count} may be {size}"
        return Evidence(call.name, Grade.OVERFLOW, sentence)
    if not (root in view.cleared and bound < size) and is_read_as_text(view, root):
        return Evidence(call.name, Grade.UNENDED, f"{fits}, is not ended and is used as a text")
    return Evidence(call.name, Grade.HARMLESS, fits) if source is None else _read(view, call, source, bound, fits)


def _counted(view: FunctionView, call: Call, root: str) -> str:
    """The variable that is given the number of bytes that a call wrote, where it is an index of a write; else empty."""
    indexes = {view.text(index_of(node)).strip("[]") for node in view.null_bytes.get(root, ())}
    counts = (name for name in sorted(indexes) if any(bare(value).id == call.node.id for value in view.given(name)))
    return next((name for name in counts if not view.is_compared({name}, len(view.source) + 1)), "")


def _read(view: FunctionView, call: Call, source: "Node", bound: int, fits: str) -> Evidence:
    """Bytes that are known to fit the target: whether the source has as many."""
    if _is_computed(view, source):
        return Evidence(call.name, Grade.CONSTANT_SIZE, f"{fits}; where the source begins is computed")
    most = longest_text(view, source)
    is_literal = literal_text(view, source) is not None and most is not None
    most = (most or 0) + 1 if is_literal else view.size_of(source)
    if most is not None and most < bound:
        return Evidence(call.name, Grade.OVERFLOW, f"reads {bound} bytes, {shown(view, source)} has {most}")
    if most is None and not view.text(source).startswith("&"):
        return Evidence(call.name, Grade.CONSTANT_SIZE, f"{fits}; how many {shown(view, source)} has is unknown")
    return Evidence(call.name, Grade.HARMLESS, fits)


def _cut(view: FunctionView, call: Call, size: int, bound: int, fits: str) -> Evidence:
    """A text that is cut at a size that fits the target: whether it ends there."""
    operation = OPERATIONS[call.name]
    most, root = longest_text(view, call.argument(operation.source)), root_name(view.text(call.argument(0)))
    if _is_computed(view, call.argument(operation.source)):
        return Evidence(call.name, Grade.CONSTANT_SIZE, f"{fits}; where the source begins is computed")
    is_cut = is_ended(view, root, call, size, bound) or (root in view.cleared and bound < size)
    if is_cut or (most is not None and most < bound):
        return Evidence(call.name, Grade.HARMLESS, f"{fits}, and is ended")
    if root in view.ended:
        sentence = f"{fits}, and whether the null byte stands behind it in each case is not known"
        return Evidence(call.name, Grade.PRESUMED, sentence)
    return Evidence(call.name, Grade.UNENDED, f"{fits}, and is not ended where the source is longer")


def _is_computed(view: FunctionView, source: "Node | None") -> bool:
    """Whether a place is computed by a subtraction, which may give one before the text begins."""
    return "-" in view.text(source).replace("->", "")
