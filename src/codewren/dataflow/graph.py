"""The graph, and the one function that makes it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from codewren.core.errors import InputError, nearest
from codewren.dataflow.tree import Tree, parse
from codewren.syntax.grammars import LANGUAGES

Relation = Literal["comesFrom", "computedFrom"]
Mode = Literal["repaired", "papers"]


@dataclass(frozen=True, slots=True)
class Token:
    """One leaf of the syntax tree; a string is one, a comment is none.

    Attributes:
        text: as in the source.
        start: offset in the UTF-8 bytes of the source.
        end: offset past the last byte.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """A token that takes part in the flow of data.

    Attributes:
        token: index into the tokens.
        name: text of the token.
        relation: `comesFrom` where a value is read or a variable declared, `computedFrom` where one is assigned.
        sources: indices into the nodes this one gets its value from, ascending; one inside a loop may stand behind it.
    """

    token: int
    name: str
    relation: Relation
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataFlow:
    """Tokens of a text and the flow of data between them.

    Attributes:
        tokens: in the order of the text.
        nodes: in the order of their tokens.
        has_errors: whether the parser met text it could not follow.
        source: the text itself.
    """

    tokens: tuple[Token, ...]
    nodes: tuple[Node, ...]
    has_errors: bool
    source: str

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs (node, source), both indices into the nodes."""
        return tuple((index, source) for index, node in enumerate(self.nodes) for source in node.sources)


def data_flow(source: str, language: str, *, mode: Mode = "repaired") -> DataFlow:
    """Find where the values of a function come from.

    Args:
        source: a function, several, or a file.
        language: one of `codewren.syntax.grammars.LANGUAGES`.
        mode: `repaired` follows every path through the text (see `walk`); `papers` reproduces the released
            preprocessing of Compressor, defects included (see `papers`; Java and C only).

    Raises:
        InputError: the language or mode is unknown, the papers have no such walker, brackets are nested absurdly
            deep, or the parser gave up.

    Source: Guo et al., GraphCodeBERT, ICLR 2021, section 3.

    >>> flow = data_flow("int f(int a) { int b = a; return b; }", "c")
    >>> [(node.name, [flow.nodes[one].name for one in node.sources]) for node in flow.nodes]
    [('a', []), ('b', ['a']), ('a', ['a']), ('b', ['b'])]
    """
    if language not in LANGUAGES:
        raise InputError(f"no data flow for language {language!r}; {nearest(language, LANGUAGES)}")
    if mode == "papers":
        from codewren.dataflow import papers

        return papers.papers_flow(source, language)
    if mode != "repaired":
        raise InputError(f"unknown data-flow mode {mode!r}; known: papers, repaired")
    from codewren.dataflow.walk import flow_of

    tree = parse(source.encode("utf-8", "replace"), language)
    sources, computed = flow_of(tree, language)
    tokens = tuple(map(Token, tree.tokens, tree.starts, tree.ends))
    return DataFlow(tokens, connected(tree, sources, computed), tree.has_errors, source)


def connected(tree: Tree, sources: Mapping[int, Set[int]], computed: Set[int]) -> tuple[Node, ...]:
    """Nodes of all tokens that an edge touches.

    Args:
        tree: whose tokens the others count.
        sources: the tokens each token gets its value from.
        computed: tokens that are assigned.
    """
    touched = sorted({token for target, found in sources.items() if found for token in (target, *found)})
    index = {token: number for number, token in enumerate(touched)}
    return tuple(
        Node(
            token,
            tree.tokens[token],
            "computedFrom" if token in computed else "comesFrom",
            tuple(index[one] for one in sorted(sources.get(token, ()))),
        )
        for token in touched
    )
