"""Parameters of Python functions with annotations taken away, as a text that starts with the parameter.

The first line names the parameter, its default and its function. Then come the statements that mention it, in order, as
`arg`: their first lines, or the line of a block's header. Labels are the kinds of types that the annotation allowed.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache

KINDS = {
    "none": "None Optional NoneType",
    "str": "str AnyStr LiteralString StrPath",
    "bool": "bool",
    "number": "int float Decimal complex Number",
    "sequence": "list List Sequence tuple Tuple set Set Iterable Iterator Collection frozenset deque MutableSequence "
    "AbstractSet Generator",
    "mapping": "dict Dict Mapping MutableMapping OrderedDict defaultdict",
    "callable": "Callable Awaitable Coroutine",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
OTHER = "object"
UNKNOWN = {"Any", "T", "TypeVar", "Self"}
LINE, LINES = 160, 12


def kinds(annotation: ast.expr) -> set[str] | None:
    """Kinds of types that an annotation allows; nothing where it says nothing."""
    if isinstance(annotation, ast.Constant):
        if annotation.value is None:
            return {"none"}
        if not isinstance(annotation.value, str):
            return None
        try:
            return kinds(ast.parse(annotation.value, mode="eval").body)
        except SyntaxError:
            return None
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _joined([annotation.left, annotation.right])
    if isinstance(annotation, ast.Subscript):
        name = _name(annotation.value)
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if name == "Union":
            return _joined(inner)
        if name == "Optional":
            found = _joined(inner)
            return found and found | {"none"}
        if name == "Literal":
            values = {type(one.value).__name__ for one in inner if isinstance(one, ast.Constant)}
            return {KIND_OF.get(value, OTHER) for value in values} or None
        if name in {"Annotated", "Final", "ClassVar"}:
            return kinds(inner[0])
        return kinds(annotation.value)
    name = _name(annotation)
    return None if not name or name in UNKNOWN else {KIND_OF.get(name, OTHER)}


def _joined(parts: list[ast.expr]) -> set[str] | None:
    found = [kinds(part) for part in parts]
    return None if None in found else set[str]().union(*[one for one in found if one])


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class _Renamed(ast.NodeTransformer):
    """A name replaced, annotations left out."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name("arg", node.ctx), node) if node.id == self.name else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.Assign([node.target], node.value or ast.Constant(...)), node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg("arg" if node.arg == self.name else node.arg), node)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, list[str]]]:
    """Text and kinds of each annotated parameter that the function uses."""
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    defaults = dict(zip([one.arg for one in plain][len(plain) - len(given.defaults) :], given.defaults, strict=True))
    defaults |= {one.arg: value for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value}
    for one in (*plain, *given.kwonlyargs):
        found = one.annotation and kinds(one.annotation)
        lines = list(uses(function.body, one.arg)) if found else []
        if found and lines:
            default = f" = {ast.unparse(defaults[one.arg])}" if one.arg in defaults else ""
            text = "\n".join([f"{one.arg}{default} in {function.name}"[:LINE], *lines[:LINES]])
            yield text, [kind for kind in (*KINDS, OTHER) if kind in found]


def plain(statement: ast.AST, name: str = "") -> str:
    """A statement in one line, without annotations, a name as `arg`."""
    return ast.unparse(_Renamed(name).visit(_copied(statement))).replace("\n", " ")[:LINE]


def uses(statements: list[ast.stmt], name: str) -> Iterator[str]:
    """First lines of the statements that mention a name, the name as `arg`."""
    for statement in statements:
        if name not in mentioned(statement):
            continue
        blocks = [getattr(statement, block, None) for block in ("body", "orelse", "finalbody", "handlers", "cases")]
        held = [block for block in blocks if isinstance(block, list)]
        if not held:
            yield plain(statement, name)
            continue
        shell = _shell(statement)
        if name in mentioned(shell):
            yield ast.unparse(_Renamed(name).visit(_copied(shell))).split("\n")[0][:LINE]
        for block in held:
            inner = [
                stmt for one in block for stmt in (getattr(one, "body", []) if not isinstance(one, ast.stmt) else [one])
            ]
            yield from uses(inner, name)


@lru_cache(maxsize=5000)
def mentioned(node: ast.AST) -> frozenset[str]:
    """Names that a tree mentions."""
    return frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _copied(node: ast.AST) -> ast.AST:
    return ast.parse(ast.unparse(node))


def _shell(node: ast.AST) -> ast.AST:
    """A statement with its blocks emptied."""
    fields = dict(ast.iter_fields(node))
    for block in ("body", "orelse", "finalbody"):
        if fields.get(block):
            fields[block] = [ast.Pass()] if block == "body" else []
    if "handlers" in fields:
        fields |= {"handlers": [], "finalbody": [ast.Pass()]}
    if "cases" in fields:
        fields["cases"] = [ast.match_case(ast.MatchAs(), None, [ast.Pass()])]
    if "decorator_list" in fields:
        fields["decorator_list"] = []
    return ast.copy_location(type(node)(**fields), node)
