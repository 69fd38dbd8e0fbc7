"""Log statements of Python, their level hidden, as a text that starts with the statement.

The first line is the statement, as `log(...)`. Then come, marked by their first sign, the statement that follows in its
block (`>`), the headers of the blocks around it (`^`, the innermost first), and what precedes it (`<`, the nearest
first). Other statements keep their levels, as they do where somebody adds one.
"""

import ast
import re
from collections.abc import Iterator

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "warn": "warning"} | {
    "error": "error",
    "exception": "exception",
}
"""What is called, and its label."""
LOGGER = re.compile(r"_*(log|logger|logging)$", re.IGNORECASE)
LINE, BEFORE = 160, 4
BLOCKS = {"body": "", "orelse": "else", "finalbody": "finally"}


def level_of(statement: ast.stmt) -> str:
    """The level at which a statement logs, or nothing."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and statement.value.args):
        return ""
    called = statement.value.func
    if not isinstance(called, ast.Attribute):
        return ""
    owner = called.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return LEVELS.get(called.attr, "") if LOGGER.match(name) else ""


def header(node: ast.AST, block: str) -> str:
    """The line that opens a block of a node."""
    if block == "handlers":
        return "try:"
    if block in {"orelse", "finalbody"}:
        kept = node.test if isinstance(node, ast.If | ast.While) else None
        return f"else {ast.unparse(kept)}:" if kept and block == "orelse" else f"{BLOCKS[block]}:"
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        node.decorator_list = []
    return ast.unparse(_emptied(node)).split("\n")[0]


def _emptied(node: ast.AST) -> ast.AST:
    """A node with one statement in each block, cheap to print."""
    fields = dict(ast.iter_fields(node))
    for block in (*BLOCKS, "handlers", "cases"):
        if fields.get(block):
            fields[block] = [ast.Pass()] if block in BLOCKS else []
    if isinstance(node, ast.Try | ast.TryStar):
        fields["finalbody"] = [ast.Pass()]
    return ast.copy_location(type(node)(**fields), node)


def first_line(node: ast.AST) -> str:
    """The first line of a statement."""
    if hasattr(node, "body") or hasattr(node, "cases"):
        return header(node, "body")
    return ast.unparse(node).split("\n")[0]


def masked(statement: ast.stmt) -> str:
    """A log statement without logger and level."""
    call = statement.value  # type: ignore[attr-defined]
    return ast.unparse(ast.Call(ast.Name("log"), call.args, call.keywords))


def log_statements(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Text and level of each log statement in a function, nested functions included."""
    yield from _within(function, ())


def _within(node: ast.AST, around: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for block in (*BLOCKS, "handlers", "cases"):
        held = getattr(node, block, None)
        if not isinstance(held, list) or not held or not isinstance(held[0], ast.AST):
            continue
        opened = (first_line(node) if block in {"body", "cases"} else header(node, block), *around)
        for at, inner in enumerate(held):
            if isinstance(inner, ast.stmt) and (level := level_of(inner)):
                yield _text(held, at, opened), level
            yield from _within(inner, opened)


def _text(held: list[ast.stmt], at: int, opened: tuple[str, ...]) -> str:
    """The text of the log statement held[at]."""
    lines = [masked(held[at])[: 2 * LINE]]
    lines += [f"> {first_line(after)}"[:LINE] for after in held[at + 1 : at + 2]] or ["> nothing"]
    lines += [f"^ {one}"[:LINE] for one in opened]
    lines += [f"< {first_line(before)}"[:LINE] for before in held[max(at - BEFORE, 0) : at][::-1]]
    return "\n".join(lines)
