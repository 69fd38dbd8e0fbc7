"""What all bundles have in common: an archive of checked members, a manifest, a task, weights, a card.

`docs/bundle-format.md` is the contract. Nothing is believed before it is checked.
"""

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from codewren.bundle.archive import read_members, unpack
from codewren.bundle.layout import ALIGNMENT
from codewren.core.errors import BundleError, CodewrenError
from codewren.core.task import Kind, Task

LIMITS = {"manifest.json": 16 << 20, "tokenizer.json": 16 << 20, "MODEL_CARD.md": 4 << 20, "weights.bin": 1 << 30}
AGAIN = "the file is damaged or not a bundle; fetch or export it again"


class Form(StrEnum):
    """What a bundle holds: a classifier of items, an encoder whose vectors are compared, or weights of features."""

    STUDENT = "student"
    SIMILARITY = "similarity"
    HINT = "hint"


SCHEMA_VERSIONS = {Form.STUDENT: 1, Form.SIMILARITY: 2, Form.HINT: 3}  # the one a writer of each form states
KIND_SCHEMA = 4
"""Of a student whose task is no single-label one: a reader that knows no kinds would take the largest of its labels."""
NEWEST_SCHEMA = KIND_SCHEMA


@dataclass(frozen=True, slots=True)
class Decision:
    """How probabilities become a label.

    Attributes:
        threshold: with two labels, the probability the positive one must exceed; of an ordinal task that which a
            label or one beyond it must exceed, of a multi-label one that of the positive label.
        temperature: what logits are divided by before the softmax.
        alert_threshold: takes the place of `threshold` when whole repositories are scanned; None is the same.
        thresholds: of a multi-label task, one a label; empty is `threshold` for each.
    """

    threshold: float
    temperature: float
    alert_threshold: float | None = None
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleFile:
    """What a bundle of every form has.

    Attributes:
        path: where it was read.
        size_bytes: size of the whole file: what a budget counts.
        manifest: the JSON of `manifest.json`.
        task: what is judged.
        weights: bytes of `weights.bin`, mapped into memory, read only.
        card: the model card.
    """

    path: Path
    size_bytes: int
    manifest: Mapping[str, Any]
    task: Task
    weights: memoryview
    card: str

    @property
    def sha256(self) -> str:
        """Hash of the whole file, computed when asked."""
        return file_sha256(self.path)

    @property
    def record_key(self) -> str:
        """What a record of predictions depends on beside the text: this file, and what it is asked."""
        return self.sha256

    @property
    def in_common(self) -> tuple[Path, int, Mapping[str, Any], Task, memoryview, str]:
        """The fields above, in their order."""
        return self.path, self.size_bytes, self.manifest, self.task, self.weights, self.card


@dataclass(frozen=True, slots=True)
class Container(BundleFile):
    """The members of a bundle, each equal to what the manifest says of it.

    Attributes:
        form: what the bundle holds.
        tokenizer: the JSON of `tokenizer.json`.
    """

    form: Form
    tokenizer: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read and check the members.

        Raises:
            BundleError: the file is missing, damaged, foreign, or of a newer schema.
        """
        path = Path(path)
        archive = _mapped(path)
        with naming(path):
            return cls(path=path, size_bytes=len(archive), **_contents(archive))


def file_sha256(path: Path) -> str:
    """Hash of a whole file."""
    return hashlib.sha256(_mapped(path)).hexdigest()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before whatever is found wrong with it."""
    try:
        yield
    except CodewrenError as error:
        raise BundleError(f"{path}: {error}") from None
    except RecursionError:
        raise BundleError(f"{path}: JSON nested too deeply; {AGAIN}") from None


def manifest_field(raw: Mapping[str, Any], name: str, kind: type) -> Any:
    """A value of a manifest, of the type it must have.

    Raises:
        BundleError: it is missing or of another type.
    """
    value = raw.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        actual = "missing" if name not in raw else f"{type(value).__name__}"
        raise BundleError(f"manifest field {name!r} is {actual}, {kind.__name__} was wanted; {AGAIN}")
    return value


def manifest_number(raw: Mapping[str, Any], name: str, subject: str = "decision") -> float:
    """A number of a manifest.

    Raises:
        BundleError: it is missing, no number, or too large for one.
    """
    value = raw.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BundleError(f"{subject} {name} is {value!r:.40}, a number was wanted; {AGAIN}")
    try:
        return float(value)
    except OverflowError:
        raise BundleError(f"{subject} {name} is out of range; {AGAIN}") from None


def tensor_offset(row: Mapping[str, Any], key: str) -> int:
    """Where a tensor begins in `weights.bin`.

    Raises:
        BundleError: no aligned place.
    """
    offset = row.get(key)
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0 or offset % ALIGNMENT:
        raise BundleError(f"tensor {row['name']}: {key} {offset!r:.40} is no multiple of {ALIGNMENT}; {AGAIN}")
    return offset


def check_ranges(ranges: Iterable[tuple[int, int]], size_bytes: int) -> None:
    """See that tensors, from one byte to another, lie side by side in so many bytes.

    Raises:
        BundleError: two overlap, or the last ends too late.
    """
    ordered = sorted(ranges)
    if any(end > start for (_, end), (start, _) in pairwise(ordered)):
        raise BundleError(f"tensors overlap; {AGAIN}")
    if ordered[-1][1] > size_bytes:
        raise BundleError(f"a tensor ends at byte {ordered[-1][1]} of the {size_bytes} in weights.bin; {AGAIN}")


def _mapped(path: Path) -> memoryview:
    try:
        with path.open("rb") as stream:
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file; give the path of a *.wren bundle") from None
    except ValueError:
        raise BundleError(f"{path}: the file is empty; fetch or export it again") from None
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror or error}") from None


def _contents(archive: memoryview) -> dict[str, Any]:
    members = read_members(archive, LIMITS)
    manifest = _json_object(unpack(archive, members["manifest.json"]), "manifest.json")
    form = _form(manifest)
    table = manifest_field(manifest, "members", dict)
    content = {name: unpack(archive, members[name]) for name in LIMITS if name != "manifest.json"}
    for name, data in content.items():
        _check_fingerprint(name, data, table)
    task = _task(manifest_field(manifest, "task", dict), has_kind=manifest["schema_version"] == KIND_SCHEMA)
    weights = content["weights.bin"]
    if not isinstance(weights, memoryview):
        raise BundleError(f"weights.bin is deflated, it must be stored; {AGAIN}")
    try:
        card = bytes(content["MODEL_CARD.md"]).decode()
    except UnicodeDecodeError:
        raise BundleError(f"MODEL_CARD.md is not UTF-8; {AGAIN}") from None
    return {
        "manifest": manifest,
        "form": form,
        "task": task,
        "tokenizer": _json_object(content["tokenizer.json"], "tokenizer.json"),
        "weights": weights,
        "card": card,
    }


def _json_object(data: bytes | memoryview, name: str) -> dict[str, Any]:
    try:
        value = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not JSON ({error}); {AGAIN}") from None
    if not isinstance(value, dict):
        raise BundleError(f"{name} is {type(value).__name__}, an object was wanted; {AGAIN}")
    return value


def _form(manifest: Mapping[str, Any]) -> Form:
    """The form of a bundle whose format and schema this program knows; without the field it is a student."""
    if manifest.get("format") != "codewren":
        raise BundleError(f"format is {manifest.get('format')!r:.40}, 'codewren' was wanted; {AGAIN}")
    version = manifest_field(manifest, "schema_version", int)
    if version > NEWEST_SCHEMA:
        raise BundleError(
            f"schema version {version} is newer than this program's {NEWEST_SCHEMA}; "
            "upgrade with: pip install --upgrade codewren"
        )
    if version < 1:
        raise BundleError(f"schema version {version} never existed; {AGAIN}")
    form = manifest.get("form", str(Form.STUDENT))
    if form not in list(Form):
        raise BundleError(f"form {form!r:.40} is none of {', '.join(Form)}; {AGAIN}")
    if version not in (SCHEMA_VERSIONS[Form(form)], *([KIND_SCHEMA] if form == Form.STUDENT else [])):
        raise BundleError(f"form {form!r} of schema version {version} never existed; {AGAIN}")
    return Form(form)


def _check_fingerprint(name: str, data: bytes | memoryview, table: Mapping[str, Any]) -> None:
    row = table.get(name)
    if not isinstance(row, dict) or row.get("size") != len(data):
        raise BundleError(f"{name} holds {len(data)} bytes, which is not what the manifest says; {AGAIN}")
    if row.get("sha256") != hashlib.sha256(data).hexdigest():
        raise BundleError(f"{name} does not match its SHA-256 in the manifest; {AGAIN}")


def _task(raw: Mapping[str, Any], *, has_kind: bool) -> Task:
    labels = raw.get("labels")
    texts = (raw.get("name"), raw.get("unit"), raw.get("positive"), raw.get("language") or "")
    if not isinstance(labels, list) or not all(isinstance(text, str) for text in (*labels, *texts)):
        raise BundleError(f"task is malformed: {dict(raw)!r:.100}; {AGAIN}")
    try:
        task = Task.from_dict(dict(raw))
    except ValueError as error:
        raise BundleError(f"task: {error}; {AGAIN}") from None
    if has_kind != (task.kind is not Kind.SINGLE_LABEL):
        raise BundleError(f"a {task.kind} task of this schema version never existed; {AGAIN}")
    return task
