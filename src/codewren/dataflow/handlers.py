"""Handlers that several languages have in their tables: expressions, statements, jumps."""

from collections.abc import Sequence

from codewren.dataflow.conditions import condition
from codewren.dataflow.walk import COMPOUND, NONE, OVERWRITE, Handler, Values, Walker, Way, is_constant

_HANDLERS = frozenset({"catch_clause", "except_clause", "except_group_clause"})
_AFTER_TRY = _HANDLERS | {"else_clause", "finally_clause"}


def every(w: Walker, node: int) -> Values:
    """Pass on what all children give."""
    return w.every(node)


def skip(w: Walker, node: int) -> Values:
    """Not data."""
    return NONE


def literal(w: Walker, node: int) -> Values:
    """A constant."""
    return (w.tree.at[node],) if w.tree.at[node] < len(w.tree.tokens) else NONE


def name(w: Walker, node: int) -> Values:
    """A variable that is read."""
    text, token = w.tree.texts[node], w.tree.at[node]
    if not text:
        return NONE
    variable = w.lookup(text)
    if variable is None:
        if is_constant(text):
            return (token,)
        if w.is_class(node):
            return NONE
        variable = w.free(text)
    w.flow.read(token, variable)
    return (token,)


def interpolated(w: Walker, node: int) -> Values:
    """A string, which reads what is inside it."""
    token = w.tree.at[node]
    if token >= len(w.tree.tokens):
        return NONE
    inner = [child for child in every(w, node) if child != token]
    if inner:
        w.flow.derive(token, inner)
    return (token,)


def only(*fields: str) -> Handler:
    """Visit these fields in this order, and nothing else."""

    def visit(w: Walker, node: int) -> Values:
        return w.visit_all(child for field in fields for child in w.tree.under(node, field))

    return visit


def without(*fields: str) -> Handler:
    """Visit all children but these fields."""

    def visit(w: Walker, node: int) -> Values:
        return w.visit_all(child for child in w.tree.children(node) if w.tree.fields[child] not in fields)

    return visit


def block(w: Walker, node: int) -> Values:
    """Statements in a scope."""
    w.scopes.append({})
    statements(w, node)
    w.scopes.pop()
    return NONE


def statements(w: Walker, node: int) -> Values:
    """Statements one after the other."""
    for child in w.tree.children(node):
        w.visit(child)
    return NONE


def scoped(handler: Handler) -> Handler:
    """Run a handler in a scope."""

    def visit(w: Walker, node: int) -> Values:
        w.scopes.append({})
        values = handler(w, node)
        w.scopes.pop()
        return values

    return visit


def binary(w: Walker, node: int) -> Values:
    """Operands from the left, however long the chain; what stands right of `&&` may be left out."""
    tree, rights, kind = w.tree, [], w.tree.kinds[node]
    while tree.kinds[node] == kind:
        left, right = tree.child(node, "left"), tree.child(node, "right")
        if left < 0 or right < 0:
            break
        rights.append(right)
        node = left
    values = list(every(w, node) if tree.kinds[node] == kind else w.visit(node))
    for right in reversed(rights):
        lazy = tree.tokens[tree.at[right] - 1] in {"&&", "||", "and", "or"}
        values += w.maybe(right) if lazy else w.visit(right)
    return values


def choose(w: Walker, test: int, consequence: int, alternative: int) -> Values:
    """The values of two ways that a condition leads to."""
    values, ends = list[int](), list[int]()
    for way, before in zip((consequence, alternative), condition(w, test), strict=True):
        block = w.flow.start(*before)
        values += w.visit(way) if way >= 0 else NONE
        absorbed = len(before) == 1 and w.flow.absorb(block, before[0])
        ends.append(w.flow.current)
    if len(set(ends)) > 1 or not absorbed:
        w.flow.start(*ends)
    return values


def ternary(tested: str, consequence: str, alternative: str) -> Handler:
    """One of two values; the condition is none."""

    def visit(w: Walker, node: int) -> Values:
        test, *ways = (w.tree.child(node, field) for field in (tested, consequence, alternative))
        return choose(w, test, *ways)

    return visit


def assignment(w: Walker, node: int) -> Values:
    """`left = right`, `left += right`."""
    left, right = w.tree.child(node, "left"), w.tree.child(node, "right")
    if left < 0 or right < 0:
        return every(w, node)
    values = w.visit(right)
    operator = w.tree.tokens[w.tree.at[right] - 1]
    return w.assign(left, values, OVERWRITE if operator == "=" else COMPOUND)


def update(w: Walker, node: int) -> Values:
    """`x++`."""
    target = w.tree.first(node)
    return w.assign(target, NONE, COMPOUND) if target >= 0 else NONE


def if_(w: Walker, node: int) -> Values:
    """`if` with all its `else if`, without going deeper for each."""
    tree, ends, last = w.tree, [], node
    while node >= 0:
        true, false = condition(w, tree.child(node, "condition"))
        w.flow.start(*true)
        w.visit_all(tree.under(node, "consequence"))
        ends.append(w.flow.current)
        w.flow.start(*false)
        last = tree.child(node, "alternative")
        if last >= 0 and tree.kinds[last] == "else_clause":
            last = tree.first(last)
        node = last if last >= 0 and tree.kinds[last] == "if_statement" else -1
    if last >= 0:
        w.visit(last)
    w.flow.start(*ends, w.flow.current)
    return NONE


def loop(w: Walker, body: Way, *, test: int = -1, updates: Sequence[int] = (), otherwise: int = -1) -> None:
    """A loop that tests before it runs; `otherwise` is run when the test fails, not after a break."""
    head = w.flow.start(w.flow.current)
    true, false = condition(w, test)
    frame = w.frame(loop=True)
    w.flow.start(*true)
    body()
    w.close()
    if frame.continues:
        w.flow.start(w.flow.current, *frame.continues)
    w.visit_all(updates)
    w.flow.lead([w.flow.current], head)
    exits = [] if constant(w, test) in {"1", "true", "True"} else false
    if otherwise >= 0:
        w.flow.start(*exits)
        w.visit(otherwise)
        exits = [w.flow.current]
    w.flow.start(*exits, *frame.breaks)


def constant(w: Walker, node: int) -> str:
    """The text of a condition that is one token, without parentheses."""
    tree = w.tree
    while node >= 0 and not tree.texts[node] and tree.skips[node] == node + 2:
        node += 1
    return tree.texts[node] if node >= 0 else ""


def while_(w: Walker, node: int) -> Values:
    """`while (condition) body`, with `else` where there is one."""
    body = w.tree.child(node, "body")
    loop(
        w,
        lambda: w.visit(body) if body >= 0 else None,
        test=w.tree.child(node, "condition"),
        otherwise=w.tree.child(node, "alternative"),
    )
    return NONE


def do(w: Walker, node: int) -> Values:
    """`do body while (condition)`."""
    body, test = w.tree.child(node, "body"), w.tree.child(node, "condition")
    head = w.flow.start(w.flow.current)
    frame = w.frame(loop=True)
    if body >= 0:
        w.visit(body)
    w.close()
    if frame.continues:
        w.flow.start(w.flow.current, *frame.continues)
    true, false = condition(w, test)
    if constant(w, test) not in {"0", "false"}:
        w.flow.lead(true, head)
    w.flow.start(*false, *frame.breaks)
    return NONE


def for_(*, initial: str) -> Handler:
    """`for (initial; condition; update) body`."""

    def visit(w: Walker, node: int) -> Values:
        w.scopes.append({})
        w.visit_all(w.tree.under(node, initial))
        body = w.tree.child(node, "body")
        loop(
            w,
            lambda: w.visit(body) if body >= 0 else None,
            test=w.tree.child(node, "condition"),
            updates=w.tree.under(node, "update"),
        )
        w.scopes.pop()
        return NONE

    return visit


def jump(w: Walker, node: int) -> Values:
    """`break` and `continue`, with a label or without."""
    tree = w.tree
    word = tree.tokens[tree.at[node]]
    label = tree.first(node)
    for frame in reversed(w.regions[-1].frames):
        if label >= 0:
            if tree.texts[label] not in frame.labels:
                continue
        elif frame.labels and frame.continues is None and not frame.head:
            continue  # a labelled block is left by name only
        if word == "break":
            frame.breaks.append(w.flow.current)
        elif frame.continues is None:
            continue
        else:
            frame.continues.append(w.flow.current)
        break
    w.flow.start()
    return NONE


def return_(w: Walker, node: int) -> Values:
    """Leave the function with a value."""
    w.regions[-1].returned += every(w, node)
    w.regions[-1].ends.append(w.flow.current)
    w.flow.start()
    return NONE


def throw(w: Walker, node: int) -> Values:
    """Leave for a handler, which may follow any write of its `try`."""
    every(w, node)
    w.flow.start()
    return NONE


def goto(w: Walker, node: int) -> Values:
    """`goto label`."""
    label = w.tree.first(node)
    if label >= 0:
        w.regions[-1].jumps.append((w.flow.current, w.tree.texts[label]))
    w.flow.start()
    return NONE


def labelled(w: Walker, node: int) -> Values:
    """A label that `goto` leads to, or that a `break` names."""
    tree = w.tree
    label = tree.first(node)
    if label < 0:
        return NONE
    text = tree.texts[label]
    w.regions[-1].labels[text] = w.flow.start(w.flow.current)
    body = [child for child in tree.children(node) if child != label]
    is_loop = len(body) == 1 and tree.kinds[body[0]] in {
        "for_statement", "while_statement", "do_statement", "enhanced_for_statement", "labeled_statement"
    }  # fmt: skip
    w.pending_labels = (*w.pending_labels, text)
    if is_loop:
        w.visit(body[0])
        w.pending_labels = ()
        return NONE
    frame = w.frame(loop=False)
    w.visit_all(body)
    w.close()
    if frame.breaks:
        w.flow.start(w.flow.current, *frame.breaks)
    return NONE


def try_(w: Walker, node: int) -> Values:
    """`try`: a handler may follow any write before it; `finally` is run after an error, and without one."""
    flow, tree = w.flow, w.tree
    kinds = {child: tree.kinds[child] for child in tree.children(node)}
    before = flow.current
    first = flow.start(before)
    flow.trying += 1
    w.scopes.append({})
    w.visit_all(child for child, kind in kinds.items() if kind not in _AFTER_TRY)
    w.scopes.pop()
    tried = [before, *flow.blocks_since(first)]
    flow.start(flow.current)
    w.visit_all(child for child, kind in kinds.items() if kind == "else_clause")
    ends = [flow.current]
    for child, kind in kinds.items():
        if kind in _HANDLERS:
            flow.start(*tried)
            w.scopes.append({})
            w.visit(child)
            w.scopes.pop()
            ends.append(flow.current)
    flow.trying -= 1
    _finally(w, [child for child, kind in kinds.items() if kind == "finally_clause"], [before, first], ends)
    return NONE


def _finally(w: Walker, clauses: Sequence[int], began: Sequence[int], ends: Sequence[int]) -> None:
    """Once on the way out by an error or a return, from where nothing goes on, and once on the way on."""
    before, first = began
    if clauses and not w.leaving:  # once only: one inside another would be walked twice as often, and so on
        w.leaving = True
        w.flow.start(before, *w.flow.blocks_since(first))
        w.visit_all(clauses)
        w.leaving = False
    w.flow.start(*ends)
    w.visit_all(clauses)
