"""Two functions side by side, line by line, as `diff -y` shows them."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

_GUTTER = 3


def side_by_side(first: Sequence[str], second: Sequence[str], width: int) -> Iterator[str]:
    """Lines of `width` columns; a mark between the halves says `|` changed, `<` only left, `>` only right.

    >>> for line in side_by_side(["f() {", "  a();", "}"], ["f() {", "  b();", "}"], 19): print(line.rstrip())
    f() {      f() {
      a();   |   b();
    }          }
    """
    half = max((width - _GUTTER) // 2, 1)
    left, right = ([line.expandtabs(4).rstrip() for line in lines] for lines in (first, second))
    matcher = SequenceMatcher(None, _stripped(left), _stripped(right), autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        for old, new in zip_longest(left[i:j], right[k:m]):
            mark = " " if tag == "equal" else "<" if new is None else ">" if old is None else "|"
            yield f"{(old or '')[:half]:<{half}} {mark} {(new or '')[:half]}"


def _stripped(lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]
