"""The tasks of benchmarks/tasks: what a text shows, what it hides, and what keeps the splits apart."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks/tasks"))

import log_levels
import parameter_types

import data


def function(text):
    return ast.parse(text).body[0]


LOGS = """
def fetch(self, url):
    try:
        x = open(url)
        LOG.debug("opened %s", url)
    except OSError as error:
        wait = 1
        self.log.warn("no %s", url)
        raise
    else:
        logging.info("done")
    if x:
        math.log.exp(x)
        catalog.info("not a logger")
"""


def test_a_text_starts_with_the_statement_and_hides_its_level_alone():
    found = dict(log_levels.log_statements(function(LOGS)))
    assert sorted(found.values()) == ["debug", "info", "warning"]
    for text, level in found.items():
        assert text.startswith("log('")
        assert level not in text.split("\n")[0]


def test_what_stands_around_a_log_statement_is_told_apart_by_its_mark():
    (text,) = [text for text, level in log_levels.log_statements(function(LOGS)) if level == "warning"]
    assert text.split("\n") == [
        "log('no %s', url)",
        "> raise",
        "^ except OSError as error:",
        "^ try:",
        "^ def fetch(self, url):",
        "< wait = 1",
    ]


def test_a_neighbours_level_stays():
    text = function("def f():\n    log.error('a')\n    log.info('b')\n")
    assert [one for one, level in log_levels.log_statements(text) if level == "info"] == [
        "log('b')\n> nothing\n^ def f():\n< log.error('a')"
    ]


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


def rows(groups):
    """Nine rows of each group; the first lines of three are those of all groups."""
    texts = [(g, f"log('{n if n < 3 else g + str(n)}')\n^ {g} {n}") for g in groups for n in range(9)]
    return [{"group": group, "project": group, "func": text, "label": "info"} for group, text in texts]


def test_packages_lie_in_one_split_and_first_lines_too():
    groups = [f"package{number}" for number in range(40)]
    splits = data.by_package(rows(groups), apart=True)
    where = {name: {row["project"] for row in found} for name, found in splits.items()}
    assert not (where["labelled"] | where["unlabelled"]) & (where["valid"] | where["test"])
    assert not where["valid"] & where["test"]
    first = {name: {row["func"].split("\n")[0] for row in found} for name, found in splits.items()}
    assert not (first["labelled"] | first["unlabelled"]) & (first["valid"] | first["test"])
    assert first["test"] and first["valid"]
    assert sum(map(len, data.by_package(rows(groups), apart=False).values())) == 360


def test_no_text_is_kept_twice():
    double = [*rows(["a"]), *rows(["a"])]
    assert list(data.unique(double, range(1, 100))) == rows(["a"])
