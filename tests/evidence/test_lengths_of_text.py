"""Bounds of constants, literals and formats, against Python's own arithmetic and formatting."""

import re

from hypothesis import given
from hypothesis import strategies as st

from codewren.evidence.expressions import nodes_below
from codewren.evidence.file_facts import FileFacts
from codewren.evidence.function_view import FunctionView
from codewren.evidence.longest_text import literal_text, longest_output

NUMBERS = st.integers(-(2**31), 2**31 - 1)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 99)))
    sign = draw(st.sampled_from("+-*"))
    return f"({draw(expressions(depth - 1))} {sign} {draw(expressions(depth - 1))})"


@given(expressions())
def test_constants_have_the_value_of_their_expression(text: str) -> None:
    facts = FileFacts([f"#define INNER ({text})\n#define OUTER (INNER + 1)\n"])
    wanted = eval(text)  # digits, signs and parentheses that are drawn above
    assert facts.value("OUTER") == wanted + 1
    assert facts.value(f"sizeof(int) * 2 + {text}") == 8 + wanted


def test_a_constant_is_unknown_where_one_part_is() -> None:
    facts = FileFacts(["#define A 1\n#define B A + unknown\n#define LOOP LOOP + 1\n#define TWICE 1\n#define TWICE 2\n"])
    assert [facts.value(text) for text in ("A", "B", "LOOP", "TWICE", "f(1)", "1 / 0", "'a'", "")] == [1] + [None] * 7


def view_of(body: str) -> FunctionView:
    return FunctionView(f"void f(int n) {{ {body} }}".encode(), "c", FileFacts(['#define NAME "abc"\n']))


@given(st.lists(st.sampled_from(["%d", "%5d", "%-8d", "%x", "%04x", "%c", "%%", "%.3s", "%s", "ab ", "%+d"])), NUMBERS)
def test_no_output_of_a_format_is_longer_than_its_bound(parts: list[str], number: int) -> None:
    form = "".join(parts)
    letters = re.findall(r"%[^%a-z]*([dxcs])", form.replace("%%", ""))
    given_values = {"d": (number, "n"), "x": (abs(number), "n"), "c": ("c", "n"), "s": ("abc", "NAME")}
    written = form % tuple(given_values[letter][0] for letter in letters)
    call = view_of(f"g({', '.join(['0', *(given_values[letter][1] for letter in letters)])});")
    output = longest_output(call, form, call.calls[0].arguments[1:])
    assert not output.unbounded
    assert output.texts <= output.most
    assert len(written) <= output.most


def test_what_nothing_bounds_is_named() -> None:
    view = view_of("g(n, NAME, other, n);")
    output = longest_output(view, "%s %s %*d %f", view.calls[0].arguments[1:])
    assert [one if isinstance(one, str) else view.text(one) for one in output.unbounded] == ["other", "%*d", "%f"]


def test_literals_are_as_long_as_what_they_stand_for() -> None:
    literals = {r'"a\n\x41\101"': 4, '"a" "b"': 2, 'NAME "d"': 4, '_("abc")': 3, '"%" PRIu64': 3, '"a" UNKNOWN': 2}
    for literal, length in literals.items():
        view = view_of(f"g({literal});")
        node = next(node for node in nodes_below(view.root) if node.type == "argument_list").named_children[0]
        text = literal_text(view, node)
        assert text is not None, literal
        assert len(text) == length, literal
