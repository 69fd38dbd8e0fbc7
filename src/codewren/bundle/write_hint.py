"""Write a hint as one `*.wren` file; `docs/bundle-format.md` is the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.container import SCHEMA_VERSIONS, Form
from codewren.bundle.hint import LEXER, REVIEW, HintCalibration, HintConfig, hint_layout
from codewren.bundle.similarity import GENERAL
from codewren.bundle.write import Array, json_bytes, write_archive
from codewren.core.errors import InputError
from codewren.core.task import Task

_STORED = {"uint32": "<u4", "int8": "i1"}


@dataclass(frozen=True, slots=True)
class HintText:
    """What a bundle says beside its weights: scores and provenance are any JSON."""

    card: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write_hint_bundle(
    path: Path | str,
    *,
    task: Task,
    config: HintConfig,
    arrays: Mapping[str, Array],
    calibrations: Mapping[str, HintCalibration],
    text: HintText,
) -> int:
    """Write a bundle atomically and return its size in bytes; equal arguments give equal bytes.

    Args:
        path: the file.
        task: single functions, two labels.
        config: sizes and heads.
        arrays: `fingerprints` uint32 (entries,), distinct; `rows` int8 (entries, heads); `kind_rows` int8
            (kind_entries, kinds); `line_trees` int32 (trees, numbers) where there are some.
        calibrations: "general" and "review" among them.
        text: card, scores and provenance.

    Raises:
        InputError: an array has another type or shape than it must, or the file cannot be written.
    """
    layout = hint_layout(config)
    for entry in layout:
        if arrays[entry.name].dtype != entry.dtype or arrays[entry.name].shape != entry.shape:
            raise InputError(f"{entry.name}: found {arrays[entry.name].shape}, wanted {entry.dtype} {entry.shape}")
    if len(np.unique(arrays["fingerprints"])) != config.entries:
        raise InputError("fingerprints are there twice; leave out features that share one")
    if not {GENERAL, REVIEW} <= calibrations.keys():
        raise InputError(f"calibrations are {', '.join(calibrations)}; {GENERAL} and {REVIEW} are wanted")
    weights = bytearray(layout[-1].end)
    for entry in layout:
        weights[entry.offset : entry.end] = arrays[entry.name].astype(_STORED[entry.dtype]).tobytes()
    members = {
        "weights.bin": bytes(weights),
        "tokenizer.json": json_bytes(LEXER, "the lexer"),
        "MODEL_CARD.md": text.card.encode(),
    }
    manifest = {
        "format": "codewren",
        "schema_version": SCHEMA_VERSIONS[Form.HINT],
        "form": str(Form.HINT),
        "task": task.to_dict(),
        "config": config.to_dict(),
        "tensors": [entry.to_dict() for entry in layout],
        "calibrations": {name: calibration.to_dict() for name, calibration in calibrations.items()},
        "scores": dict(text.scores),
        "provenance": dict(text.provenance),
    }
    trees = arrays.get("line_trees")
    if trees is not None and len(trees):
        manifest["line_trees"] = trees.tolist()
    return write_archive(Path(path), members, manifest)
