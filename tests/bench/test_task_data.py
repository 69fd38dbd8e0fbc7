"""The tasks of benchmarks/tasks: what a text shows, what it hides, and what keeps the splits apart."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks/tasks"))

import parameter_types
import return_types

import data


def function(text):
    return ast.parse(text).body[0]


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        ("str", ["str"]),
        ("str | None", ["none", "str"]),
        ("Optional[List[int]]", ["none", "sequence"]),
        ("'typing.Union[int, Callable[..., str]]'", ["number", "callable"]),
        ("Annotated[dict[str, int], 3]", ["mapping"]),
        ("Literal['a', 1, None]", ["none", "str", "number"]),
        ("os.PathLike | bytes", ["object"]),
        ("Request", ["object"]),
        ("int | Any", None),
        ("T", None),
        ("'not an annotation'", None),
    ],
)
def test_an_annotation_names_kinds_or_says_nothing(annotation, kinds):
    found = list(parameter_types.parameters(function(f"def f(a: {annotation}):\n    return a\n")))
    assert [labels for _, labels in found] == ([kinds] if kinds else [])


def test_a_parameters_text_has_its_uses_in_order_and_no_annotation():
    text = '''
def f(a, b: str = "x", *, c: int | None = None):
    """b is a str"""
    d: str = b
    if a:
        for e in b:
            g(e, key=b)
    try:
        h()
    except ValueError:
        b.close()
    if c is None: return b[0]
'''
    found = dict(parameter_types.parameters(function(text)))
    lines = ["b = 'x' in f", "d = arg", "for e in arg:", "g(e, key=arg)", "arg.close()", "return arg[0]"]
    assert found == {"\n".join(lines): ["str"], "c = None in f\nif arg is None:": ["none", "number"]}


def test_a_parameter_that_is_never_used_is_no_item():
    assert not list(parameter_types.parameters(function("def f(a: int):\n    return 1\n")))


@pytest.mark.parametrize(
    ("annotation", "label"),
    [("list[str]", "sequence"), ("str | None", "str"), ("Optional[float]", "number"), ("str | int", None)]
    + [(kind, None) for kind in ("None", "Request", "Any", "Callable[[], str]")],
)
def test_a_return_annotation_names_one_label_or_says_nothing(annotation, label):
    found = list(return_types.returned(function(f"def f() -> {annotation}:\n    return x\n")))
    assert found == ([("f\nreturn x", label)] if label else [])


def test_a_returns_text_has_its_returns_first_and_then_what_binds_their_names():
    text = '''
def f(a: int) -> list[str]:
    """a list"""
    out: list[str] = []
    b = 1
    for one in a:
        out.append(one)
        def g(): return 3
    if b: return None
    out += [b]
    return out
'''
    lines = ["f", "return None", "return out", "< out = []", "< out.append(one)", "< out += [b]"]
    assert list(return_types.returned(function(text))) == [("\n".join(lines), "sequence")]


def test_a_function_that_returns_nothing_is_no_item():
    assert not list(return_types.returned(function("def f() -> str:\n    return\n")))


def rows(groups):
    """Nine rows of each group."""
    texts = [(group, f"{group} {number}") for group in groups for number in range(9)]
    return [{"group": group, "project": group, "func": text, "label": "str"} for group, text in texts]


def test_packages_lie_in_one_split():
    splits = data.by_package(rows([f"package{number}" for number in range(40)]))
    where = {name: {row["project"] for row in found} for name, found in splits.items()}
    assert where["valid"]
    assert where["test"]
    assert not (where["labelled"] | where["unlabelled"]) & (where["valid"] | where["test"])
    assert not where["valid"] & where["test"]
    assert sum(map(len, splits.values())) == 360


def test_no_text_is_kept_twice():
    double = [*rows(["a"]), *rows(["a"])]
    assert list(data.unique(double, range(1, 100))) == rows(["a"])
