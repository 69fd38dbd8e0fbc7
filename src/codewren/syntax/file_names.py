"""What the name of a file tells: its language, and whether it is a test."""

import os
import re
from collections.abc import Collection

SUFFIXES = {
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tpp"), "cpp"),
    ".java": "java",
    **dict.fromkeys((".py", ".pyw"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    ".go": "go",
    ".cs": "csharp",
    ".rs": "rust",
}
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "testdata", "__tests__", "__mocks__", "spec", "specs", "e2e"})
_TEST_FOLDER = re.compile(r"[\w.-]+(?:\.(?:Unit|Integration|Functional)?Tests?|[-_]tests?)")
_TEST_NAME = re.compile(
    r"test_.*|tests?|conftest|.*[-_.](?:test|tests|spec|unittest)|.+(?:Test|Tests|TestCase|Spec)|.*[a-z0-9]IT|Test[A-Z]\w*"
)


def language_of(name: str, languages: Collection[str]) -> str | None:
    """The language of a file by the end of its name; a `.h` is C++ where C++ is wanted and C is not.

    >>> language_of("a.h", {"cpp"}), language_of("a.h", {"c", "cpp"}), language_of("README", {"c"})
    ('cpp', 'c', None)
    """
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
    if suffix == ".h" and "cpp" in languages and "c" not in languages:
        return "cpp"
    return SUFFIXES.get(suffix)


def is_test_path(path: str) -> bool:
    """Whether a file holds tests by the conventions of its tools: pytest, JUnit, Go, Jest, GoogleTest, NUnit, Cargo.

    Either a folder says so (`tests/`, `src/test/java/`, `__tests__/`, `App.Tests/`) or the file's name (`test_a.py`,
    `a_test.go`, `a.spec.ts`, `ATest.java`). Give a path relative to what is scanned, or folders around it count too.

    >>> [is_test_path(path) for path in ("src/a_test.go", "tests/a.c", "src/latest.c", "ATest.java", "contest/a.py")]
    [True, True, False, True, False]
    """
    *folders, file = re.split(r"[/\\]", path)
    stem = os.path.splitext(file)[0]  # noqa: PTH122
    if any(folder.lower() in _TEST_FOLDERS or _TEST_FOLDER.fullmatch(folder) for folder in folders):
        return True
    return _TEST_NAME.fullmatch(stem) is not None
