"""Python: what its grammar's nodes mean for the flow of data."""

from collections.abc import Iterator, Sequence

from codewren.dataflow.conditions import condition
from codewren.dataflow.handlers import (
    binary,
    choose,
    every,
    interpolated,
    jump,
    literal,
    loop,
    name,
    return_,
    skip,
    statements,
    throw,
    try_,
    while_,
    without,
)
from codewren.dataflow.walk import COMPOUND, NONE, Grammar, Handler, Values, Walker

_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "tuple", "list",
                       "list_splat", "expression_list", "parenthesized_expression", "as_pattern_target",
                       "dictionary_splat_pattern"})  # fmt: skip
_FUNCTIONS = frozenset({"function_definition", "lambda", "class_definition"})
_BINDERS = {"assignment": "left", "augmented_assignment": "left", "for_statement": "left", "named_expression": "name",
            "as_pattern": "alias", "function_definition": "name", "class_definition": "name"}  # fmt: skip
_PARAMETERS = frozenset({"identifier", "default_parameter", "typed_parameter", "typed_default_parameter",
                         "list_splat_pattern", "dictionary_splat_pattern", "tuple_pattern"})  # fmt: skip


def module(w: Walker, node: int) -> Values:
    """Names at the top belong to the module."""
    for text in bound(w, node):
        w.scopes[-1].setdefault(text, w.flow.variable())
    return statements(w, node)


def function(w: Walker, node: int) -> Values:
    """`def`: the name is a definition; defaults are read outside, parameters written inside."""
    tree = w.tree
    named, body = tree.child(node, "name"), tree.child(node, "body")
    if named >= 0:
        w.assign(named, NONE)
        w.flow.computed.discard(tree.at[named])
    give = parameters(w, tree.child(node, "parameters"))

    def walk() -> Values:
        give()
        for text in bound(w, body) if body >= 0 else ():
            if text not in w.scopes[-1]:
                w.scopes[-1][text] = w.flow.variable()
        return w.visit(body) and NONE if body >= 0 else NONE

    w.region(walk)
    return NONE


def class_(w: Walker, node: int) -> Values:
    """A class: a name, and a body that runs at once."""
    tree = w.tree
    w.visit_all(tree.under(node, "superclasses"))
    named, body = tree.child(node, "name"), tree.child(node, "body")
    if named >= 0:
        w.assign(named, NONE)
        w.flow.computed.discard(tree.at[named])
    w.scopes.append({})
    if body >= 0:
        for text in bound(w, body):
            w.scopes[-1][text] = w.flow.variable()
        w.visit(body)
    w.scopes.pop()
    return NONE


def bound(w: Walker, node: int) -> Iterator[str]:
    """Names that the statements below bind, which makes them local, without `global` ones."""
    tree, elsewhere, names = w.tree, set[str](), dict[str, None]()
    current, end = node, tree.skips[node]
    while current < end:
        kind = tree.kinds[current]
        target = tree.child(current, _BINDERS[kind]) if kind in _BINDERS else -1
        if target >= 0:
            names.update(dict.fromkeys(_targets(w, target)))
        elif kind in {"global_statement", "nonlocal_statement"}:
            elsewhere.update(tree.texts[child] for child in tree.children(current))
        elif kind in {"import_statement", "import_from_statement"}:
            names.update((tree.texts[child], None) for child in imported(w, current))
        current = tree.skips[current] if kind in _FUNCTIONS else current + 1
    return (text for text in names if text and text not in elsewhere)


def _targets(w: Walker, node: int) -> Iterator[str]:
    tree, todo = w.tree, [node]
    while todo:
        target = todo.pop()
        if tree.kinds[target] == "identifier":
            yield tree.texts[target]
        elif tree.kinds[target] in _PATTERNS:
            todo += tree.children(target)


def parameters(w: Walker, node: int) -> "_Given":
    """Read default values now, to declare the parameters later."""
    tree, pairs = w.tree, list[tuple[int, Values]]()
    for parameter in tree.children(node) if node >= 0 else ():
        default = tree.child(parameter, "value")
        pairs.append((parameter, w.visit(default) if default >= 0 else NONE))
    return _Given(w, pairs)


class _Given:
    """Parameters with their default values."""

    def __init__(self, w: Walker, pairs: Sequence[tuple[int, Values]]) -> None:
        self.w = w
        self.given = pairs

    def __call__(self) -> None:
        """Declare them."""
        for node, values in self.given:
            named = self._name(node)
            if named >= 0:
                self.w.declare(named, values)

    def _name(self, node: int) -> int:
        tree = self.w.tree
        while node >= 0 and tree.kinds[node] != "identifier":
            if tree.kinds[node] not in _PARAMETERS:
                return -1
            named = tree.child(node, "name")
            node = named if named >= 0 else tree.first(node)
        return node


def lambda_(w: Walker, node: int) -> Values:
    """A lambda gives what its expression gives."""
    body = w.tree.child(node, "body")
    give = parameters(w, w.tree.child(node, "parameters"))

    def walk() -> Values:
        give()
        return w.visit(body) if body >= 0 else NONE

    return w.region(walk).returned


def assignment(w: Walker, node: int) -> Values:
    """`a = b = value`, `a, b = c, d`, `a: T = value`, `a += value`."""
    tree = w.tree
    left, right = tree.child(node, "left"), tree.child(node, "right")
    if left < 0 or right < 0:
        return NONE
    if tree.kinds[node] == "augmented_assignment":
        return w.assign(left, w.visit(right), COMPOUND)
    return unpack(w, left, right)


def unpack(w: Walker, left: int, right: int) -> Values:
    """Write one by one where both sides have as many parts, after everything on the right was read."""
    targets, values = _sides(w, left, right)
    unpacked = [w.visit(value) for value in values]
    return [written for target, value in zip(targets, unpacked, strict=True) for written in w.assign(target, value)]


def _sides(w: Walker, left: int, right: int) -> tuple[list[int], list[int]]:
    tree = w.tree
    if tree.kinds[left] in _PATTERNS and tree.kinds[right] in {"expression_list", "tuple", "list"}:
        targets, values = list(tree.children(left)), list(tree.children(right))
        starred = any(tree.kinds[side].startswith("list_splat") for side in (*targets, *values))
        if len(targets) == len(values) and not starred:
            return targets, values
    return [left], [right]


def walrus(w: Walker, node: int) -> Values:
    """`name := value`."""
    named, value = w.tree.child(node, "name"), w.tree.child(node, "value")
    values = w.visit(value) if value >= 0 else NONE
    return w.assign(named, values) if named >= 0 else values


def as_pattern(w: Walker, node: int) -> Values:
    """`value as name`."""
    tree = w.tree
    value, alias = tree.first(node), tree.child(node, "alias")
    values = w.visit(value) if value >= 0 and value != alias else NONE
    return w.assign(alias, values) if alias >= 0 else values


def handler(w: Walker, node: int) -> Values:
    """`except E as name`: the name is a definition without sources."""
    tree = w.tree
    for child in tree.children(node):
        if tree.kinds[child] == "as_pattern":
            alias = tree.child(child, "alias")
            if alias >= 0:
                for token in w.assign(alias, NONE):
                    w.flow.computed.discard(token)
        elif tree.kinds[child] == "block":
            w.visit(child)
    return NONE


def if_(w: Walker, node: int) -> Values:
    """`if` with its `elif` and `else`."""
    tree, ends = w.tree, list[int]()
    ways = [node, *tree.under(node, "alternative")]
    for way in ways:
        if tree.kinds[way] == "else_clause":
            w.visit(way)
            continue
        true, false = condition(w, tree.child(way, "condition"))
        w.flow.start(*true)
        w.visit_all(tree.under(way, "consequence"))
        ends.append(w.flow.current)
        w.flow.start(*false)
    w.flow.start(*ends, w.flow.current)
    return NONE


def for_each(w: Walker, node: int) -> Values:
    """`for left in right`, with `else`."""
    tree = w.tree
    left, right, body = (tree.child(node, field) for field in ("left", "right", "body"))
    values = w.visit(right) if right >= 0 else NONE

    def once() -> None:
        if left >= 0:
            w.assign(left, values)
        if body >= 0:
            w.visit(body)

    loop(w, once, otherwise=tree.child(node, "alternative"))
    return NONE


def comprehension(w: Walker, node: int) -> Values:
    """`body for left in right if condition`: the clauses come first, in a scope of their own."""
    tree = w.tree
    body = tree.child(node, "body")
    clauses = [child for child in tree.children(node) if child != body]
    before = w.flow.current
    w.flow.start(before)
    w.scopes.append({})
    for clause in clauses:
        left, right = tree.child(clause, "left"), tree.child(clause, "right")
        if left < 0 or right < 0:
            w.visit(clause)
            continue
        values = w.visit(right)
        for text in _targets(w, left):
            w.scopes[-1][text] = w.flow.variable()
        w.assign(left, values)
    values = w.visit(body) if body >= 0 else NONE
    w.scopes.pop()
    w.flow.start(before, w.flow.current)
    return values


def conditional(w: Walker, node: int) -> Values:
    """`a if condition else b`: the condition is read first and is no value."""
    children = list(w.tree.children(node))
    if len(children) != 3:
        return every(w, node)
    return choose(w, children[1], children[0], children[2])


def call(w: Walker, node: int) -> Values:
    """Arguments are read; a called name is, if the text defines it."""
    tree = w.tree
    called, arguments = tree.child(node, "function"), tree.child(node, "arguments")
    values: list[int] = []
    if called >= 0 and (tree.kinds[called] != "identifier" or w.lookup(tree.texts[called]) is not None):
        values += w.visit(called)
    return [*values, *w.visit(arguments)] if arguments >= 0 else values


def match(w: Walker, node: int) -> Values:
    """`match`: the first case that fits, or none."""
    tree = w.tree
    values = w.visit_all(tree.under(node, "subject"))
    body = tree.child(node, "body")
    ends = []
    for case in tree.children(body) if body >= 0 else ():
        if tree.kinds[case] != "case_clause":
            continue
        for piece in tree.children(case):
            if tree.kinds[piece] == "case_pattern":
                captured(w, piece, values)
            elif tree.kinds[piece] == "if_clause":
                w.visit(piece)
        test = w.flow.current
        w.flow.start(test)
        w.visit_all(tree.under(case, "consequence"))
        ends.append(w.flow.current)
        w.flow.start(test)
    w.flow.start(*ends, w.flow.current)
    return NONE


def captured(w: Walker, node: int, values: Values) -> None:
    """Names that a pattern of `match` captures get the subject's value."""
    tree, end, current = w.tree, w.tree.skips[node], node
    while current < end:
        kind, after = tree.kinds[current], current + 1
        if kind == "dotted_name":
            after = tree.skips[current]
            if after == current + 2:
                w.assign(current + 1, values)
        elif kind in {"class_pattern", "keyword_pattern"}:
            after = tree.skips[current + 1]
        elif kind == "identifier":
            w.assign(current, values)
        current = after


def imported(w: Walker, node: int) -> list[int]:
    """The names that an import binds."""
    tree, names = w.tree, list[int]()
    for imported_name in tree.under(node, "name"):
        alias = tree.child(imported_name, "alias")
        dotted = alias if alias >= 0 else tree.first(imported_name)
        if dotted >= 0:
            names.append(dotted)
    return names


def import_(w: Walker, node: int) -> Values:
    """Imported names are definitions without sources."""
    for imported_name in imported(w, node):
        w.assign(imported_name, NONE)
        w.flow.computed.discard(w.tree.at[imported_name])
    return NONE


def delete(w: Walker, node: int) -> Values:
    """`del name`."""
    for child in w.tree.children(node):
        variable = w.place(child)
        w.visit(child)
        if variable is not None and w.tree.kinds[child] == "identifier":
            w.flow.forget(variable)
    return NONE


_LITERALS = "integer float true false none ellipsis"
_SKIPPED = "type type_parameter global_statement nonlocal_statement future_import_statement pass_statement"
_HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_LITERALS.split(), literal),
    **dict.fromkeys(_SKIPPED.split(), skip),
    **dict.fromkeys(("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"),
                    comprehension),
    "string": interpolated,
    "identifier": name,
    "attribute": Walker.member,
    "boolean_operator": binary,
    "binary_operator": binary,
    "comparison_operator": every,
    "named_expression": walrus,
    "assignment": assignment,
    "augmented_assignment": assignment,
    "conditional_expression": conditional,
    "call": call,
    "keyword_argument": without("name"),
    "lambda": lambda_,
    "module": module,
    "function_definition": function,
    "class_definition": class_,
    "block": statements,
    "if_statement": if_,
    "while_statement": while_,
    "for_statement": for_each,
    "with_statement": statements,
    "as_pattern": as_pattern,
    "try_statement": try_,
    "except_clause": handler,
    "except_group_clause": handler,
    "match_statement": match,
    "break_statement": jump,
    "continue_statement": jump,
    "return_statement": return_,
    "raise_statement": throw,
    "delete_statement": delete,
    "import_statement": import_,
    "import_from_statement": import_,
}  # fmt: skip
GRAMMAR = Grammar(
    handlers=_HANDLERS,
    members={"attribute": ("object", "attribute")},
    elements={"subscript": "value"},
    patterns=_PATTERNS,
    this=frozenset(),
)
