from hypothesis import given
from hypothesis import strategies as st

from codewren.syntax.grammars import nesting_depth


@given(st.text("([{}])x;", max_size=60))
def test_the_nesting_depth_is_never_underestimated(source: str) -> None:
    depth = deepest = 0
    for character in source:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    assert nesting_depth(source.encode(), "c") >= deepest
