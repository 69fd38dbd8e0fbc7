"""The parser's Python bindings: the versions that are safe to call."""

from codewren.core.errors import CodewrenError

OLDEST_BINDINGS = (0, 26, 1)  # before, a parse with callbacks can end the process


def check_bindings() -> None:
    """Refuse bindings that can crash in the way they are called here; an environment may have kept old ones.

    Raises:
        CodewrenError: tree-sitter is missing or too old.
    """
    try:
        import tree_sitter
    except ImportError as error:
        raise CodewrenError(f"tree-sitter cannot be loaded ({error}); run: pip install --upgrade codewren") from None
    version = getattr(tree_sitter, "__version__", "0.25 or older")  # these have no such name
    if _numbers(version) < OLDEST_BINDINGS:
        oldest = ".".join(map(str, OLDEST_BINDINGS))
        raise CodewrenError(
            f"tree-sitter {version} can crash while it parses; codewren needs {oldest}; "
            f"run: pip install 'tree-sitter>={oldest},<0.27'"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    >>> _numbers("0.26.1"), _numbers("0.27.0rc1"), _numbers("0.25 or older")
    ((0, 26, 1), (0, 27), (0,))
    """
    numbers = []
    for text in version.split("."):
        if not text.isdigit():
            break
        numbers.append(int(text))
    return tuple(numbers)
