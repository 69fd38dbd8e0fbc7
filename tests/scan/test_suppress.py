import pytest

from codewren.scan.suppress import complaints, markers, silenced
from codewren.syntax.functions import extract

FUNCTION = "static int\nf(int a)\n{\n  return a;\n}\n"


def silent(source: str, language: str = "c", task: str = "vulnerability") -> list[bool]:
    raw = source.encode()
    parsed = extract(raw, language)
    found = markers(parsed.root, raw, parsed.functions, language)
    return silenced(found, len(parsed.functions), task)


def said(source: str, language: str = "c") -> list[tuple[int, str]]:
    raw = source.encode()
    parsed = extract(raw, language)
    return list(complaints(markers(parsed.root, raw, parsed.functions, language), ["vulnerability", "clone"]))


@pytest.mark.parametrize(
    "comment",
    [
        "// codewren: ignore",
        "/* codewren:ignore */",
        "  // codewren: ignore",
        "// codewren: ignore[vulnerability]",
        "// codewren: ignore [clone, vulnerability]",
        "/**\n * Says why.\n * codewren: ignore, checked by hand\n */",
        "/** codewren: ignore\n */",
        "/// codewren: ignore\n/// because of this",
    ],
)
def test_a_comment_above_silences(comment: str) -> None:
    for language in ("c", "cpp"):
        assert silent(f"int g;\n{comment}\n{FUNCTION}int h(void) {{ }}\n", language) == [True, False]


def test_javadoc_and_python_comments_silence() -> None:
    java = "class A {\n  /**\n   * codewren: ignore\n   */\n  @Override\n  int f() { }\n  int g() { }\n}"
    assert silent(java, "java") == [True, False]
    python = "# codewren: ignore\n@d\ndef f(a):\n    return a\n\ndef g(a):  # codewren: ignore\n    return a\n"
    assert silent(python, "python") == [True, True]
    assert silent("def f(a,  # codewren: ignore\n      b):\n    return a\n", "python") == [True]


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_comment_in_the_header_silences(line: int) -> None:
    lines = FUNCTION.split("\n")
    lines[line] += "  // codewren: ignore"
    assert silent("\n".join(lines)) == [True]


def test_a_function_on_one_line_is_its_header() -> None:
    assert silent("int f(void) { return 1; } // codewren: ignore\nint g(void) { }\n") == [True, False]


@pytest.mark.parametrize(
    "source",
    [
        "// codewren: ignore[clone]\n" + FUNCTION,
        "// codewren: ignored\n" + FUNCTION,
        "// codewren: ignore[]\n" + FUNCTION,
        "int g; // codewren: ignore\n" + FUNCTION,
        "// codewren: ignore\n\n" + FUNCTION,
        '#define A "// codewren: ignore"\n' + FUNCTION,
        "#define A 1 // codewren: ignore\n" + FUNCTION,
        FUNCTION.replace("return a;", "return a; // codewren: ignore"),
        'int f(void) { puts("// codewren: ignore");\n  return 1;\n}\n',
        'int f(void) { puts("http://codewren: ignore"); }\n',
        "int f(void) { g(); // codewren: ignore\n  return 1;\n}\n",
    ],
)
def test_other_comments_and_text_that_looks_like_one_do_not(source: str) -> None:
    assert silent(source) == [False]


@pytest.mark.parametrize(
    "source",
    [
        'def f(a):\n    """# codewren: ignore"""\n    return a\n',
        "def f(a):\n    b = a  # codewren: ignore\n    return b\n",
        'def f(a="# codewren: ignore"):\n    return a\n',
        'X = """\n# codewren: ignore\n"""\ndef f(a):\n    return a\n',
    ],
)
def test_in_python_too(source: str) -> None:
    assert silent(source, "python") == [False]


def test_what_can_silence_nothing_is_told() -> None:
    ((line, message),) = said("// codewren: ignore[vulnerabilty]\n" + FUNCTION)
    assert line == 1
    assert "vulnerabilty" in message
    assert "vulnerability" in message
    ((line, message),) = said("int g;\n// codewren: ignore\nint h;\n" + FUNCTION)
    assert line == 2
    assert "at no function" in message
    assert [line for line, _ in said("/*\n codewren: ignore[]\n*/\n" + FUNCTION)] == [2]
    assert said("// codewren: ignore[clone]\n" + FUNCTION) == []
