"""Trees of single functions, and what must stay the same when one is edited.

Texts are handled as UTF-8 bytes, because that is how tree-sitter counts.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.core.errors import InputError, nearest
from codewren.syntax.grammars import DEEPEST_NESTING, grammar, nesting_depth
from codewren.syntax.tokens import tokens

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

EDITABLE = ("c", "cpp", "java")
COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
# Not looked into: white space in them is text.
ATOMS = COMMENTS | {"string_literal", "raw_string_literal", "char_literal", "character_literal", "system_lib_string"}


class Leaf(NamedTuple):
    """One token: its bytes, its node type, and the type of the node around it."""

    start: int
    end: int
    kind: str
    around: str


def check_language(language: str) -> None:
    """Refuse a language whose functions cannot be edited.

    Raises:
        InputError: not one of `EDITABLE`.
    """
    if language not in EDITABLE:
        raise InputError(f"functions in {language!r} cannot be edited; {nearest(language, EDITABLE)}")


def parse(source: bytes, language: str) -> "Node | None":
    """Root of a function's tree; None for text so deeply nested that it is none.

    Raises:
        InputError: not one of `EDITABLE`.
    """
    check_language(language)
    if nesting_depth(source, language) > DEEPEST_NESTING:
        return None
    return _parser(language).parse(source).root_node


@cache
def _parser(language: str) -> "Parser":
    from tree_sitter import Parser

    return Parser(grammar(language))


def leaves(root: "Node") -> Iterator[Leaf]:
    """Tokens in order, comments among them; what the parser only imagined is left out."""
    cursor = root.walk()
    around = [""]
    while True:
        node = cursor.node
        if node is None:
            return
        kind = node.type
        if kind not in ATOMS and cursor.goto_first_child():
            around.append(kind)
            continue
        if node.end_byte > node.start_byte:
            yield Leaf(node.start_byte, node.end_byte, kind, around[-1])
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            around.pop()


def same_tokens(before: bytes, after: bytes, language: str) -> bool:
    """Whether two texts hold the same tokens, comments aside, and the parser loses no more places in the second.

    Tokens as the parser sees them, and as the scanner does: in text that is not C or Java throughout they differ.
    """
    if tokens(_decoded(before), language) != tokens(_decoded(after), language):
        return False
    first, second = parse(before, language), parse(after, language)
    if first is None or second is None:
        return False
    return _words(before, first) == _words(after, second) and lost(second) <= lost(first)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


def _words(text: bytes, root: "Node") -> list[bytes]:
    tokens = (leaf for leaf in leaves(root) if leaf.kind not in COMMENTS)
    return [word for leaf in tokens if (word := text[leaf.start : leaf.end].strip())]


def lost(root: "Node") -> int:
    """Places where the parser found what it could not follow, or put in what is not there."""
    if not root.has_error:
        return 0
    shape = str(root)
    return shape.count("(ERROR") + shape.count("(MISSING")
