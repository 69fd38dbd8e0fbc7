"""Which column of a table holds what: guessed from names and values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from codewren.core.errors import InputError
from codewren.core.task import names_in
from codewren.data.readers import spelling

TEXT_NAMES = ("func", "code", "function", "source", "text", "func_before", "content", "snippet", "body")
LABEL_NAMES = ("label", "labels", "target", "class", "category", "y", "vul", "is_vulnerable", "is_clone", "clone")
ID_NAMES = ("idx", "id", "index", "uid", "key", "name", "hash", "sha256")
MOST_LABELS = 50
SHORTEST_CODE = 20
"""Characters of a function on average; below it is no column of texts."""
_ENDINGS = (("1", "2"), ("_a", "_b"), ("left", "right"), ("first", "second"), ("A", "B"))


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns, as a recipe's `[data.SPLIT]` has them; what a table lacks is None.

    Attributes:
        text: a function, or the left one of a pair.
        text2: the right one.
        id: a name for each row.
        left: id of a pair's left function, in a file of functions.
        right: of its right one.
        label: its label, or a list of labels.
        indicators: columns of 0 and 1, one for each of several labels at once.
    """

    text: str | None = None
    text2: str | None = None
    id: str | None = None
    left: str | None = None
    right: str | None = None
    label: str | None = None
    indicators: tuple[str, ...] = ()

    @property
    def is_pair(self) -> bool:
        """Whether a row is a pair of functions."""
        return self.text2 is not None or self.left is not None


def guess_columns(rows: Sequence[Mapping[str, Any]], source: str) -> Columns:
    """What the columns of a table are.

    Raises:
        InputError: neither a column of source text nor two of ids.
    """
    names = list(rows[0])
    texts = [name for name in names if _is_code(rows, name)]
    label, indicators = _labels(rows, [name for name in names if name not in texts])
    if not texts:
        ids = _two([name for name in names if name != label])
        if ids is None:
            raise InputError(
                f"{source}: no column holds source text, nor two ids of functions; found {', '.join(names)}"
            )
        return Columns(left=ids[0], right=ids[1], label=label)
    pair = _two(texts)
    text, text2 = pair if pair is not None else (_known_or(texts, TEXT_NAMES, rows), None)
    rest = [name for name in names if name not in (text, text2, label, *indicators)]
    return Columns(text, text2, id=_id(rows, rest), label=label, indicators=indicators if text2 is None else ())


def _is_code(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row.get(name) for row in rows]
    if not all(isinstance(value, str) for value in values):
        return False
    texts = [str(value) for value in values]
    with_brackets = sum("(" in text for text in texts)
    return mean(map(len, texts)) >= SHORTEST_CODE and 2 * with_brackets > len(texts)


def _known_or(names: Sequence[str], known: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """The first known name, else the column with the longest values."""
    lower = {name.lower(): name for name in names}
    named = [lower[name] for name in known if name in lower]
    return named[0] if named else max(names, key=lambda name: mean(len(str(row[name])) for row in rows))


def _two(names: Sequence[str]) -> tuple[str, str] | None:
    """Two columns that differ by an ending as left and right do."""
    for first, second in _ENDINGS:
        for name in names:
            other = name.removesuffix(first) + second
            if name.endswith(first) and other in names:
                return name, other
    if len(names) == 2 and names[1] == f"{names[0]}2":
        return names[0], names[1]
    return None


def _labels(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The column of labels; where none is called so and several hold 0 and 1 only, those, a label each."""
    label = _label(rows, names)
    called = label is not None and label.lower() in LABEL_NAMES
    flags = [] if called else [name for name in names if _is_flag(rows, name)]
    return (None, tuple(flags)) if len(flags) > 1 else (label, ())


def _is_flag(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = {spelling(row.get(name)) for row in rows}
    return values in ({"0", "1"}, {"false", "true"})


def _label(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    values = {name: {label for row in rows for label in labels_in(row.get(name))} for name in names}
    possible = [name for name in names if 2 <= len(values[name]) <= min(MOST_LABELS, len(rows) / 2)]
    lower = {name.lower(): name for name in possible}
    named = [lower[name] for name in LABEL_NAMES if name in lower]
    return named[0] if named else min(possible, key=lambda name: len(values[name]), default=None)


def is_several(value: Any) -> bool:
    """Whether a value of a label column names several labels at once: a list, as it is, as JSON, or `a;b`."""
    return isinstance(value, list) or (isinstance(value, str) and (value.strip()[:1] == "[" or ";" in value))


def labels_in(value: Any) -> list[str]:
    """The labels that a cell or a JSON value names.

    >>> labels_in("files;time"), labels_in('["net"]'), labels_in([]), labels_in(1.0)
    (['files', 'time'], ['net'], [], ['1'])
    """
    if not is_several(value):
        return [spelling(value)]
    try:
        return [spelling(label) for label in names_in(value)]
    except ValueError:  # begins as JSON and is none: a label by itself
        return [spelling(value)]


def _id(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    distinct = [name for name in names if len({spelling(row.get(name)) for row in rows}) == len(rows)]
    lower = {name.lower(): name for name in distinct}
    return next((lower[name] for name in ID_NAMES if name in lower), None)
