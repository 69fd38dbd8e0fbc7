"""Write a similarity encoder as one `*.wren` file; `docs/bundle-format.md` is the contract."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.container import SCHEMA_VERSIONS, Form
from codewren.bundle.similarity import GENERAL, LEXER, Calibration, FeatureTable, SimilarityConfig, similarity_layout
from codewren.bundle.write import Array, json_bytes, write_archive
from codewren.core.errors import InputError
from codewren.core.task import Task

_STORED = {"uint32": "<u4", "uint8": "u1", "int8": "i1"}


def write_similarity_bundle(
    path: Path | str,
    *,
    task: Task,
    arrays: Mapping[str, Array],
    sketch_widths: tuple[int, int],
    unknown: tuple[int, int],
    roots: tuple[float, float, float, float],
    calibrations: Mapping[str, Calibration],
    scores: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    card: str = "",
) -> int:
    """Write a bundle atomically and return its size in bytes; equal arguments give equal bytes.

    Args:
        path: the file.
        task: pairs of functions, two labels.
        arrays: `names_fingerprints` (uint32), `names_weights` (uint8), both of (entries,), `names_rows` (int8) of
            (rows, width), rows at most entries; the same of `structure`.
        sketch_widths: numbers of the sketches of names and structure.
        unknown: weights of a feature without an entry, names and structure.
        roots: roots of the shares of names sketch, names, structure, structure sketch.
        calibrations: one for each idea of a clone, "general" among them.
        scores: any JSON.
        provenance: any JSON.
        card: the model card.

    Raises:
        InputError: an array has another type or shape than it must, or the file cannot be written.
    """
    names, structure = (
        _table(arrays, name, width, weight)
        for name, width, weight in zip(("names", "structure"), sketch_widths, unknown, strict=True)
    )
    config = SimilarityConfig(names, structure, roots)
    if GENERAL not in calibrations:
        raise InputError(f"calibrations lack {GENERAL!r}; give one under that name")
    layout = similarity_layout(config)
    weights = bytearray(layout[-1].end)
    for entry in layout:
        values = arrays[entry.name.replace(".", "_")]
        weights[entry.offset : entry.end] = np.ascontiguousarray(values.astype(_STORED[entry.dtype])).tobytes()
    members = {
        "weights.bin": bytes(weights),
        "tokenizer.json": json_bytes(LEXER, "the lexer"),
        "MODEL_CARD.md": card.encode(),
    }
    manifest = {
        "format": "codewren",
        "schema_version": SCHEMA_VERSIONS[Form.SIMILARITY],
        "form": str(Form.SIMILARITY),
        "task": task.to_dict(),
        "config": config.to_dict(),
        "tensors": [entry.to_dict() for entry in layout],
        "calibrations": {name: calibration.to_dict() for name, calibration in calibrations.items()},
        "scores": dict(scores or {}),
        "provenance": dict(provenance or {}),
    }
    return write_archive(Path(path), members, manifest)


def _table(arrays: Mapping[str, Array], name: str, sketch_width: int, unknown: int) -> FeatureTable:
    fingerprints, weights, rows = (arrays[f"{name}_{array}"] for array in ("fingerprints", "weights", "rows"))
    for array, dtype, dimensions in ((fingerprints, np.uint32, 1), (weights, np.uint8, 1), (rows, np.int8, 2)):
        if array.dtype != dtype or array.ndim != dimensions:
            raise InputError(f"{name}: found {array.dtype} of shape {array.shape}, wanted {np.dtype(dtype)}")
    if len(weights) != len(fingerprints) or len(np.unique(fingerprints)) != len(fingerprints):
        raise InputError(
            f"{name}: {len(fingerprints)} fingerprints for {len(weights)} weights; wanted one each, distinct"
        )
    return FeatureTable(len(fingerprints), rows.shape[0], rows.shape[1], sketch_width, unknown)
