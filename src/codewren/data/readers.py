"""Reading tables: JSONL, CSV, TSV and Parquet, plain or compressed, and data sets of the hub, one row at a time."""

import csv
import gzip
import io
import json
import lzma
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from codewren.core.errors import InputError, MissingExtraError, nearest
from codewren.data.zstandard_stream import open_zstandard

HUB = "hub:"
FLOATED = re.compile(r"-?\d+\.0+")
COMPRESSIONS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".zst": open_zstandard}
"""What opens a file for bytes."""


class Row(NamedTuple):
    """One row and the position to name when something is wrong with it."""

    position: str
    values: Mapping[str, Any]

    def value(self, column: str) -> Any:
        """The value of a column.

        Raises:
            InputError: the row has no such column; the nearest is named and all are listed.
        """
        if column not in self.values:
            have = ", ".join(self.values) or "none"
            hint = nearest(column, self.values) if self.values else "the row is empty"
            raise InputError(f"{self.position}: no column {column!r} ({hint}); columns here: {have}")
        return self.values[column]

    def text(self, column: str) -> str:
        """The value of a column that holds source text.

        Raises:
            InputError: no such column, or its value is no text that can be encoded.
        """
        value = self.value(column)
        if not isinstance(value, str):
            raise InputError(f"{self.position}: column {column!r} holds {value!r:.40}, wanted source text")
        if not value.strip():
            raise InputError(f"{self.position}: column {column!r} is empty, wanted source text; drop the row")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            bad = value[error.start]
            raise InputError(
                f"{self.position}: column {column!r} holds the lone surrogate {bad!r}, which is no character; "
                "replace it or drop the row"
            ) from None
        return value

    def name(self, column: str) -> str:
        """The value of a column that holds an id.

        Raises:
            InputError: no such column, or no id in it.
        """
        name = spelling(self.value(column))
        if not name:
            raise InputError(f"{self.position}: column {column!r} is empty, wanted an id")
        return name


def spelling(value: Any) -> str:
    """One spelling of an id, a label or a value to filter by, whether JSON, Parquet or a CSV cell holds it.

    A whole number that became a float on its way (pandas writes a column with a gap so) is that number; nothing is "".

    >>> [spelling(value) for value in (1, 1.0, "1.0", " 1", True, "v1.0", None, 1e16)]
    ['1', '1', '1', '1', 'true', 'v1.0', '', '10000000000000000']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return text.partition(".")[0] if FLOATED.fullmatch(text) else text


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a file, read as they are asked for.

    Line numbers count from 1; blank lines are skipped; text is UTF-8, with or without a byte order mark.

    Raises:
        InputError: no such file, unknown format, damaged compression, bytes that are not UTF-8, a bad line.
        MissingExtraError: Parquet without pyarrow.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSIONS else ""
    reader = FORMATS.get(suffixes[-1] if suffixes else "")
    if reader is None:
        raise InputError(
            f"{path}: unknown format; wanted {', '.join(FORMATS)}, plain or with .gz, .xz or .zst after it"
        )
    with _opened(path, compression) as stream:
        yield from reader(stream, path)


@contextmanager
def _opened(path: Path, compression: str) -> Iterator[IO[bytes]]:
    try:
        with COMPRESSIONS[compression](path) if compression else path.open("rb") as stream:
            yield stream
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{_neighbour(path)}") from None
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: not a whole {compression} file ({error}); fetch or compress it again") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f", nor a folder {path.parent}; check data.root and path in the recipe"
    names = [entry.name for entry in path.parent.iterdir()]
    return f"; {nearest(path.name, names)}" if names else f"; the folder {path.parent} is empty"


def _lines(stream: IO[bytes], path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(stream, start=1):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, line {number}: byte 0x{line[error.start]:02x} at column {error.start + 1} is not UTF-8; "
                "convert the file to UTF-8"
            ) from None


def _read_jsonl(stream: IO[bytes], path: Path) -> Iterator[Row]:
    for number, line in _lines(stream, path):
        if not line.strip():
            continue
        position = f"{path}, line {number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{position}: not JSON ({error}); wanted one object a line") from None
        if not isinstance(values, dict):
            raise InputError(f"{position}: {line.strip():.40} is JSON but no object; wanted one object a line")
        yield Row(position, values)


def _read_csv(stream: IO[bytes], path: Path) -> Iterator[Row]:
    return _read_delimited(stream, path, ",")


def _read_tsv(stream: IO[bytes], path: Path) -> Iterator[Row]:
    return _read_delimited(stream, path, "\t")


def _read_delimited(stream: IO[bytes], path: Path, delimiter: str) -> Iterator[Row]:
    lines = (line for _, line in _lines(stream, path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while (fields := _next_record(reader, path)) is not None:
        position = f"{path}, line {reader.line_num}"
        if header is None:
            header = _checked_header(fields, position) if fields else None
        elif len(fields) == len(header):
            yield Row(position, dict(zip(header, fields, strict=True)))
        elif fields:
            raise InputError(
                f"{position}: {len(fields)} fields where the header has {len(header)} ({', '.join(header)})"
            )


def _next_record(reader: Any, path: Path) -> list[str] | None:
    # The limit is global to the process (128 KiB by default, and functions are longer), so it is put back every time.
    before = csv.field_size_limit(sys.maxsize)
    try:
        record: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; check the quotes around fields") from None
    finally:
        csv.field_size_limit(before)
    return record


def _checked_header(header: list[str], place: str) -> list[str]:
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InputError(f"{place}: two columns are named {twice!r}; rename one")
    return header


def _read_parquet(stream: IO[bytes], path: Path) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow, which reads Parquet,", "train") from None
    try:
        table = pyarrow.parquet.ParquetFile(io.BytesIO(stream.read()))
        batches = table.iter_batches()
        start = 0
        for batch in batches:
            for offset, values in enumerate(batch.to_pylist(), start=start):
                yield Row(f"{path}, row {offset + 1}", values)
            start += batch.num_rows
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0]})") from None


FORMATS: dict[str, Callable[[IO[bytes], Path], Iterator[Row]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
}


def read_hub(address: str, *, split: str) -> Iterator[Row]:
    """Rows of a data set of the hub (or of a local folder that `datasets` understands).

    Args:
        address: `hub:DATASET` or `hub:DATASET:SPLIT`.
        split: the split to take where the address names none.

    Raises:
        MissingExtraError: `datasets` is not installed.
        InputError: the data set or its split cannot be had; offline means it is not in the local cache.
    """
    name, _, chosen = address.removeprefix(HUB).partition(":")
    chosen = chosen or split
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets, which reads hub data sets,", "hub") from None
    try:
        table = datasets.load_dataset(name, split=chosen)
    except Exception as error:  # the library raises a dozen unrelated types, some from its own dependencies
        offline = bool(datasets.config.HF_HUB_OFFLINE)
        hint = "offline, and not in the cache: fetch it once online" if offline else "check the name and the network"
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{HUB}{name}: cannot load split {chosen!r} ({reason}); {hint}") from error
    for number, values in enumerate(table, start=1):
        yield Row(f"{HUB}{name}:{chosen}, row {number}", values)
