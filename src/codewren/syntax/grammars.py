"""The parsers of the languages, and the limits within which no text takes unbounded memory or time."""

import importlib
import os
import time
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

from codewren.core.errors import CodewrenError, InputError
from codewren.syntax.bindings import check_bindings
from codewren.syntax.lexers import lexer

if TYPE_CHECKING:
    from tree_sitter import Language, Node

PARSE_LIMIT_S = 20.0
DEEPEST_NESTING = 500
_PACKAGES = {
    "c": "tree_sitter_c",
    "cpp": "tree_sitter_cpp",
    "java": "tree_sitter_java",
    "python": "tree_sitter_python",
    "javascript": "tree_sitter_javascript",
    "typescript": "tree_sitter_typescript",
    "tsx": "tree_sitter_typescript",
    "go": "tree_sitter_go",
    "csharp": "tree_sitter_c_sharp",
    "rust": "tree_sitter_rust",
}
LANGUAGES = tuple(_PACKAGES)
_ENTRIES = {"typescript": "language_typescript", "tsx": "language_tsx"}


@cache
def grammar(language: str) -> "Language":
    """The tree-sitter grammar of one of `LANGUAGES`.

    Raises:
        CodewrenError: tree-sitter or the grammar is missing, or too old to be called safely.
    """
    check_bindings()
    from tree_sitter import Language

    package = _PACKAGES[language]
    try:
        return Language(getattr(_binding(package), _ENTRIES.get(language, "language"))())
    except (ImportError, AttributeError, ValueError) as error:
        raise CodewrenError(
            f"the grammar of {language} cannot be loaded ({error}); run: pip install --upgrade codewren"
        ) from None


def _binding(package: str) -> Any:
    """The compiled part of a grammar's package.

    Loaded by itself where it is found: the package imports `importlib.resources` for its queries, which takes a tenth
    of a cold scan.
    """
    spec = PathFinder.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for suffix in EXTENSION_SUFFIXES:
            path = f"{folder}/_binding{suffix}"
            if os.path.exists(path):  # noqa: PTH110
                loader = ExtensionFileLoader(f"{package}._binding", path)
                module = loader.create_module(ModuleSpec(loader.name, loader, origin=path))
                loader.exec_module(module)
                return module
    return importlib.import_module(package)


def check_nesting(source: bytes, language: str) -> None:
    """Refuse a text that no parser should be given.

    Raises:
        InputError: brackets are nested more than `DEEPEST_NESTING` deep.
    """
    if nesting_depth(source, language) > DEEPEST_NESTING:
        raise InputError(f"brackets are nested more than {DEEPEST_NESTING} deep: not ordinary source text")


def nesting_depth(source: bytes, language: str) -> int:
    """How deep brackets nest outside comments and strings; a closing one closes all that stand open inside its own.

    Parsers take memory quadratic in the depth of brackets that are not closed (Java: 0.5 GB for 6,000 `<`), and what
    walks a tree takes stack or time.

    >>> nesting_depth(b"f(a[0], (b))", "c")
    2
    """
    return lexer(language).nesting_depth(source)


def syntax_root(source: bytes, language: str) -> "Node":
    """The root of a text's syntax tree; check its nesting first.

    Parses in the form that can be stopped, which is the one with callbacks.

    Raises:
        InputError: parsing took `PARSE_LIMIT_S` of processor time.
    """
    from tree_sitter import Parser

    parser = Parser(grammar(language))
    soonest, deadline = time.monotonic() + PARSE_LIMIT_S, time.thread_time() + PARSE_LIMIT_S

    def is_late(*_: object) -> bool:  # asked often; the clock of the thread is a system call, slow in some sandboxes
        return time.monotonic() > soonest and time.thread_time() > deadline

    views = [memoryview(source)]

    def read(offset: int, _: object) -> memoryview:
        views.append(views[0][offset:])
        return views[-1]

    try:
        return parser.parse(read, progress_callback=is_late).root_node
    except ValueError:
        raise InputError(f"parsing took over {PARSE_LIMIT_S:g} s: not ordinary source text") from None
    finally:
        for view in views:  # tree-sitter 0.26 leaks what a read callback returns; released, it does not hold the source
            view.release()
