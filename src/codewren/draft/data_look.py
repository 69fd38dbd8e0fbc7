"""A look at the files of a task: splits, columns, labels and their balance, language, lengths."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from codewren.core.errors import CodewrenError, InputError
from codewren.data.items import UNKNOWN_LABELS
from codewren.data.readers import COMPRESSIONS, FORMATS, read_rows, spelling
from codewren.draft.columns import Columns, guess_columns, is_several, labels_in
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES

LOOKED_AT = 20_000
"""Rows of a file that are read."""
SAMPLED, PARSED = 200, 24
WORDS = re.compile(r"[A-Za-z_]\w*|\d+|[^\s\w]")
SPLIT_WORDS = {
    "unlabelled": ("unlabelled", "unlabeled"),
    "labelled": ("labelled", "labeled"),
    "valid": ("valid", "validation", "val", "dev", "eval"),
    "test": ("test",),
    "train": ("train", "training"),
    "functions": ("functions", "funcs", "data"),
}
"""What a file of each split has in its name; the first that fits is taken."""


@dataclass(frozen=True, slots=True)
class DataLook:
    """What was seen.

    Attributes:
        files: by split, `functions` for those that pairs name by id.
        columns: of the splits.
        functions: columns of the file of functions, where there is one.
        rows: of each split, at most `LOOKED_AT`.
        labels: each label and how often it stands in the training split, the commonest first.
        several: whether an item may have several labels at once.
        language: of the functions, where one fits most of them.
        lengths: words and signs of each function that was looked at, sorted.
        sample: some of the functions.
    """

    files: Mapping[str, Path]
    columns: Columns
    functions: Columns | None
    rows: Mapping[str, int]
    labels: tuple[tuple[str, int], ...]
    several: bool
    language: str | None
    lengths: tuple[int, ...]
    sample: tuple[str, ...]

    @property
    def training(self) -> str:
        """The split that students learn from."""
        return next(split for split in ("train", "unlabelled", "labelled") if split in self.files)

    def length(self, share: float) -> int:
        """Words and signs that this share of the functions stays below."""
        return quantile(self.lengths, share)


def quantile(lengths: Sequence[int], share: float) -> int:
    """Of sorted numbers the one that this share stays below."""
    return lengths[min(len(lengths) - 1, int(share * len(lengths)))]


def look_at_data(paths: Sequence[Path], *, language: str | None = None) -> DataLook:
    """Look at files, or at those of folders.

    Raises:
        InputError: no file of a known format, two for one split, no training split, or columns that are no data.
    """
    files = split_files(paths)
    tables = {split: _rows(path) for split, path in files.items()}
    training = next((split for split in ("train", "unlabelled", "labelled") if split in files), None)
    if training is None:
        raise InputError(f"{_listed(paths)}: no training data; name a file train.*, unlabelled.* or labelled.*")
    columns = guess_columns(tables[training], str(files[training]))
    functions = None
    if columns.left is not None:
        if "functions" not in files:
            raise InputError(f"{files[training]}: rows name functions by id; add the file that holds them: functions.*")
        functions = guess_columns(tables["functions"], str(files["functions"]))
    texts = _texts(tables["functions" if functions else training], functions or columns)
    values = _label_values(tables[training], columns)
    labels = Counter(label for value in values for label in labels_in(value))
    return DataLook(
        {split: path for split, path in files.items() if functions or split != "functions"},
        columns,
        functions,
        {split: len(rows) for split, rows in tables.items()},
        tuple((name, count) for name, count in labels.most_common() if name not in UNKNOWN_LABELS),
        any(map(is_several, values)),
        language or guess_language(texts),
        tuple(sorted(len(WORDS.findall(text)) for text in texts)),
        tuple(texts[:: max(1, len(texts) // SAMPLED)][:SAMPLED]),
    )


def _label_values(rows: Sequence[Mapping[str, Any]], columns: Columns) -> list[Any]:
    """What each row says of its labels: of columns of 0 and 1 the list of those that hold 1."""
    if columns.indicators:
        return [[name for name in columns.indicators if spelling(row.get(name)) in ("1", "true")] for row in rows]
    return [row.get(columns.label) for row in rows] if columns.label else []


def split_files(paths: Sequence[Path]) -> dict[str, Path]:
    """The file of each split, by the words in its name; a lone file without one is `train`.

    Raises:
        InputError: nothing to read, or two files for one split.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    known = [file for file in files if _suffix(file) in FORMATS and "logits" not in file.name]
    if not known:
        raise InputError(f"{_listed(paths)}: no data there; wanted files that end in {', '.join(FORMATS)}")
    found: dict[str, Path] = {}
    for file in known:
        split = _split_of(file) or ("train" if len(known) == 1 else None)
        if split in found:
            raise InputError(f"{found[split]} and {file} both look like {split}; name the files one by one")
        if split is not None:
            found[split] = file
    return found


def guess_language(texts: Sequence[str]) -> str | None:
    r"""The language whose grammar finds a function and no error in most of the texts, None where none does.

    >>> guess_language(["def f(x):\n    return x\n"])
    'python'
    """
    shown = texts[:: max(1, len(texts) // PARSED)][:PARSED]
    counts = {language: sum(_parses(text, language) for text in shown) for language in LANGUAGES}
    best = max(LANGUAGES, key=lambda language: counts[language])
    return best if 2 * counts[best] > len(shown) else None


def _parses(text: str, language: str) -> bool:
    try:
        parsed = extract(text.encode("utf-8", "replace"), language)
    except CodewrenError:
        return False
    return bool(parsed.functions) and not parsed.has_errors


def _suffix(path: Path) -> str:
    name = path.name
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return Path(name).suffix.lower()


def _split_of(path: Path) -> str | None:
    words = set(re.split(r"[^a-z]+", path.name.lower()))
    return next((split for split, names in SPLIT_WORDS.items() if words & set(names)), None)


def _rows(path: Path) -> list[Mapping[str, Any]]:
    rows = [row.values for row in islice(read_rows(path), LOOKED_AT)]
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def _texts(rows: Iterable[Mapping[str, Any]], columns: Columns) -> list[str]:
    names = [name for name in (columns.text, columns.text2) if name is not None]
    return [str(row[name]) for row in rows for name in names]


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
