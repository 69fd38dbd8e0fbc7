import ast
import importlib
import random
from pathlib import Path
from textwrap import dedent

import pytest

from rewrite import drop_docstring, independent, renamable, rewrite

NAMES = [f"name{i}" for i in range(60)]
NUMBERS = [(0.2, 0.4, 0.4), (1.0, 0.0, 0.5), (0.0, 0.0, 0.0), (0.7, 0.7, 0.1), (0.31, 0.9, 1.0)]
PATHS = [("a/../b",), ("/x//y/./z",), ("",), ("..//..",), ("/a/b.c.d",), ("//host/x",), ("C:\\u\\v.txt",), ("a b",)]
LISTS = [([1, 3, 3, 9], 3), ([], 1), ([5], 2), ([1, 2, 8], 100)]
LIBRARY = {
    "colorsys": ("rgb_to_hls hls_to_rgb rgb_to_hsv hsv_to_rgb rgb_to_yiq yiq_to_rgb", NUMBERS),
    "posixpath": ("normpath split splitext dirname basename isabs normcase expanduser splitroot", PATHS),
    "ntpath": ("normpath split splitdrive splitext isabs basename", PATHS),
    "bisect": ("bisect_right bisect_left", LISTS),
    "fnmatch": ("translate", [("*.py",), ("[!a-c]?x*",), ("[",), ("a[]b]",)]),
    "textwrap": ("dedent", [("  a\n   b\n",), ("\tx\n  y",), ("",)]),
    "calendar": ("isleap leapdays weekday", [(1999, 3, 1), (2000, 2, 29), (1900, 1, 5)]),
    "string": ("capwords", [("ab cd",), ("x-y z", "-")]),
    "shlex": ("quote", [("a b",), ("",), ("it's",), ("safe",)]),
}
CASES = [
    (module, function, inputs)
    for module, (functions, inputs) in LIBRARY.items()
    for function in functions.split()
    if hasattr(importlib.import_module(module), function)
]


def source_of(module: str, function: str) -> str:
    """The Python text in the library's file, even where a C version has taken the name."""
    text = Path(importlib.import_module(module).__file__).read_text(encoding="utf-8")
    nodes = ast.walk(ast.parse(text))
    found = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == function]
    return dedent(ast.get_source_segment(text, found[-1], padded=True))


def run(text: str, module: str, arguments: tuple) -> object:
    namespace = dict(vars(importlib.import_module(module)))
    exec(text, namespace)
    function = namespace[ast.parse(text).body[0].name]
    try:
        return function(*arguments[: function.__code__.co_argcount])
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(("module", "function", "inputs"), CASES)
def test_rewritten_library_functions_compute_what_they_did(module, function, inputs):
    """The oracle is Python: run both."""
    text = source_of(module, function)
    for seed in range(12):
        made = rewrite(text, rng=random.Random(seed), names=NAMES, chance=1.0)
        for arguments in inputs:
            assert run(made.text, module, arguments) == run(text, module, arguments), made.text


def test_renaming_changes_names_reordering_order_and_both_are_seeded():
    text = source_of("colorsys", "rgb_to_hls")
    made = [rewrite(text, rng=random.Random(3), names=NAMES, chance=1.0) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].changes == ("reformat", "rename", "reorder")
    assert "maxc" not in made[0].text and "name" in made[0].text
    assert ast.unparse(ast.parse(made[0].text)) != ast.unparse(ast.parse(text))
    plain = rewrite(text, rng=random.Random(3), names=NAMES, chance=0.0)
    assert plain.changes == ("reformat",)
    assert ast.dump(ast.parse(plain.text)) == ast.dump(ast.parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, b):\n    c = a + b + d\n    return c", ["a", "b", "c"]),
        ("def f(self, a):\n    _ = a.b\n    self.a = a", ["a"]),
        ("def f(x=x, y=z):\n    z = 1\n    return x", ["y"]),
        ("def f():\n    global g\n    g = h = 1", ["h"]),
        ("def f(a):\n    import os as system, re\n    return re, system, a", ["a"]),
        ("def f(a):\n    b = 1\n    return locals()", []),
        ("def f(a):\n    class C:\n        a = 1\n    return C", []),
        ("def f(a):\n    match a:\n        case [b]: return b", []),
        ("def f(a):\n    def g(k, m): return k + m\n    return g(k=1, m=a) + g(1, 2)", ["a", "g"]),
        ("def f(a):\n    n = 1\n    def g():\n        nonlocal n\n        n = 2\n    return g", ["a", "g"]),
        ("def f(a):\n    b = [x for x in a]\n    return x", ["a", "b"]),
        ("def f(a):\n    try: pass\n    except E as e: return e", ["a", "e"]),
        ("def f(a, *b, c=1, **d): return lambda q: q", ["a", "b", "c", "d", "q"]),
    ],
)
def test_only_names_that_nobody_else_sees_are_renamed(text, expected):
    assert renamable(ast.parse(text).body[0], text) == expected


def test_a_method_keeps_protocol_names_and_globals_that_are_called_alike():
    text = "def open(self, path):\n    return open(path, self.mode)"
    made = {rewrite(text, rng=random.Random(seed), names=NAMES, chance=1.0).text for seed in range(9)}
    assert all("return open(" in one and "self.mode" in one for one in made)
    assert not any(one.startswith("def open(") for one in made)
    assert rewrite("def __len__(self):\n    return self.n", rng=random.Random(0), names=NAMES).text.startswith(
        "def __len__"
    )


def test_a_recursive_function_calls_its_new_name():
    made = rewrite(
        "def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)", rng=random.Random(1), names=NAMES, chance=1
    )
    namespace = {}
    exec(made.text, namespace)
    assert namespace[ast.parse(made.text).body[0].name](5) == 120
    assert "fact" not in made.text


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a = 1", "b = 2", True),
        ("a = b", "b = 2", False),
        ("a = 1", "b = a", False),
        ("a = 1", "a = 2", False),
        ("self.a = x", "self.b = y", True),
        ("self.a = x", "b = other.a", False),
        ("self = x", "self.b = y", False),
        ("a = f()", "b = 2", False),
        ("a[0] = 1", "b = 2", False),
        ("a = x[0]", "b = 2", False),
        ("a += 1", "b = 2", False),
    ],
)
def test_assignments_trade_places_only_if_neither_sees_the_other(first, second, expected):
    assert independent(ast.parse(first).body[0], ast.parse(second).body[0]) is expected


def test_docstrings_go_unless_they_are_all():
    text = 'def f(a):\n    """Say."""\n    return a'
    assert "Say" not in rewrite(text, rng=random.Random(0), names=NAMES).text
    only = ast.parse('def f():\n    """Say."""').body[0]
    drop_docstring(only)
    assert len(only.body) == 1


def test_strings_over_several_lines_are_not_indented_away():
    inner = '    def g():\n        """One.\n\n        Two.\n        """\n'
    text = f'def f():\n{inner}    x = """a\n    b"""\n    return g.__doc__, x'
    for seed in range(8):
        made = rewrite(text, rng=random.Random(seed), names=NAMES, chance=0.0)
        assert ast.dump(ast.parse(made.text)) == ast.dump(ast.parse(text))
