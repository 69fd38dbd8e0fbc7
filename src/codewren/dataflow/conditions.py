"""Conditions: `&&`, `||` and `!` lead to different places with different definitions."""

from codewren.dataflow.walk import DEEPEST, Walker

Exits = tuple[list[int], list[int]]
_AND, _OR, _NOT = frozenset({"&&", "and"}), frozenset({"||", "or"}), frozenset({"!", "not"})


def condition(w: Walker, node: int) -> Exits:
    """Visit a condition: the blocks it is left from when it is true, and when it is false.

    In `p && (n = f(p))`, n is written whenever the condition is true.
    """
    if node >= 0 and w.depth < DEEPEST:
        node = _unwrapped(w, node)
        word = _operator(w, node)
        if word in _NOT:
            false, true = _deeper(w, w.tree.first(node))
            return true, false
        if word:
            return _chain(w, node)
    if node >= 0:
        w.visit(node)
    return [w.flow.current], [w.flow.current]


def _chain(w: Walker, node: int) -> Exits:
    """Operands from the left, however many."""
    rights = []
    while (word := _operator(w, node)) in _AND | _OR:
        rights.append((word in _AND, w.tree.child(node, "right")))
        node = _unwrapped(w, w.tree.child(node, "left"))
    true, false = _deeper(w, node)
    for is_and, right in reversed(rights):
        before = true if is_and else false
        block = w.flow.start(*before)
        then, otherwise = _deeper(w, right)
        if len(before) == 1 and w.flow.absorb(block, before[0]):
            then = otherwise = before
        true, false = (then, false + otherwise) if is_and else (true + then, otherwise)
    return true, false


def _deeper(w: Walker, node: int) -> Exits:
    w.depth += 1
    exits = condition(w, node)
    w.depth -= 1
    return exits


def _unwrapped(w: Walker, node: int) -> int:
    """Without parentheses."""
    tree = w.tree
    while tree.kinds[node] in {"parenthesized_expression", "condition_clause"}:
        inner = tree.first(node)
        if inner < 0 or tree.skips[inner] != tree.skips[node]:
            break
        node = inner
    return node


def _operator(w: Walker, node: int) -> str:
    """The word of `&&`, `||`, `!`; "" for anything else."""
    tree, kind = w.tree, w.tree.kinds[node]
    word = ""
    if kind in {"binary_expression", "boolean_operator"} and tree.child(node, "left") >= 0:
        right = tree.child(node, "right")
        word = tree.tokens[tree.at[right] - 1] if right >= 0 else ""
    elif kind in {"unary_expression", "not_operator"} and tree.first(node) >= 0:
        word = tree.tokens[tree.at[node]]
    return word if word in _AND | _OR | _NOT else ""
