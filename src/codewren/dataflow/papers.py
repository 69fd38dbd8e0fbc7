"""Data flow as the papers' released code extracts it, defects included (`mode="papers"`).

Reproduced for Java (clone detection) and C (vulnerability prediction):

- States map a *text* to the tokens that define it, without scopes; literals and names of types are nodes, too.
- `if`: the state before it is always among those that are joined after it, with an `else` as well; a nested `if`
  without braces sees the state before the condition.
- `while` and for-each are walked twice, Java's `for` twice only if it declares its variable, C's once; `do` and
  `switch` are a sequence.
- `x++` gets its value from its own tokens only; `a[i] = v` in Java defines `a`, `i` and `0` in `a[0]`; `x += v` loses
  the old value.
- Java: nodes without an edge are removed. C: they stay.
- C: an assignment gives nothing, and nothing inside it is seen; initialised declarators define nothing, because their
  kind is mis-spelt (a pointer or array in one is a definition without its value); fields count as uses where a
  variable has their name.
- C: text is brought to one line before comments go (see `papers_text`); strings are their quotes and escapes, their
  content is lost.
- One line of non-ASCII text shifts its tokens: byte columns are taken for characters.
- A definition written with several sources is several nodes of the same token; an edge to a token is an edge to its
  last node.

Not reproduced: the grammars of 2022 (today's parse more), and a crash where theirs crashes. Where their walker runs
out of stack (here: below `DEEPEST`) or would run for ever (`MOST_STEPS`), there are no nodes, as theirs has none after
an error.

Source: Compressor's released preprocessing; Guo et al., GraphCodeBERT, ICLR 2021.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, islice

from codewren.core.errors import InputError
from codewren.dataflow.graph import DataFlow, Node, Relation, Token
from codewren.dataflow.papers_text import Traced, prepared
from codewren.dataflow.tree import AS_RELEASED, Tree, parse

DEEPEST = 600  # Python frames
MOST_STEPS = 1_000_000

_Entry = tuple[int, Relation, tuple[int, ...]]
_States = dict[str, tuple[int, ...]]


class _OutOfPatienceError(Exception):
    """The released walker would not come to an end."""


def papers_flow(source: str, language: str) -> DataFlow:
    """The graph of one function as the released code makes it.

    Raises:
        InputError: the language is not one that the papers have a walker for.
    """
    walkers = {"java": _Java, "c": _C}
    if language not in walkers:
        raise InputError(f"the papers have data flow for java and c only, not for {language}; use mode 'repaired'")
    text = prepared(source, language)
    encoded = text.text.encode("utf-8", "replace")
    tree = parse(encoded, language, leaves=AS_RELEASED[language])
    tree.tokens[:] = _misread(tree, encoded)
    walker = walkers[language](tree)
    try:
        walker.walk_all()
        entries = walker.finished()
    except _OutOfPatienceError:
        entries = []
    return DataFlow(_tokens(tree, text, encoded, source), _nodes(entries, tree), tree.has_errors, source)


def _nodes(entries: list[_Entry], tree: Tree) -> tuple[Node, ...]:
    last = {token: index for index, (token, _, _) in enumerate(entries)}
    return tuple(
        Node(token, tree.tokens[token], relation, tuple(sorted({last[source] for source in sources if source in last})))
        for token, relation, sources in entries
    )


def _tokens(tree: Tree, text: Traced, encoded: bytes, source: str) -> tuple[Token, ...]:
    """Tokens with their places in the source as it was given."""
    offsets = list(accumulate((len(character.encode("utf-8", "replace")) for character in source), initial=0))
    character = [0] * (len(encoded) + 1)
    for number, offset in enumerate(
        accumulate((len(character.encode("utf-8", "replace")) for character in text.text), initial=0)
    ):
        character[offset] = number
    origins = [*text.origins, len(source)]

    def placed(content: str, start: int, end: int) -> Token:
        first = offsets[origins[character[start]]]
        return Token(content, first, offsets[origins[character[end] - 1] + 1] if end > start else first)

    return tuple(map(placed, tree.tokens, tree.starts, tree.ends))


def _misread(tree: Tree, encoded: bytes) -> Iterator[str]:
    """Texts of tokens, with byte columns taken for columns of characters."""
    rows = [0, *(offset + 1 for offset, byte in enumerate(encoded) if byte == 0x0A)]
    lines = encoded.decode("utf-8", "replace").split("\n")
    row = 0
    for start, end in zip(tree.starts, tree.ends, strict=True):
        while row + 1 < len(rows) and rows[row + 1] <= start:
            row += 1
        until = row
        while until + 1 < len(rows) and rows[until + 1] <= end:
            until += 1
        if until == row:
            yield lines[row][start - rows[row] : end - rows[row]]
        else:
            yield "".join([lines[row][start - rows[row] :], *lines[row + 1 : until], lines[until][: end - rows[until]]])


class _Walker:
    """What the released walkers for Java and C share; entries are (token, relation, tokens of the sources)."""

    special = frozenset({"update_expression", "if_statement", "while_statement"})

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.entries: list[_Entry] = []
        self.states: _States = {}
        self._depth = 0
        self._steps = 0

    def walk_all(self) -> None:
        """Walk the whole tree."""
        if self.tree.kinds:
            self.walk(0, -1)

    def finished(self) -> list[_Entry]:
        """Entries in the order of their tokens."""
        return sorted(self.entries, key=lambda entry: entry[0])

    def walk(self, node: int, parent: int) -> None:
        """Walk one node."""
        self._steps += 1
        if self._depth >= DEEPEST or self._steps > MOST_STEPS:
            raise _OutOfPatienceError
        kind = self.tree.kinds[node]
        if self.is_leaf(node):
            if kind != self.text(node):
                self.leaf(node, parent)
        elif kind in self.special:
            self._depth += 6
            self.inner(node, parent)
            self._depth -= 6
        else:
            self._depth += 1
            for child in self.tree.children(node):
                self.walk(child, node)
            self._depth -= 1

    def leaf(self, node: int, parent: int) -> None:
        """A token that is no keyword."""
        raise NotImplementedError

    def inner(self, node: int, parent: int) -> None:
        """A node of a `special` kind."""
        kind = self.tree.kinds[node]
        if kind == "update_expression":
            self.increment(node)
        elif kind == "if_statement":
            self.branch(node)
        else:
            self.merged(*[lambda: self.every(node)] * 2)

    def every(self, node: int) -> None:
        """All children in order."""
        for child in self.tree.children(node):
            self.walk(child, node)

    def is_leaf(self, node: int) -> bool:
        """Whether the node is a token."""
        return self.tree.skips[node] == node + 1

    def text(self, node: int) -> str:
        """The token as it is read."""
        return self.tree.tokens[self.tree.at[node]]

    def names(self, node: int) -> list[int]:
        """Tokens below a node that are no keywords: the sides of an assignment."""
        tree = self.tree
        inside = range(node, tree.skips[node]) if node >= 0 else ()
        return [tree.at[leaf] for leaf in inside if self.is_leaf(leaf) and tree.kinds[leaf] != self.text(leaf)]

    def emit(self, token: int, relation: Relation, *sources: int) -> None:
        """Add an entry."""
        self.entries.append((token, relation, sources))

    def define(self, token: int) -> None:
        """The token is the only definition of its text now."""
        self.states[self.tree.tokens[token]] = (token,)

    def introduce(self, token: int) -> None:
        """A definition without sources."""
        self.define(token)
        self.emit(token, "comesFrom")

    def read(self, token: int) -> bool:
        """An entry for a text with definitions; whether it has any."""
        definitions = self.states.get(self.tree.tokens[token])
        if definitions is None:
            return False
        self.emit(token, "comesFrom", *definitions)
        return True

    def flow(self, targets: list[int], values: list[int], relation: Relation) -> None:
        """Every target gets its value from every value: one entry for each pair."""
        for target in targets:
            for value in values:
                self.emit(target, relation, value)
            self.define(target)

    def increment(self, node: int) -> None:
        """`x++`: the tokens get their value from each other."""
        tokens = self.names(node)
        self.flow(tokens, tokens, "computedFrom")

    def branch(self, node: int) -> None:
        """`if`: see the head of this file."""
        before, ends = self.states, [self.states]
        now, apart = dict(before), False
        for child in self._parts_of_if(node):
            apart = apart or self.tree.kinds[child] in {"if_statement", "else"}
            self.states = dict(before) if apart else now
            self.walk(child, node)
            if apart:
                ends.append(self.states)
            else:
                now = self.states
        self.states = _joined([*ends, now])

    def _parts_of_if(self, node: int) -> Iterator[int]:
        """Children, with `else` and what follows it among them, as in the grammars of 2022."""
        for child in self.tree.children(node):
            if self.tree.kinds[child] == "else_clause":
                yield from self.tree.children(child)
            else:
                yield child

    def merged(self, *rounds: Callable[[], None]) -> None:
        """Walk the rounds of a loop; entries of a token with the same relation become one."""
        first = len(self.entries)
        for walk in rounds:
            walk()
        merged: dict[tuple[int, Relation], set[int]] = {}
        for token, relation, sources in sorted(self.entries[first:], key=lambda entry: entry[0]):
            merged.setdefault((token, relation), set()).update(sources)
        self.entries[first:] = [(*key, tuple(sorted(sources))) for key, sources in merged.items()]


def _joined(states: list[_States]) -> _States:
    joined: dict[str, set[int]] = {}
    for state in states:
        for text, tokens in state.items():
            joined.setdefault(text, set()).update(tokens)
    return {text: tuple(sorted(tokens)) for text, tokens in joined.items()}


class _Java(_Walker):
    special = _Walker.special | {
        "variable_declarator",
        "assignment_expression",
        "for_statement",
        "enhanced_for_statement",
    }

    def finished(self) -> list[_Entry]:
        """Without entries that no edge touches."""
        entries = super().finished()
        touched = {token for token, _, sources in entries if sources}
        touched.update(source for _, _, sources in entries for source in sources)
        return [entry for entry in entries if entry[0] in touched]

    def leaf(self, node: int, parent: int) -> None:
        token = self.tree.at[node]
        if self.read(token):
            return
        if self.tree.kinds[node] == "identifier":
            self.define(token)
        self.emit(token, "comesFrom")

    def inner(self, node: int, parent: int) -> None:
        tree, kind = self.tree, self.tree.kinds[node]
        if kind == "variable_declarator":
            self.assign(tree.child(node, "name"), tree.child(node, "value"), "comesFrom")
        elif kind == "assignment_expression":
            self.assign(tree.child(node, "left"), tree.child(node, "right"), "computedFrom")
        elif kind == "for_statement":
            self.merged(lambda: self.counted(node))
        elif kind == "enhanced_for_statement":
            self.merged(*[lambda: self.each(node)] * 2)
        else:
            super().inner(node, parent)

    def assign(self, left: int, right: int, relation: Relation) -> None:
        """Walk the right side, then define every token of the left one."""
        targets = self.names(left)
        if right < 0:
            for token in targets:
                self.introduce(token)
            return
        values = self.names(right)
        self.walk(right, left)
        self.flow(targets, values, relation)

    def counted(self, node: int) -> None:
        """`for`: what follows a declaration is walked again."""
        self.every(node)
        again = False
        for child in self.tree.children(node):
            if again:
                self.walk(child, node)
            again = again or self.tree.kinds[child] == "local_variable_declaration"

    def each(self, node: int) -> None:
        """One round of a for-each loop."""
        self.assign(self.tree.child(node, "name"), self.tree.child(node, "value"), "computedFrom")
        body = self.tree.child(node, "body")
        if body >= 0:
            self.walk(body, node)


class _C(_Walker):
    special = _Walker.special | {
        "assignment_expression",
        "pointer_declarator",
        "array_declarator",
        "parameter_declaration",
        "for_statement",
    }

    def leaf(self, node: int, parent: int) -> None:
        tree, token = self.tree, self.tree.at[node]
        around = tree.kinds[parent] if parent >= 0 else ""
        if around == "function_declarator" or self.read(token):
            return
        if tree.kinds[node] == "identifier" and around == "declaration":
            self.introduce(token)

    def inner(self, node: int, parent: int) -> None:
        kind = self.tree.kinds[node]
        if kind == "assignment_expression":
            return
        if kind in {"pointer_declarator", "array_declarator"}:
            self.declarator(node, parent)
        elif kind == "parameter_declaration":
            self.parameter(node)
        elif kind == "for_statement":
            self.merged(lambda: self.every(node))
        else:
            super().inner(node, parent)

    def declarator(self, node: int, parent: int) -> None:
        """A pointer or an array is a definition, unless it is what a function returns."""
        tree = self.tree
        if parent >= 0 and tree.kinds[parent] == "function_definition":
            inner = tree.child(node, "declarator")
            while inner >= 0 and tree.kinds[node] == tree.kinds[inner] == "pointer_declarator":
                node, inner = inner, tree.child(inner, "declarator")
            self.every(node)
            return
        for token in self.names(tree.child(node, "declarator")):
            self.introduce(token)

    def parameter(self, node: int) -> None:
        """The name of a parameter is a definition."""
        tree = self.tree
        inner = tree.child(node, "declarator")
        while inner >= 0 and tree.kinds[inner] != "identifier":
            inner = (
                self._second(inner)
                if tree.kinds[inner] == "parenthesized_declarator"
                else tree.child(inner, "declarator")
            )
        if inner >= 0 and self.is_leaf(inner):
            self.introduce(tree.at[inner])

    def _second(self, node: int) -> int:
        """What follows an opening bracket."""
        return next(islice(self.tree.children(node), 1, None), -1)
