"""Write a student as one `*.wren` file; `docs/bundle-format.md` is the contract.

Tensor names carry a shape suffix: R rows (output channels or vocabulary entries), C columns.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codewren.bundle.container import KIND_SCHEMA, SCHEMA_VERSIONS, Decision, Form
from codewren.bundle.layout import TensorEntry, tensor_layout
from codewren.bundle.open import open_bundle
from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.student_config import Storage, StudentConfig
from codewren.core.task import Kind, Task

WEIGHTS_START = 64  # the first member's data starts here, so that a mapped file has aligned tensors
_PADDING_ID = 0xD935  # the zip extra field that Android's zipalign uses for the same purpose
_LOCAL_HEADER_BYTES = 30
_LARGEST_INT8 = 127

Array = npt.NDArray[Any]


def write_bundle(  # noqa: PLR0913  one argument for each part of the manifest
    path: Path | str,
    *,
    task: Task,
    config: StudentConfig,
    tensors: Mapping[str, Array],
    tokenizer: TokenizerSpec,
    threshold: float = 0.5,
    temperature: float = 1.0,
    alert_threshold: float | None = None,
    thresholds: tuple[float, ...] = (),
    scores: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    card: str = "",
) -> int:
    """Write a bundle atomically and return its size in bytes; equal arguments give equal bytes.

    `tensors` holds floating-point arrays named and shaped as `codewren.bundle.tensors.tensor_shapes` says.

    Raises:
        InputError: a tensor is missing, unknown, of another shape, not finite or outside the storage format, the
            tokenizer is not the one `config` names, or the file cannot be written.
    """
    _check_tensors(tensors, config, task)
    decision = Decision(threshold, temperature, alert_threshold, thresholds)
    _check_decision(decision, task)
    if tokenizer.kind is not config.tokenizer or len(tokenizer.vocab) != config.vocab_size:
        raise InputError(
            f"tokenizer is {tokenizer.kind} with {len(tokenizer.vocab)} entries and the student wants "
            f"{config.tokenizer} with {config.vocab_size}; build the student for the trained tokenizer"
        )
    layout = tensor_layout(config, task)
    members = {
        "weights.bin": _weights(layout, tensors),
        "tokenizer.json": tokenizer.to_bytes(),
        "MODEL_CARD.md": card.encode(),
    }
    manifest = {
        "format": "codewren",
        "schema_version": SCHEMA_VERSIONS[Form.STUDENT] if task.kind is Kind.SINGLE_LABEL else KIND_SCHEMA,
        "task": task.to_dict(),
        "config": config.to_dict(),
        "tensors": [entry.to_dict() for entry in layout],
        "decision": _decision(decision),
        "scores": dict(scores or {}),
        "provenance": dict(provenance or {}),
    }
    return write_archive(Path(path), members, manifest)


def write_archive(path: Path, members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> int:
    """Write members and the manifest, completed by their hashes, atomically; the size in bytes.

    Raises:
        InputError: the manifest is not JSON, or the file cannot be written.
    """
    hashes = {name: _fingerprint(content) for name, content in members.items()}
    text = json_bytes({**manifest, "members": hashes}, "scores or provenance")
    archive = _archive({**members, "manifest.json": text})
    write_bytes(path, archive)
    return len(archive)


def _decision(decision: Decision) -> dict[str, Any]:
    plain: dict[str, Any] = {"threshold": float(decision.threshold), "temperature": float(decision.temperature)}
    if decision.alert_threshold is not None:
        plain["alert_threshold"] = float(decision.alert_threshold)
    if decision.thresholds:
        plain["thresholds"] = [float(threshold) for threshold in decision.thresholds]
    return plain


def amend_bundle(
    path: Path,
    *,
    card: str,
    provenance: Mapping[str, Any],
    decision: Decision | None = None,
    scores: Mapping[str, Any] | None = None,
) -> int:
    """Give a bundle another model card and further provenance, atomically; weights and tokenizer stay to the byte.

    Args:
        path: of the bundle.
        card: in place of its model card.
        provenance: added to its own.
        decision: in place of its own, or None to keep that.
        scores: in place of its own, or None to keep these.

    Returns:
        The new size in bytes.

    Raises:
        BundleError: the file is not a bundle.
        InputError: scores or provenance are not JSON, the decision is impossible, or the file cannot be written.
    """
    bundle = open_bundle(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in ("weights.bin", "tokenizer.json")}
        manifest = json.loads(archive.read("manifest.json"))
    members["MODEL_CARD.md"] = card.encode()
    manifest["provenance"] |= dict(provenance)
    if decision is not None:
        _check_decision(decision, bundle.task)
        manifest["decision"] = _decision(decision)
    if scores is not None:
        manifest["scores"] = dict(scores)
    manifest["members"]["MODEL_CARD.md"] = _fingerprint(members["MODEL_CARD.md"])
    members["manifest.json"] = json_bytes(manifest, "scores or provenance")
    content = _archive(members)
    write_bytes(path, content)
    return len(content)


def quantise_rows(values_RC: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Round each row to multiples of its own fp16 scale, |q| <= 127: value = q * scale[row].

    The scale is rounded up before the values are, so the largest value of a row stays inside; a row of zeros has
    scale 0.

    Raises:
        InputError: a row is too large for an fp16 scale.
    """
    exact_R = np.abs(values_RC).max(axis=1).astype(np.float64) / _LARGEST_INT8
    with np.errstate(over="ignore"):
        scale_R = exact_R.astype(np.float16)
        scale_R = np.where(scale_R.astype(np.float64) < exact_R, np.nextafter(scale_R, np.float16(np.inf)), scale_R)
    if not np.isfinite(scale_R).all():
        raise InputError(f"a weight of {np.abs(values_RC).max():.3g} is too large for int8 storage; use storage fp32")
    divisor_R = np.where(scale_R == 0, 1, scale_R).astype(np.float64)
    steps_RC = np.rint(values_RC / divisor_R[:, None])
    return np.clip(steps_RC, -_LARGEST_INT8, _LARGEST_INT8).astype(np.int8), scale_R


def _check_tensors(tensors: Mapping[str, Array], config: StudentConfig, task: Task) -> None:
    wanted = tensor_shapes(config, task)
    missing, unknown = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or unknown:
        raise InputError(
            f"tensors do not fit the configuration: missing {missing[:3]}, unknown {unknown[:3]} "
            f"({len(missing)} and {len(unknown)} in all); name them as codewren.bundle.tensors.tensor_shapes does"
        )
    for name, shape in wanted.items():
        if tensors[name].shape != shape:
            raise InputError(f"tensor {name} has shape {tensors[name].shape}, the configuration wants {shape}")
        if not np.isfinite(tensors[name]).all():
            raise InputError(f"tensor {name} holds NaN or infinity; the training diverged, train it again")


def _check_decision(decision: Decision, task: Task) -> None:
    threshold, temperature, alert = decision.threshold, decision.temperature, decision.alert_threshold
    if not (0 <= threshold <= 1 and 0 < temperature < float("inf")):
        raise InputError(
            f"threshold {threshold} must lie in [0, 1] and temperature {temperature} must be positive and finite"
        )
    if alert is not None and not 0 <= alert <= 1:
        raise InputError(f"alert_threshold {alert} must lie in [0, 1], or be left out")
    own = decision.thresholds
    if own and not (task.is_multi_label and len(own) == len(task.labels) and all(0 <= value <= 1 for value in own)):
        raise InputError(
            f"{len(own)} thresholds; wanted one in [0, 1] for each of a multi-label task's {len(task.labels)} labels"
        )


def _weights(layout: tuple[TensorEntry, ...], tensors: Mapping[str, Array]) -> bytes:
    size = max(end for entry in layout for _, end in entry.ranges)
    content = bytearray(size)
    for entry in layout:
        for (start, end), stored in zip(entry.ranges, _stored(entry, tensors[entry.name]), strict=True):
            content[start:end] = stored
    return bytes(content)


def _stored(entry: TensorEntry, values: Array) -> list[bytes]:
    """The numbers of one tensor in its storage format, then its scales where it has some."""
    if entry.dtype is Storage.INT8:
        steps, scales = quantise_rows(values)
        return [steps.tobytes(), scales.astype("<f2").tobytes()]
    kind = "<f2" if entry.dtype is Storage.FP16 else "<f4"
    with np.errstate(over="ignore"):
        stored = values.astype(kind)
    if not np.isfinite(stored).all():
        raise InputError(
            f"tensor {entry.name} reaches {np.abs(values).max():.3g}, too large for {entry.dtype}; use storage fp32"
        )
    return [stored.tobytes()]


def json_bytes(value: Any, subject: str) -> bytes:
    """Compact JSON.

    Raises:
        InputError: the value has no JSON form.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"{subject} is not JSON ({error}); use finite numbers, strings, lists and dicts") from error


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _archive(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            stored = name == "weights.bin"
            if stored:
                info.extra = _padding(WEIGHTS_START - _LOCAL_HEADER_BYTES - len(name))
            archive.writestr(info, content, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED, compresslevel=9)
    return stream.getvalue()


def _padding(size: int) -> bytes:
    """A zip extra field of `size` bytes that every reader skips."""
    body = size - 4
    return _PADDING_ID.to_bytes(2, "little") + body.to_bytes(2, "little") + bytes(body)
