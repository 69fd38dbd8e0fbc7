"""Python functions with their annotations taken away, as a text of what they return.

The first line names the function; then come its `return` statements, in order, and marked by `<` the statements that
bind a name which a `return` mentions. The label is the kind of type that the annotation names, `None` aside.
"""

import ast
from collections.abc import Iterator

from parameter_types import LINES, kinds, plain

LABELS = ("bool", "str", "number", "sequence", "mapping")
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def own(node: ast.AST) -> Iterator[ast.AST]:
    """A function's nodes without those of functions and classes inside, in order."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, NESTED):
            yield child
            yield from own(child)


def returned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    """Text and label of a function, where its annotation names one of the labels."""
    found = (function.returns and kinds(function.returns)) or set()
    nodes = list(own(function))
    given = [node for node in nodes if isinstance(node, ast.Return) and node.value]
    if len(found - {"none"}) != 1 or not given:
        return
    (label,) = found - {"none"}
    if label in LABELS:
        names = {one.id for node in given for one in ast.walk(node) if isinstance(one, ast.Name)}
        lines = [plain(node) for node in given] + [f"< {plain(node)}" for node in nodes if binds(node, names)]
        yield "\n".join([function.name, *lines[:LINES]]), label


def binds(node: ast.AST, names: set[str]) -> bool:
    """Whether a statement binds one of some names, or calls something of it, as `found.append(one)` does."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(one, ast.Name) and one.id in names for target in targets for one in ast.walk(target))
    called = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    return isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in names
