"""The graph, and the one function that makes it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from codewren.dataflow.tree import Tree

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


def connected(tree: Tree, sources: Mapping[int, Set[int]], computed: Set[int]) -> tuple[Node, ...]:
    """Nodes of all tokens that an edge touches.

    Args:
        tree: whose tokens the others count.
        sources: the tokens each token gets its value from.
        computed: tokens that are assigned.
    """
    touched = sorted({token for target, origins in sources.items() if origins for token in (target, *origins)})
    index = {token: number for number, token in enumerate(touched)}
    return tuple(
        Node(
            token,
            tree.tokens[token],
            "computedFrom" if token in computed else "comesFrom",
            tuple(index[origin] for origin in sorted(sources.get(token, ()))),
        )
        for token in touched
    )
