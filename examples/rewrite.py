"""The same function in other words: renamed, reordered, reformatted Python that computes what it did.

Every step is kept to what does not change the result of ordinary code; whoever overloads `==` to differ from its mirror
image, or assigns through properties that watch each other, can tell the difference.
"""

import ast
import random
import symtable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

Function = ast.FunctionDef | ast.AsyncFunctionDef

SEES_NAMES = {"locals", "vars", "eval", "exec", "dir", "globals"}
KEPT_NAMES = {"self", "cls", "mcls", "_"}
MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Is: ast.Is,
    ast.IsNot: ast.IsNot,
}
# Not < and >=: sets and NaN are neither.
NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Another text of a function.

    Attributes:
        text: source, at the left margin.
        changes: of `rename`, `reorder`, `reformat` those that happened.
    """

    text: str
    changes: tuple[str, ...]


def rewrite(text: str, *, rng: random.Random, names: Sequence[str], chance: float = 0.9) -> Rewritten:
    """Rewrite one function: layout, comments and docstring always, names and order by chance.

    Args:
        text: a single function definition at the left margin.
        rng: source of all choices.
        names: identifiers that new names are drawn from; they should be ones that people use.
        chance: of renaming, and of trying every place that can be reordered.
    """
    tree = ast.parse(text)
    function = cast(Function, tree.body[0])
    changes = ["reformat"]
    drop_docstring(function)
    if rng.random() < chance and _rename(function, text, rng, names):
        changes.append("rename")
    if rng.random() < chance:
        reorderer = _Reorderer(rng)
        function = reorderer.visit(function)
        changes += ["reorder"] if reorderer.changed else []
    return Rewritten(_indent(ast.unparse(function), rng.choice(("  ", "    ", "\t"))), tuple(changes))


def drop_docstring(function: Function) -> None:
    """Remove the docstring, unless it is all there is."""
    first = function.body[0]
    if (
        len(function.body) > 1
        and isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        function.body.pop(0)


def _indent(text: str, unit: str) -> str:
    """Another indentation, unless a string over several lines would be changed by it."""
    if '"""' in text or "'''" in text:
        return text
    lines = text.split("\n")
    widths = [len(line) - len(line.lstrip(" ")) for line in lines]
    return "\n".join(unit * (width // 4) + line[width:] for line, width in zip(lines, widths, strict=True))


def _rename(function: Function, text: str, rng: random.Random, names: Sequence[str]) -> bool:
    """New names for locals, parameters and the function itself, in place; False where there is nothing to rename."""
    old = renamable(function, text)
    names_taken = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | set(old) | {function.name}
    free = [
        name for name in rng.sample(names, min(len(names), len(old) + len(names_taken) + 1)) if name not in names_taken
    ]
    if len(free) <= len(old):
        return False
    own, *new = free[: len(old) + 1]
    mapping = dict(zip(old, new, strict=True))
    if _own_name_is_free(function, old):
        mapping[function.name] = own
    _Renamer(mapping, is_method=_is_method(function)).visit(function)
    return bool(mapping)


def _is_method(function: Function) -> bool:
    arguments = function.args.posonlyargs + function.args.args
    return bool(arguments) and arguments[0].arg in KEPT_NAMES


def _own_name_is_free(function: Function, old: Sequence[str]) -> bool:
    """Whether the function may change its name: no protocol's name, no decorator or inner scope that uses it."""
    decorators = [
        node.id for decorator in function.decorator_list for node in ast.walk(decorator) if isinstance(node, ast.Name)
    ]
    return not (function.name.startswith("__") or function.name in old or function.name in decorators)


def renamable(function: Function, text: str) -> list[str]:
    """Names bound inside the function that can change without anyone noticing, sorted.

    Left alone: names that some scope takes from outside, imported ones, those of class bodies and `match` patterns,
    parameters of inner functions that are passed by keyword, and everything where the code looks names up as text.
    """
    nodes = list(ast.walk(function))
    loads = {node.id for node in nodes if isinstance(node, ast.Name)}
    if loads & SEES_NAMES or any(isinstance(node, ast.ClassDef | ast.Match) for node in nodes):
        return []
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    bound |= {node.name for node in nodes if isinstance(node, Function) and node is not function}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    inner = {
        argument.arg
        for node in nodes
        if isinstance(node, Function | ast.Lambda) and node is not function
        for argument in ast.walk(node.args)
        if isinstance(argument, ast.arg)
    }
    barred = KEPT_NAMES | _from_outside(function, text) | _imported(nodes) | (inner & keywords)
    return sorted(name for name in bound - barred if not name.startswith("__"))


def _imported(nodes: list[ast.AST]) -> set[str]:
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return {alias.asname or alias.name.partition(".")[0] for alias in aliases}


def _from_outside(function: Function, text: str) -> set[str]:
    """Names that the function, or a scope in it, takes from outside of it: globals, and what its head is made of."""
    head = (function.args, *function.decorator_list, *([function.returns] if function.returns else []))
    outside = {node.id for piece in head for node in ast.walk(piece) if isinstance(node, ast.Name)}
    waiting = list(symtable.symtable(text, "<function>", "exec").get_children())
    while waiting:
        scope = waiting.pop()
        outside |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global() or symbol.is_nonlocal()}
        waiting += scope.get_children()
    return outside


class _Renamer(ast.NodeTransformer):
    """Puts new names in place of old ones."""

    def __init__(self, mapping: dict[str, str], *, is_method: bool) -> None:
        self.mapping = mapping
        self.is_method = is_method
        self.depth = 0

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.mapping.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        self.generic_visit(node)
        node.arg = self.mapping.get(node.arg, node.arg)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        self.generic_visit(node)
        node.name = self.mapping.get(node.name, node.name) if node.name else None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._visit_function(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self._visit_function(node)
        return node

    def _visit_function(self, node: Function) -> None:
        old, new = node.name, self.mapping.get(node.name, node.name)
        outermost, self.depth = self.depth == 0, self.depth + 1
        if outermost and self.is_method:
            # Inside a method its bare name is something global that happens to be called alike.
            self.mapping.pop(old, None)
        self.generic_visit(node)
        node.name = new
        self.depth -= 1


class _Reorderer(ast.NodeTransformer):
    """Turns round what has no order: branches, mirrored comparisons, keywords, independent assignments."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.changed = False

    def _wants(self) -> bool:
        turn = self.rng.random() < 0.8
        self.changed |= turn
        return turn

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and not isinstance(node, ast.ClassDef):
                self._swap_independent(block)
        return node

    def _swap_independent(self, block: list[ast.stmt]) -> None:
        index = 0
        while index + 1 < len(block):
            if independent(block[index], block[index + 1]) and self._wants():
                block[index], block[index + 1] = block[index + 1], block[index]
                index += 1
            index += 1

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        is_elif_chain = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
        if node.orelse and not is_elif_chain and self._wants():
            node.test, node.body, node.orelse = _negated(node.test), node.orelse, node.body
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        if self._wants():
            node.test, node.body, node.orelse = _negated(node.test), node.orelse, node.body
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        operator, right = node.ops[0], node.comparators[0]
        if len(node.ops) == 1 and type(operator) in MIRRORED and _is_plain(node) and self._wants():
            node.left, node.ops, node.comparators = right, [MIRRORED[type(operator)]()], [node.left]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        has_number = _is_number(node.left) or _is_number(node.right)
        if has_number and isinstance(node.op, ast.Add | ast.Mult) and _is_plain(node) and self._wants():
            node.left, node.right = node.right, node.left
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        counts = isinstance(node.op, ast.Add | ast.Sub) and _is_number(node.value)  # of lists, `*=` works in place
        if isinstance(node.target, ast.Name) and counts and self._wants():
            value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            return ast.fix_missing_locations(ast.copy_location(ast.Assign([node.target], value), node))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        named = all(keyword.arg is not None and _is_plain(keyword.value) for keyword in node.keywords)
        if len(node.keywords) > 1 and named and self._wants():
            self.rng.shuffle(node.keywords)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if len(node.names) > 1 and self._wants():
            self.rng.shuffle(node.names)
        return node


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in NEGATED:
        return ast.Compare(test.left, [NEGATED[type(test.ops[0])]()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)


PLAIN = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.expr_context,
)


def _is_plain(node: ast.AST) -> bool:
    """Nothing is called, awaited or looked up by key, so the order of evaluation does not show."""
    return all(isinstance(piece, PLAIN) for piece in ast.walk(node))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def independent(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether two plain assignments can trade places: neither reads or writes what the other writes."""
    if not (_is_plain_assignment(first) and _is_plain_assignment(second)):
        return False
    writes_1, reads_1 = _reads_and_writes(first)
    writes_2, reads_2 = _reads_and_writes(second)
    return not (writes_1 & (writes_2 | reads_2) or writes_2 & reads_1)


def _is_plain_assignment(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and _is_plain(statement.value)
        and all(isinstance(target, ast.Name) or _is_own_attribute(target) for target in statement.targets)
    )


def _is_own_attribute(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)


def _reads_and_writes(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Names and attributes that an assignment writes, and that it reads. An attribute counts whoever owns it."""
    writes: set[str] = set()
    reads: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute):
            target = node.id if isinstance(node, ast.Name) else f".{node.attr}"
            (reads if isinstance(node.ctx, ast.Load) else writes).add(target)
    return writes, reads
