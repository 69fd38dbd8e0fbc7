"""Other white space, and no comments: the same tokens."""

import random
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from codewren.edits.trees import COMMENTS, Leaf, leaves, parse, same_tokens

_DIRECTIVE = re.compile(rb"^[ \t]*#(?:[^\n\\]|\\(?:\r?\n|.))*(?:\n|\Z)", re.MULTILINE)
_BLOCKS = {"block", "compound_statement", "constructor_body", "class_body", "switch_block"}
_INFIX = {"binary_expression", "assignment_expression", "variable_declarator", "init_declarator"}
_BEFORE_PARENTHESIS = {"if", "for", "while", "switch", "catch", "synchronized"}
_CONDITIONS = {"parenthesized_expression", "condition_clause", "for_statement", "enhanced_for_statement"}
_CONTINUES = {"else", "catch", "finally"}
_CLINGS = {",", ";", ")", "."}  # to a closing brace
_SAFE = frozenset(b"()[]{};,")


@dataclass(frozen=True, slots=True)
class Style:
    """A way to set code.

    Attributes:
        indent: of one level.
        own_line: opening braces of blocks, and `else`, stand on lines of their own.
        around: what stands on both sides of infix operators.
        before_condition: what stands between `if` and its parenthesis.
        after_comma: what follows a comma.
        inside: what stands inside parentheses.
    """

    indent: bytes
    own_line: bool
    around: bytes
    before_condition: bytes
    after_comma: bytes
    inside: bytes


def draw_style(rng: random.Random) -> Style:
    """One of the styles people write."""
    return Style(
        indent=rng.choice((b"  ", b"   ", b"    ", b"        ", b"\t")),
        own_line=rng.random() < 0.5,
        around=rng.choice((b" ", b" ", b"")),
        before_condition=rng.choice((b" ", b"")),
        after_comma=rng.choice((b" ", b" ", b"")),
        inside=rng.choice((b"", b"", b" ")),
    )


def reformat(source: str, language: str, *, rng: random.Random) -> str:
    r"""Set a function in another style; strings, comments and preprocessor lines stay as they are.

    Raises:
        InputError: the language has no edits.

    >>> reformat("int f(int a) { return a+1; }", "c", rng=random.Random(3))
    'int f(int a) {\n   return a + 1;\n}'
    """
    text = source.encode("utf-8", "surrogatepass")
    root = parse(text, language)
    if root is None:
        return source
    edited = _set(text, list(leaves(root)), draw_style(rng))
    return edited.decode("utf-8", "surrogatepass") if same_tokens(text, edited, language) else source


def remove_comments(source: str, language: str) -> str:
    r"""Leave out comments, and the lines that held nothing else.

    Raises:
        InputError: the language has no edits.

    >>> remove_comments("int f() {\n  // one\n  return 1; /* two */\n}", "c")
    'int f() {\n  return 1;\n}'
    """
    text = source.encode("utf-8", "surrogatepass")
    root = parse(text, language)
    comments = [leaf for leaf in leaves(root) if leaf.kind in COMMENTS] if root is not None else []
    edited = text
    for leaf in reversed(comments):
        edited = _without(edited, leaf.start, leaf.end)
    if not comments or not same_tokens(text, edited, language):
        return source
    return edited.decode("utf-8", "surrogatepass")


def _without(text: bytes, start: int, end: int) -> bytes:
    """The text without one comment, and without its line where nothing else stands there."""
    before, after = text[:start].rstrip(b" \t"), text[end:].lstrip(b" \t")
    if after[:1] in {b"\n", b"\r", b""}:
        alone = before[-1:] in {b"\n", b""}
        return before + (after.removeprefix(b"\r").removeprefix(b"\n") if alone else after)
    if text[:start] != before or not before:
        return text[:start] + after
    joins = text[end:] == after and not _apart(before[-1], after[0])
    return before + (b" " if joins else b"") + text[end:]


def _set(text: bytes, tokens: list[Leaf], style: Style) -> bytes:
    """The tokens with the style's white space between them."""
    if not tokens:
        return text
    frozen = [match.span() for match in _DIRECTIVE.finditer(text)]
    pieces = [text[: tokens[0].start]]
    open_blocks = _Depth()
    for leaf, after in pairwise(tokens):
        open_blocks.pass_over(leaf)
        gap = text[leaf.end : after.start]
        is_fixed = gap.strip() or _touches(frozen, leaf.end, after.start)
        pieces += [text[leaf.start : leaf.end], gap if is_fixed else _gap(text, leaf, after, open_blocks, style)]
    return b"".join([*pieces, text[tokens[-1].start :]])


def _touches(frozen: list[tuple[int, int]], start: int, end: int) -> bool:
    index = bisect_right(frozen, end, key=lambda span: span[0]) - 1
    return index >= 0 and frozen[index][1] >= start


class _Depth:
    """What is open: of braces whether they are blocks."""

    def __init__(self) -> None:
        self.open: list[bool] = []

    def pass_over(self, leaf: Leaf) -> None:
        if leaf.kind in {"{", "("}:
            self.open.append(leaf.kind == "{" and leaf.around in _BLOCKS)
        elif leaf.kind in {"}", ")"} and self.open:
            self.open.pop()

    @property
    def in_block(self) -> bool:
        return bool(self.open) and self.open[-1]

    @property
    def level(self) -> int:
        """Blocks around, and one more inside parentheses."""
        return sum(self.open) + bool(self.open and not self.open[-1])


def _gap(text: bytes, leaf: Leaf, after: Leaf, depth: _Depth, style: Style) -> bytes:
    gap = text[leaf.end : after.start]
    closes = after.kind == "}" and after.around in _BLOCKS
    line = b"\n" + style.indent * (depth.level - closes + _is_bare_branch(leaf, after))
    if leaf.kind in COMMENTS or after.kind in COMMENTS:
        return line if b"\n" in gap else gap
    if after.kind == "{" and after.around in _BLOCKS and not depth.in_block:
        return line if style.own_line else b" "
    breaks = _breaks(leaf, after, depth, style, closes=closes)
    if breaks or (breaks is None and b"\n" in gap):
        return line
    inline = _inline(leaf, after, style)
    if inline is None:
        return b" " if gap else b""
    joins = text[leaf.end - 1], text[after.start]
    return inline if inline or not gap or _apart(*joins) else b" "


def _breaks(leaf: Leaf, after: Leaf, depth: _Depth, style: Style, *, closes: bool) -> bool | None:
    """Whether a new line starts between two tokens; None where it does as before."""
    ends_block = leaf.kind == "}" and leaf.around in _BLOCKS
    if leaf.kind == "{" and leaf.around in _BLOCKS:
        return not closes
    if ends_block and after.kind in _CONTINUES:
        return style.own_line
    if ends_block and (after.kind in _CLINGS or after.around == "do_statement"):
        return False
    if closes or (depth.in_block and (ends_block or leaf.kind == ";")):
        return True
    return False if after.kind in {";", ","} else None


def _is_bare_branch(leaf: Leaf, after: Leaf) -> bool:
    """Whether a statement without braces begins here, below its `if` or `else`."""
    condition = leaf.kind == ")" and leaf.around in _CONDITIONS
    return (condition or (leaf.kind == "else" and after.kind != "if")) and after.kind not in {"{", ";"}


def _inline(leaf: Leaf, after: Leaf, style: Style) -> bytes | None:
    """What stands between two tokens of a line; None for what stood there."""
    if _is_infix(leaf) or _is_infix(after):
        return style.around
    if leaf.kind in _BEFORE_PARENTHESIS and after.kind in {"(", "parenthesized_expression"}:
        return style.before_condition
    if leaf.kind == ",":
        return style.after_comma
    if after.kind in {";", ","}:
        return b""
    if (leaf.kind == "(") != (after.kind == ")"):
        return style.inside
    return None


def _is_infix(leaf: Leaf) -> bool:
    return leaf.around in _INFIX and leaf.kind not in {"(", ")", ","} and not leaf.kind[0].isalnum()


def _apart(left: int, right: int) -> bool:
    """Whether two tokens stay two without space between them."""
    return left in _SAFE or right in _SAFE or (_is_word(left) != _is_word(right) and ord(".") not in {left, right})


def _is_word(byte: int) -> bool:
    return byte >= 0x80 or chr(byte).isalnum() or byte in b"_$\"'"
