"""What the name of a file tells: its language."""

import os
from collections.abc import Collection

SUFFIXES = {
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tpp"), "cpp"),
    ".java": "java",
    **dict.fromkeys((".py", ".pyw", ".ipynb"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    ".go": "go",
    ".cs": "csharp",
    ".rs": "rust",
}

_NO_STEM = frozenset({"", "/", "\\", "."})


def language_of(name: str, languages: Collection[str]) -> str | None:
    """The language of a file by the end of its name; a `.h` is C++ where C++ is wanted and C is not.

    >>> language_of("a.h", {"cpp"}), language_of("a.h", {"c", "cpp"}), language_of("README", {"c"})
    ('cpp', 'c', None)
    """
    stem, _, ending = name.rpartition(".")  # os.path.splitext takes five times as long, for each file of a tree
    suffix = f".{ending.lower()}"
    if suffix not in SUFFIXES:
        return None
    if stem[-1:] in _NO_STEM:
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
    if suffix == ".h" and "cpp" in languages and "c" not in languages:
        return "cpp"
    return SUFFIXES.get(suffix)
