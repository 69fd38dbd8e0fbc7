"""Read a `*.wren` file and believe nothing in it before it is checked; `docs/bundle-format.md` is the contract."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from codewren.bundle.container import (
    AGAIN,
    BundleFile,
    Container,
    Decision,
    Form,
    check_ranges,
    manifest_field,
    manifest_number,
    naming,
    tensor_offset,
)
from codewren.bundle.layout import TensorEntry
from codewren.bundle.tensors import Shapes, tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import BundleError
from codewren.core.formulas import student_flops
from codewren.core.student_config import Storage, StudentConfig
from codewren.core.task import Task

MOST_FLOPS = 10**12
"""Of one item: ten times what CodeBERT takes for 512 tokens."""
_LARGEST_FINITE_FP16 = 0x7B
"""Its high byte."""
_LARGEST_DIMENSION = 1 << 24


HELD = {Form.SIMILARITY: "similarity encoder", Form.HINT: "hint"}


@dataclass(frozen=True, slots=True)
class Bundle(BundleFile):
    """A bundle whose structure has been checked (the native core checks that weights are finite when it loads them).

    Attributes:
        config: the student's hyperparameters.
        decision: threshold and temperature.
        tensors: places in `weights`, in file order.
        tokenizer: the tokenizer, complete.
    """

    config: StudentConfig
    decision: Decision
    tensors: tuple[TensorEntry, ...]
    tokenizer: TokenizerSpec

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read and check a bundle.

        Raises:
            BundleError: the file is missing, damaged, foreign, or of a newer schema.
        """
        return cls.of(Container.read(path))

    @classmethod
    def of(cls, container: Container) -> Self:
        """Check what a container says of its student.

        Raises:
            BundleError: it holds something else, or the parts do not fit each other.
        """
        manifest, task, weights = container.manifest, container.task, container.weights
        with naming(container.path):
            if container.form is not Form.STUDENT:
                raise BundleError(f"the file holds a {HELD[container.form]}, a student was wanted; give a student")
            config = _config(manifest)
            _check_flops(config, task)
            tokenizer = _tokenizer(container.tokenizer, config)
            return cls(
                *container.in_common,
                config=config,
                decision=_decision(manifest_field(manifest, "decision", dict), task),
                tensors=_tensor_table(manifest_field(manifest, "tensors", list), task, config, weights),
                tokenizer=tokenizer,
            )


def _config(manifest: Mapping[str, Any]) -> StudentConfig:
    raw = manifest_field(manifest, "config", dict)
    for name, value in raw.items():
        if not isinstance(value, int | float | str) or isinstance(value, bool) or value != value:  # noqa: PLR0124
            raise BundleError(f"config field {name!r} is {value!r:.40}; {AGAIN}")
        if isinstance(value, int) and abs(value) > _LARGEST_DIMENSION:
            raise BundleError(f"config field {name!r} is {value}, at most {_LARGEST_DIMENSION} is allowed; {AGAIN}")
    try:
        config = StudentConfig.from_dict(raw)
    except TypeError as error:
        raise BundleError(f"config: {error}; {AGAIN}") from None
    if config.num_hidden_layers > len(manifest_field(manifest, "tensors", list)):
        raise BundleError(f"config claims {config.num_hidden_layers} layers, the tensors are fewer; {AGAIN}")
    return config


def _check_flops(config: StudentConfig, task: Task) -> None:
    """Long sequences cost the square of their length, which a small file can claim."""
    flops = student_flops(config, task)
    if flops > MOST_FLOPS:
        raise BundleError(
            f"an item of full length takes {flops:.1e} operations, at most {MOST_FLOPS:.0e} are allowed; "
            "use a model with a smaller max_sequence_length, or fewer layers"
        )


def _tokenizer(raw: Mapping[str, Any], config: StudentConfig) -> TokenizerSpec:
    try:
        spec = TokenizerSpec.from_dict(raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"tokenizer: {error}; {AGAIN}") from None
    if spec.kind is not config.tokenizer or len(spec.vocab) != config.vocab_size:
        raise BundleError(
            f"tokenizer is {str(spec.kind)!r} with {len(spec.vocab)} entries, "
            f"the config wants {str(config.tokenizer)!r} with {config.vocab_size}; {AGAIN}"
        )
    return spec


def _decision(raw: Mapping[str, Any], task: Task) -> Decision:
    threshold, temperature = (manifest_number(raw, name) for name in ("threshold", "temperature"))
    if not (0 <= threshold <= 1 and temperature > 0 and math.isfinite(temperature)):
        raise BundleError(f"decision: threshold {threshold} or temperature {temperature} is out of range; {AGAIN}")
    alert = None
    if raw.get("alert_threshold") is not None:
        alert = manifest_number(raw, "alert_threshold")
        if not 0 <= alert <= 1:
            raise BundleError(f"decision: alert_threshold {alert} is out of range; {AGAIN}")
    return Decision(threshold, temperature, alert, _thresholds(raw, task) if task.is_multi_label else ())


def _thresholds(raw: Mapping[str, Any], task: Task) -> tuple[float, ...]:
    """One threshold a label, or none at all."""
    found = raw.get("thresholds")
    if found is None:
        return ()
    if not isinstance(found, list) or len(found) != len(task.labels):
        raise BundleError(f"decision: thresholds {found!r:.40} are not one for each label; {AGAIN}")
    values = tuple(manifest_number({"threshold": value}, "threshold") for value in found)
    if not all(0 <= value <= 1 for value in values):
        raise BundleError(f"decision: a threshold of {values!r:.60} is out of range; {AGAIN}")
    return values


def _tensor_table(rows: list[Any], task: Task, config: StudentConfig, weights: memoryview) -> tuple[TensorEntry, ...]:
    wanted = tensor_shapes(config, task)
    entries = tuple(_entry(row, wanted) for row in rows)
    names = [entry.name for entry in entries]
    if len(names) != len(wanted) or set(names) != wanted.keys():
        raise BundleError(f"the table names {len(set(names))} tensors of the {len(wanted)} wanted; {AGAIN}")
    check_ranges((span for entry in entries for span in entry.ranges), len(weights))
    for entry in entries:
        _check_scales(entry, weights)
    return entries


def _entry(row: Any, wanted: Shapes) -> TensorEntry:
    if not isinstance(row, dict):
        raise BundleError(f"tensor table: {row!r:.60} is no row; {AGAIN}")
    name, dtype, shape = row.get("name"), row.get("dtype"), row.get("shape")
    if not isinstance(name, str) or name not in wanted or shape != list(wanted[name]):
        expected = list(wanted[name]) if isinstance(name, str) and name in wanted else "no such tensor"
        raise BundleError(f"tensor {name!r:.60} has shape {shape!r:.40}, wanted: {expected}; {AGAIN}")
    if dtype not in list(Storage) or (dtype == Storage.INT8 and len(wanted[name]) != 2):
        raise BundleError(f"tensor {name} has dtype {dtype!r:.20}; {AGAIN}")
    quantised = dtype == Storage.INT8
    scale_offset = tensor_offset(row, "scale_offset") if quantised else None
    entry = TensorEntry(name, Storage(dtype), wanted[name], tensor_offset(row, "offset"), scale_offset)
    if row.get("nbytes") != entry.size_bytes:
        raise BundleError(f"tensor {name} has {row.get('nbytes')!r:.40} bytes, wanted: {entry.size_bytes}; {AGAIN}")
    return entry


def _check_scales(entry: TensorEntry, weights: memoryview) -> None:
    """Scales are fp16, not negative and finite: as unsigned integers they lie below the pattern of infinity."""
    if entry.scale_offset is None:
        return
    start, end = entry.ranges[1]
    if max(weights[start + 1 : end : 2]) > _LARGEST_FINITE_FP16:
        raise BundleError(f"tensor {entry.name} has a scale that is negative, infinite or NaN; {AGAIN}")
