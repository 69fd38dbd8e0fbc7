"""The one error tree: what was found, what was wanted, what to do."""

from collections.abc import Iterable

LONGEST_MESSAGE = 1_000
"""Characters of an error about a stranger's file: a name in it may be as long as the file."""
_LONGEST_WORD = 200  # characters that are worth comparing, which takes time quadratic in them


class CodewrenError(Exception):
    """Base of every error a user can cause or mend; the command line prints it as one line."""

    exit_code = 2


class InputError(CodewrenError):
    """A file, column, label or value from the user is missing or malformed."""


class RecipeError(InputError):
    """A recipe holds an unknown key or a value of the wrong kind; `key` is its dotted name, where it is one key."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class ConfigError(InputError):
    """A student configuration is not one that can be built."""


class IncompleteScanError(CodewrenError):
    """Too much of what a scan was asked for could not be judged."""


class InfeasibleError(CodewrenError):
    """No point of the search space satisfies the budget."""


class TeacherError(CodewrenError):
    """A teacher cannot be loaded exactly, or its logits do not fit the data."""


class TrainingError(CodewrenError):
    """Training diverged or cannot be resumed."""


class BundleError(CodewrenError):
    """A bundle is damaged, foreign, or newer than this program; what the message quotes of it is cut."""

    def __init__(self, message: str) -> None:
        half = LONGEST_MESSAGE // 2 - 4
        super().__init__(message if len(message) <= LONGEST_MESSAGE else f"{message[:half]} [...] {message[-half:]}")


class MissingExtraError(CodewrenError):
    """A verb of the heavy half was called on the light install."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'codewren[{extra}]'")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint naming the known word closest to `word`.

    >>> nearest("epoch", ["epochs", "seed"])
    "did you mean 'epochs'?"
    """
    from difflib import get_close_matches  # a millisecond or more that only a mistake has to pay

    options = sorted(known)
    close = get_close_matches(word, options, n=1, cutoff=0.5) if len(word) <= _LONGEST_WORD else []
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(options)}"
