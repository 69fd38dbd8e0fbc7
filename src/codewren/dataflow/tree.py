"""A syntax tree as flat lists, so that walking it costs no calls into the parser."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.syntax.grammars import check_nesting, grammar, syntax_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language
    from tree_sitter import Node as Parsed

_STRINGS = frozenset({"string", "string_literal", "char_literal", "raw_string_literal", "character_literal"})
_COMMENTS = frozenset({"comment", "line_comment", "block_comment", "line_continuation"})
_INTERPOLATED = frozenset({"interpolation", "string_interpolation"})
_CLASSES = {"java": (b"class A {", b"\n}"), "cpp": (b"struct A {", b"\n};")}


class Leaves(NamedTuple):
    """What becomes a token.

    Attributes:
        strings: kinds that are one token whatever is below them.
        lost: kinds that are neither tokens nor nodes.
        all_are_nodes: whether unnamed leaves are nodes, too, tokens without text are kept, and Java methods are parsed
            as they stand.
    """

    strings: frozenset[str] = _STRINGS
    lost: frozenset[str] = _COMMENTS
    all_are_nodes: bool = False


AS_RELEASED = {
    "java": Leaves(frozenset({"string_literal", "character_literal"}), all_are_nodes=True),
    "c": Leaves(frozenset(), _COMMENTS | {"string_content", "character"}, all_are_nodes=True),
}
_REPAIRED = Leaves()


@dataclass(slots=True)
class Tree:
    """Named nodes with parents before children, and tokens.

    Attributes:
        kinds: the grammar's name of each node.
        fields: the field under which its parent knows it, or "".
        skips: index of the next node that is not below it.
        at: index of its first token; a node inside a string has the string's.
        texts: of nodes that are leaves; "" for others.
        tokens: text of every leaf, named or not.
        starts: of the tokens, in bytes.
        ends: of the tokens, in bytes.
        has_errors: whether the parser met text it could not follow.
    """

    kinds: list[str]
    fields: list[str]
    skips: list[int]
    at: list[int]
    texts: list[str]
    tokens: list[str]
    starts: list[int]
    ends: list[int]
    has_errors: bool

    def children(self, node: int) -> "Iterator[int]":
        """Named children in order."""
        child, end, skips = node + 1, self.skips[node], self.skips
        while child < end:
            yield child
            child = skips[child]

    def child(self, node: int, field: str) -> int:
        """The first child under `field`, or -1."""
        child, end = node + 1, self.skips[node]
        while child < end:
            if self.fields[child] == field:
                return child
            child = self.skips[child]
        return -1

    def under(self, node: int, field: str) -> list[int]:
        """All children under `field`."""
        return [child for child in self.children(node) if self.fields[child] == field]

    def first(self, node: int) -> int:
        """The first child, or -1."""
        return node + 1 if self.skips[node] > node + 1 else -1


def parse(source: bytes, language: str, *, leaves: Leaves = _REPAIRED) -> Tree:
    """Parse a text into flat lists; a method of Java or C++ may stand without a class around it.

    Raises:
        InputError: brackets are nested too deep, or parsing took too long.
    """
    check_nesting(source, language)
    loaded = grammar(language)
    root = syntax_root(source, language)
    if root.has_error and language in _CLASSES and not leaves.all_are_nodes:
        before, after = _CLASSES[language]  # a constructor is not allowed outside a class
        wrapped = syntax_root(before + source + after, language)
        around = wrapped.named_child(0)
        body = None if wrapped.has_error or around is None else around.child_by_field_name("body")
        if body is not None:
            return _flat(body, source, loaded, leaves, offset=len(before))
    return _flat(root, source, loaded, leaves)


@cache
def _names(language: "Language") -> tuple[dict[int, tuple[str, bool]], dict[int | None, str]]:
    """Kinds of nodes by id with whether they are named, and fields by id."""
    kinds = {
        number: (language.node_kind_for_id(number) or "", language.node_kind_is_named(number))
        for number in range(language.node_kind_count)
    }
    kinds[65535] = ("ERROR", True)
    fields: dict[int | None, str] = {
        number: language.field_name_for_id(number) or "" for number in range(1, language.field_count + 1)
    }
    fields[None] = ""
    return kinds, fields


def _flat(root: "Parsed", source: bytes, language: "Language", made: Leaves, *, offset: int = 0) -> Tree:
    """Flatten what stands below `root`; `offset` bytes before the source are not its own."""
    kind_of, field_of = _names(language)
    tree = Tree([], [], [], [], [], [], [], [], root.has_error)
    kinds, fields, skips, at, texts = tree.kinds, tree.fields, tree.skips, tree.at, tree.texts
    tokens, starts, ends = tree.tokens, tree.starts, tree.ends
    cursor = root.walk()
    open_nodes: list[int] = []
    length, string_end = len(source) + offset, 0
    while True:
        node = cursor.node
        assert node is not None
        kind, named = kind_of[node.kind_id]
        start, end = node.start_byte, node.end_byte
        is_string = named and kind in made.strings
        leaf = is_string or not node.child_count
        text = source[start - offset : end - offset].decode("utf-8", "replace") if leaf else ""
        is_token = leaf and offset <= start <= end <= length and kind not in made.lost
        inside = start < string_end
        number = -1
        if kind not in made.lost and (named or (made.all_are_nodes and is_token)):
            number = len(kinds)
            kinds.append(kind)
            fields.append(field_of[cursor.field_id])
            skips.append(number + 1)
            at.append(len(tokens) - inside)
            texts.append(text if is_token else "")
        if is_token and not inside and (made.all_are_nodes or (text and not text.isspace())):
            tokens.append(text)
            starts.append(start - offset)
            ends.append(end - offset)
        if is_string and any(child.type in _INTERPOLATED for child in node.named_children):
            string_end, leaf = max(string_end, end), False
        if not leaf and kind not in made.lost and cursor.goto_first_child():
            open_nodes.append(number)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return tree
            parent = open_nodes.pop()
            if parent >= 0:
                skips[parent] = len(kinds)
