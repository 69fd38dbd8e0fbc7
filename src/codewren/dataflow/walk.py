"""From a syntax tree to reads, writes and control flow: what all languages share.

The rules (`repaired` mode):

- A read of a variable comesFrom every definition that reaches it on some path; branches, loops, `break`, `goto`,
  `switch` and exceptions are followed, blocks have scopes.
- A declared variable comesFrom the tokens that make up its first value, an assigned one is computedFrom them. What is
  read and written at once (`x++`, `x += y`) gets its value from itself, too, and from the definitions before.
- A write into a part (`a[i] = v`, `*p = v`) is a new definition of the whole that also comes from the old one. A member
  (`s.x = v`, `p->x = v`) has definitions of its own: the member gets the value, the whole gets the member.
- Parameters are definitions without sources. A name that nothing in the text defines (a global, a field) is defined
  where it is first read. Names all in capitals that nothing defines are constants, as literals are.
- The value of an expression is made of all that is read in it, an index too, a condition (`?:`) not.
- Not data: names of types, methods, called functions, labels and keyword arguments; operands of `sizeof`.
- Tokens that give nothing and get nothing are no nodes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from codewren.dataflow.flow import Flow
from codewren.dataflow.tree import Tree

DEEPEST = 120  # trees deeper than this are read flat below it; each level takes up to four Python frames

Values = Sequence[int]
Handler = Callable[["Walker", int], Values]
Way = Callable[[], object]
NONE: Values = ()


@dataclass(frozen=True, slots=True)
class Write:
    """How a target is written.

    Attributes:
        compound: it is read, too, and gets its value from itself.
        weak: the old value lives on inside the new one.
        keeps: its members keep what was written into them.
    """

    compound: bool = False
    weak: bool = False
    keeps: bool = False


OVERWRITE = Write()
COMPOUND = Write(compound=True)
PART = Write(weak=True, keeps=True)
ONE_AND_ONLY = frozenset({"pointer_expression", "parenthesized_expression"})  # `*p` is all that p points to


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a language adds: who handles each kind of node, and what kinds name things.

    Attributes:
        handlers: by kind; a kind without one passes on what its children give.
        members: kinds of `a.b`, with the fields of the whole and of the part.
        elements: kinds of writes into a part without a name, with the field of the whole ("" for the first child).
        patterns: kinds that take a value apart into their children.
        this: kinds whose members are free variables.
        classes_capitalised: whether an unknown name with a capital letter before a dot is a class.
    """

    handlers: Mapping[str, Handler]
    members: Mapping[str, tuple[str, str]]
    elements: Mapping[str, str]
    patterns: frozenset[str]
    this: frozenset[str]
    classes_capitalised: bool = False


@dataclass(slots=True)
class Frame:
    """Where `break` and `continue` lead out of; a frame without `continues` is no loop."""

    labels: tuple[str, ...]
    breaks: list[int] = field(default_factory=list)
    continues: list[int] | None = None
    head: int = 0
    has_default: bool = False
    values: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Region:
    """A function inside the text: what it returns, and its labels."""

    frames: list[Frame] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    jumps: list[tuple[int, str]] = field(default_factory=list)


def flow_of(tree: Tree, language: str) -> tuple[dict[int, set[int]], set[int]]:
    """Sources of each token, and the tokens that are assigned."""
    grammar: Grammar = import_module(f"codewren.dataflow.{language}").GRAMMAR
    walker = Walker(tree, grammar)
    if tree.kinds:
        walker.region(lambda: walker.visit(0))
    walker.flow.solve()
    return walker.flow.sources, walker.flow.computed


def is_constant(text: str) -> bool:
    """Whether a name that nothing defines is one of a constant.

    >>> is_constant("EOF"), is_constant("N"), is_constant("Eof")
    (True, False, False)
    """
    return len(text) > 1 and text.isupper()


class Walker:
    """Visits nodes; a visit returns the tokens that hold the value of an expression."""

    def __init__(self, tree: Tree, grammar: Grammar) -> None:
        self.tree = tree
        self.grammar = grammar
        self.flow = Flow()
        self.scopes: list[dict[str, int]] = [{}]
        self.regions: list[Region] = []
        self.pending_labels: tuple[str, ...] = ()
        self.leaving = False
        self._handlers = grammar.handlers
        self._parts: dict[tuple[int, str], int] = {}
        self.depth = 0

    # ---- visiting

    def visit(self, node: int) -> Values:
        """Handle one node."""
        handler = self._handlers.get(self.tree.kinds[node])
        if self.depth >= DEEPEST:
            return self._flat(node)
        self.depth += 1
        values = handler(self, node) if handler else self.every(node)
        self.depth -= 1
        return values

    def every(self, node: int) -> Values:
        """Pass on what all children give."""
        end = self.tree.skips[node]
        if end == node + 1:
            return NONE
        values: list[int] = []
        child, skips, visit = node + 1, self.tree.skips, self.visit
        while child < end:
            values += visit(child)
            child = skips[child]
        return values

    def maybe(self, node: int) -> Values:
        """Visit what may be left out, as the right side of `&&`."""
        before = self.flow.current
        block = self.flow.start(before)
        values = self.visit(node)
        if not self.flow.absorb(block, before):
            self.flow.start(before, self.flow.current)
        return values

    def visit_all(self, nodes: Iterable[int]) -> list[int]:
        """Values of all nodes, one after the other."""
        values: list[int] = []
        for node in nodes:
            values += self.visit(node)
        return values

    def _flat(self, node: int) -> Values:
        """Below `DEEPEST`: names are read in order, and nothing else is seen."""
        values: list[int] = []
        handlers = self._handlers
        for inner in range(node, self.tree.skips[node]):
            if self.tree.kinds[inner] == "identifier" and self.tree.texts[inner]:
                values += handlers["identifier"](self, inner)
        return values

    # ---- names

    def lookup(self, text: str) -> int | None:
        """The variable that a name means here."""
        for scope in reversed(self.scopes):
            variable = scope.get(text)
            if variable is not None:
                return variable
        return None

    def known(self, text: str) -> int:
        """The variable that a name means here; a free one if nothing declares it."""
        variable = self.lookup(text)
        return self.free(text) if variable is None else variable

    def free(self, text: str) -> int:
        """The variable of that name outside all functions."""
        variable = self.scopes[0].get(text)
        if variable is None:
            variable = self.scopes[0][text] = self.flow.variable(free=True)
        return variable

    def declare(self, node: int, values: Values = NONE, *, relation: str = "comesFrom") -> Values:
        """A new variable in the innermost scope, with its first value."""
        token = self.tree.at[node]
        variable = self.scopes[-1][self.tree.texts[node]] = self.flow.variable()
        self._define(token, values, computed=relation == "computedFrom")
        self.flow.write(token, variable)
        return (token,)

    def _define(self, token: int, values: Values, *, computed: bool) -> None:
        if computed:
            self.flow.computed.add(token)
        self.flow.derive(token, list(values))

    # ---- places

    def place(self, node: int) -> int | None:
        """The variable behind `a`, `a.b`, `a[i]`, `*a`; None where there is no name."""
        tree, grammar = self.tree, self.grammar
        steps: list[str] = []
        while True:
            kind = tree.kinds[node]
            if kind in grammar.members:
                whole, member = (tree.child(node, field) for field in grammar.members[kind])
                if whole < 0 or member < 0:
                    return None
                if tree.kinds[whole] in grammar.this:
                    variable = self.free(tree.texts[member])
                    break
                steps.append(tree.texts[member])
                node = whole
            elif kind in grammar.elements:
                node = self._inside(node)
                if node < 0:
                    return None
            elif kind == "identifier" and tree.texts[node] and not self.is_class(node):
                variable = self.known(tree.texts[node])
                break
            else:
                return None
        for step in reversed(steps):
            variable = self._member(variable, step)
        return variable

    def is_class(self, node: int) -> bool:
        """Whether a name before a dot is that of a class."""
        text = self.tree.texts[node]
        if not self.grammar.classes_capitalised or self.tree.fields[node] not in {"object", "array"}:
            return False
        return text[:1].isupper() and self.lookup(text) is None

    def _member(self, whole: int, text: str) -> int:
        member = self._parts.get((whole, text))
        if member is None:
            member = self._parts[whole, text] = self.flow.variable(within=whole)
        return member

    def _inside(self, node: int) -> int:
        whole = self.grammar.elements[self.tree.kinds[node]]
        return self.tree.child(node, whole) if whole else self.tree.first(node)

    def member(self, node: int) -> Values:
        """Read `a.b`: the whole, and the member if it was written."""
        tree = self.tree
        whole, member = (tree.child(node, field) for field in self.grammar.members[tree.kinds[node]])
        if whole < 0 or member < 0 or not tree.texts[member]:
            return self.every(node)
        token = tree.at[member]
        if tree.kinds[whole] in self.grammar.this:
            self.flow.read(token, self.free(tree.texts[member]))
            return (token,)
        values = list(self.visit(whole)) if not self.is_class(whole) else []
        variable = self.place(node)
        if variable is not None:
            self.flow.read(token, variable, tentative=True)
            return [*values, token]
        return [token] if is_constant(tree.texts[member]) and not values else values

    # ---- writes

    def assign(self, node: int, values: Values, how: "Write | None" = None) -> Values:
        """Write values to a target.

        Args:
            node: a name, a part of something, or a pattern of those.
            values: tokens that hold the value.
            how: by default the target is overwritten.

        Returns:
            The tokens that hold the value afterwards.
        """
        if self.depth >= DEEPEST:
            return self._flat(node)
        self.depth += 1
        written = self._assign(node, values, how or OVERWRITE)
        self.depth -= 1
        return written

    def _assign(self, node: int, values: Values, how: "Write") -> Values:
        tree, grammar, kind = self.tree, self.grammar, self.tree.kinds[node]
        if kind == "identifier":
            return self._write(tree.at[node], self.place(node), values, how)
        if kind in grammar.members:
            return self._assign_member(node, values, how)
        if kind in grammar.elements:
            return self._assign_element(node, values, how)
        if kind in grammar.patterns:
            return [written for target in tree.children(node) for written in self.assign(target, values, how)]
        return self.visit(node)

    def _write(self, token: int, variable: int | None, values: Values, how: "Write") -> Values:
        if variable is not None and (how.compound or how.weak):
            self.flow.read(token, variable)
        self._define(token, [*values, token] if how.compound else values, computed=True)
        if variable is not None:
            self.flow.write(token, variable, keep_parts=how.keeps)
        return (token,)

    def _assign_member(self, node: int, values: Values, how: "Write") -> Values:
        tree, grammar = self.tree, self.grammar
        whole, member = (tree.child(node, field) for field in grammar.members[tree.kinds[node]])
        if whole < 0 or member < 0:
            return self.visit(node)
        token = tree.at[member]
        is_one_of_many = tree.kinds[whole] in grammar.elements and tree.kinds[whole] not in ONE_AND_ONLY
        self._write(token, self.place(node), values, PART if is_one_of_many and how is OVERWRITE else how)
        if tree.kinds[whole] not in grammar.this and not self.is_class(whole):
            self.assign(whole, (token,), PART)
        return (token,)

    def _assign_element(self, node: int, values: Values, how: "Write") -> Values:
        inside, kind = self._inside(node), self.tree.kinds[node]
        if inside < 0:
            return NONE
        for index in self.tree.children(node):
            if index != inside:
                self.visit(index)
        if kind != "parenthesized_expression":
            how = Write(compound=how.compound, weak=True, keeps=how.keeps or kind not in ONE_AND_ONLY)
        return self.assign(inside, values, how)

    # ---- functions inside the text

    def region(self, walk: Callable[[], Values]) -> Region:
        """Walk a function that may run here, later, or never, in a scope of its own."""
        before = self.flow.current
        first = self.flow.start(before)
        region = Region()
        self.regions.append(region)
        self.scopes.append({})
        region.returned += walk()
        self.scopes.pop()
        self.regions.pop()
        for block in region.labels.values():
            self.flow.adopt(block, first)
        for block, label in region.jumps:
            if label in region.labels:
                self.flow.lead([block], region.labels[label])
        self.flow.start(before, self.flow.current, *region.ends)
        return region

    def frame(self, *, loop: bool) -> Frame:
        """Open a loop or switch; the labels in front of it are its own."""
        frame = Frame(self.pending_labels, continues=[] if loop else None)
        self.pending_labels = ()
        self.regions[-1].frames.append(frame)
        return frame

    def close(self) -> None:
        """Close the innermost loop or switch."""
        self.regions[-1].frames.pop()

    def fork(self, ways: Iterable[Way], *, may_skip: bool = False) -> None:
        """One of several ways is taken, or none."""
        before = self.flow.current
        ends = [before] if may_skip else []
        for way in ways:
            self.flow.start(before)
            way()
            ends.append(self.flow.current)
        self.flow.start(*ends)
