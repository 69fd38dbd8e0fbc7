"""Read a `*.wren` file and believe nothing in it before it is checked; `docs/bundle-format.md` is the contract."""

import hashlib
import json
import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from codewren.bundle.archive import read_members, unpack
from codewren.bundle.layout import ALIGNMENT, TensorPlace
from codewren.bundle.tensors import Shapes, tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import BundleError, CodewrenError
from codewren.core.student_config import Storage, StudentConfig
from codewren.core.task import Task

SCHEMA_VERSION = 1
LIMITS = {"manifest.json": 16 << 20, "tokenizer.json": 64 << 20, "MODEL_CARD.md": 4 << 20, "weights.bin": 1 << 30}
_AGAIN = "the file is damaged or not a bundle; fetch or export it again"
_LARGEST_FINITE_FP16 = 0x7BFF
_LARGEST_DIMENSION = 1 << 24


@dataclass(frozen=True, slots=True)
class Decision:
    """How probabilities become a label.

    Attributes:
        threshold: with two labels, the probability the positive one must exceed.
        temperature: what logits are divided by before the softmax.
        alert_threshold: takes the place of `threshold` when whole repositories are scanned; None is the same.
    """

    threshold: float
    temperature: float
    alert_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose structure has been checked (the native core checks that weights are finite when it loads them).

    Attributes:
        path: where it was read.
        size_bytes: size of the whole file: what a budget counts.
        manifest: the JSON of `manifest.json`.
        task: what is judged.
        config: the student's hyperparameters.
        decision: threshold and temperature.
        tensors: places in `weights`, in file order.
        tokenizer: the tokenizer, complete.
        weights: bytes of `weights.bin`, mapped into memory, read only.
        card: the model card.
    """

    path: Path
    size_bytes: int
    manifest: Mapping[str, Any]
    task: Task
    config: StudentConfig
    decision: Decision
    tensors: tuple[TensorPlace, ...]
    tokenizer: TokenizerSpec
    weights: memoryview
    card: str

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read and check a bundle.

        Raises:
            BundleError: the file is missing, damaged, foreign, or of a newer schema.
        """
        path = Path(path)
        archive = _mapped(path)
        try:
            return cls(path=path, size_bytes=len(archive), **_contents(archive))
        except CodewrenError as error:
            raise BundleError(f"{path}: {error}") from None
        except RecursionError:
            raise BundleError(f"{path}: JSON nested too deeply; {_AGAIN}") from None

    @property
    def sha256(self) -> str:
        """Hash of the whole file, computed when asked."""
        return hashlib.sha256(_mapped(self.path)).hexdigest()


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
    _check_schema(manifest)
    table = _field(manifest, "members", dict)
    content = {name: unpack(archive, members[name]) for name in LIMITS if name != "manifest.json"}
    for name, data in content.items():
        _check_fingerprint(name, data, table)
    task, config = _task(_field(manifest, "task", dict)), _config(manifest)
    weights = content["weights.bin"]
    if not isinstance(weights, memoryview):
        raise BundleError(f"weights.bin is deflated, it must be stored; {_AGAIN}")
    tokenizer = _tokenizer(_json_object(content["tokenizer.json"], "tokenizer.json"), config)
    try:
        card = bytes(content["MODEL_CARD.md"]).decode()
    except UnicodeDecodeError:
        raise BundleError(f"MODEL_CARD.md is not UTF-8; {_AGAIN}") from None
    return {
        "manifest": manifest,
        "task": task,
        "config": config,
        "decision": _decision(_field(manifest, "decision", dict)),
        "tensors": _tensor_table(_field(manifest, "tensors", list), task, config, weights),
        "tokenizer": tokenizer,
        "weights": weights,
        "card": card,
    }


def _json_object(data: bytes | memoryview, name: str) -> dict[str, Any]:
    try:
        value = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not JSON ({error}); {_AGAIN}") from None
    if not isinstance(value, dict):
        raise BundleError(f"{name} is {type(value).__name__}, an object was wanted; {_AGAIN}")
    return value


def _field(raw: Mapping[str, Any], name: str, kind: type) -> Any:
    value = raw.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        found = "missing" if name not in raw else f"{type(value).__name__}"
        raise BundleError(f"manifest field {name!r} is {found}, {kind.__name__} was wanted; {_AGAIN}")
    return value


def _check_schema(manifest: Mapping[str, Any]) -> None:
    if manifest.get("format") != "codewren":
        raise BundleError(f"format is {manifest.get('format')!r:.40}, 'codewren' was wanted; {_AGAIN}")
    version = _field(manifest, "schema_version", int)
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"schema version {version} is newer than this program's {SCHEMA_VERSION}; "
            "upgrade with: pip install --upgrade codewren"
        )
    if version < 1:
        raise BundleError(f"schema version {version} never existed; {_AGAIN}")


def _check_fingerprint(name: str, data: bytes | memoryview, table: Mapping[str, Any]) -> None:
    row = table.get(name)
    if not isinstance(row, dict) or row.get("size") != len(data):
        raise BundleError(f"{name} holds {len(data)} bytes, which is not what the manifest says; {_AGAIN}")
    if row.get("sha256") != hashlib.sha256(data).hexdigest():
        raise BundleError(f"{name} does not match its SHA-256 in the manifest; {_AGAIN}")


def _task(raw: Mapping[str, Any]) -> Task:
    labels = raw.get("labels")
    texts = (raw.get("name"), raw.get("unit"), raw.get("positive"), raw.get("language") or "")
    if not isinstance(labels, list) or not all(isinstance(text, str) for text in (*labels, *texts)):
        raise BundleError(f"task is malformed: {dict(raw)!r:.100}; {_AGAIN}")
    try:
        return Task.from_dict(dict(raw))
    except ValueError as error:
        raise BundleError(f"task: {error}; {_AGAIN}") from None


def _config(manifest: Mapping[str, Any]) -> StudentConfig:
    raw = _field(manifest, "config", dict)
    for name, value in raw.items():
        if not isinstance(value, int | float | str) or isinstance(value, bool) or value != value:  # noqa: PLR0124
            raise BundleError(f"config field {name!r} is {value!r:.40}; {_AGAIN}")
        if isinstance(value, int) and abs(value) > _LARGEST_DIMENSION:
            raise BundleError(f"config field {name!r} is {value}, at most {_LARGEST_DIMENSION} is allowed; {_AGAIN}")
    try:
        config = StudentConfig.from_dict(raw)
    except TypeError as error:
        raise BundleError(f"config: {error}; {_AGAIN}") from None
    if config.num_hidden_layers > len(_field(manifest, "tensors", list)):
        raise BundleError(f"config claims {config.num_hidden_layers} layers, the tensors are fewer; {_AGAIN}")
    return config


def _tokenizer(raw: Mapping[str, Any], config: StudentConfig) -> TokenizerSpec:
    try:
        spec = TokenizerSpec.from_dict(raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"tokenizer: {error}; {_AGAIN}") from None
    if spec.kind is not config.tokenizer or len(spec.vocab) != config.vocab_size:
        raise BundleError(
            f"tokenizer is {str(spec.kind)!r} with {len(spec.vocab)} entries, "
            f"the config wants {str(config.tokenizer)!r} with {config.vocab_size}; {_AGAIN}"
        )
    return spec


def _decision(raw: Mapping[str, Any]) -> Decision:
    threshold, temperature = (_number(raw, name) for name in ("threshold", "temperature"))
    if not (0 <= threshold <= 1 and temperature > 0 and math.isfinite(temperature)):
        raise BundleError(f"decision: threshold {threshold} or temperature {temperature} is out of range; {_AGAIN}")
    if raw.get("alert_threshold") is None:
        return Decision(threshold, temperature)
    alert = _number(raw, "alert_threshold")
    if not 0 <= alert <= 1:
        raise BundleError(f"decision: alert_threshold {alert} is out of range; {_AGAIN}")
    return Decision(threshold, temperature, alert)


def _number(raw: Mapping[str, Any], name: str) -> float:
    value = raw.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BundleError(f"decision {name} is {value!r:.40}, a number was wanted; {_AGAIN}")
    try:
        return float(value)
    except OverflowError:
        raise BundleError(f"decision {name} is out of range; {_AGAIN}") from None


def _tensor_table(rows: list[Any], task: Task, config: StudentConfig, weights: memoryview) -> tuple[TensorPlace, ...]:
    wanted = tensor_shapes(config, task)
    places = tuple(_place(row, wanted) for row in rows)
    names = [place.name for place in places]
    if len(names) != len(wanted) or set(names) != wanted.keys():
        raise BundleError(f"the table names {len(set(names))} tensors of the {len(wanted)} wanted; {_AGAIN}")
    ranges = sorted(span for place in places for span in place.ranges)
    if any(end > start for (_, end), (start, _) in pairwise(ranges)):
        raise BundleError(f"tensors overlap; {_AGAIN}")
    if ranges[-1][1] > len(weights):
        raise BundleError(f"a tensor ends at byte {ranges[-1][1]} of the {len(weights)} in weights.bin; {_AGAIN}")
    for place in places:
        _check_scales(place, weights)
    return places


def _place(row: Any, wanted: Shapes) -> TensorPlace:
    if not isinstance(row, dict):
        raise BundleError(f"tensor table: {row!r:.60} is no row; {_AGAIN}")
    name, dtype, shape = row.get("name"), row.get("dtype"), row.get("shape")
    if not isinstance(name, str) or name not in wanted or shape != list(wanted[name]):
        expected = list(wanted[name]) if isinstance(name, str) and name in wanted else "no such tensor"
        raise BundleError(f"tensor {name!r:.60} has shape {shape!r:.40}, wanted: {expected}; {_AGAIN}")
    if dtype not in list(Storage) or (dtype == Storage.INT8 and len(wanted[name]) != 2):
        raise BundleError(f"tensor {name} has dtype {dtype!r:.20}; {_AGAIN}")
    quantised = dtype == Storage.INT8
    scale_offset = _offset(row, "scale_offset") if quantised else None
    place = TensorPlace(name, Storage(dtype), wanted[name], _offset(row, "offset"), scale_offset)
    if row.get("nbytes") != place.size_bytes:
        raise BundleError(f"tensor {name} has {row.get('nbytes')!r:.40} bytes, wanted: {place.size_bytes}; {_AGAIN}")
    return place


def _offset(row: Mapping[str, Any], key: str) -> int:
    offset = row.get(key)
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0 or offset % ALIGNMENT:
        raise BundleError(f"tensor {row['name']}: {key} {offset!r:.40} is no multiple of {ALIGNMENT}; {_AGAIN}")
    return offset


def _check_scales(place: TensorPlace, weights: memoryview) -> None:
    """Scales are fp16, not negative and finite: as unsigned integers they lie below the pattern of infinity."""
    if place.scale_offset is None:
        return
    start, end = place.ranges[1]
    if max(weights[start:end].cast("H")) > _LARGEST_FINITE_FP16:
        raise BundleError(f"tensor {place.name} has a scale that is negative, infinite or NaN; {_AGAIN}")
