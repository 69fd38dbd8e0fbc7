"""A trained encoder as the arrays of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codewren.bundle.similarity import Calibration
from codewren.bundle.write_similarity import write_similarity_bundle
from codewren.core.errors import InputError
from codewren.core.similarity_recipe import TASK, EncoderSizes
from codewren.train.similarity.encoder import SimilarityEncoder
from codewren.train.similarity.vocabulary import Floats

Arrays = dict[str, NDArray[Any]]
BLOCKS = ("names", "structure")
LARGEST_SHARE = 0.9999
"""Quantile of the sizes of a table's numbers that becomes 127; the few larger ones are clipped."""


def tables(encoder: SimilarityEncoder) -> Arrays:
    """Entries, weights and trained rows of both blocks; rows as float32."""
    arrays: Arrays = {}
    for name, vocabulary, rows in zip(BLOCKS, encoder.vocabularies, encoder.tables, strict=True):
        arrays[f"{name}_fingerprints"] = vocabulary.fingerprints
        arrays[f"{name}_weights"] = vocabulary.weights
        arrays[f"{name}_rows"] = rows.detach().numpy().astype(np.float32)
        arrays[f"{name}_unknown"] = np.array(vocabulary.unknown)
    return arrays


def start_from(encoder: SimilarityEncoder, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Take the first rows of a larger encoder, trained on the same functions, as a start.

    Raises:
        InputError: it is smaller, or knows other features.
    """
    for name, vocabulary, rows in zip(BLOCKS, encoder.vocabularies, encoder.tables, strict=True):
        start = arrays[f"{name}_rows"]
        count, width = rows.shape
        is_prefix = np.array_equal(arrays[f"{name}_fingerprints"][:count], vocabulary.fingerprints[:count])
        if len(start) < count or start.shape[1] < width or not is_prefix:
            raise InputError(f"contrast.initial: its {name} are not those of a larger encoder of the same corpus")
        with torch.no_grad():
            rows.copy_(torch.from_numpy(start[:count, :width]))


def int8_rows(rows: Floats) -> NDArray[np.int8]:
    """Rows as whole numbers; the scale cancels when a block is normalised."""
    limit = float(np.quantile(np.abs(rows), LARGEST_SHARE)) if rows.size else 1.0
    return np.asarray(np.clip(np.rint(rows * (127 / max(limit, 1e-12))), -127, 127), np.int8)


@dataclass(frozen=True, slots=True)
class Writing:
    """What a bundle says beside the tables."""

    calibrations: Mapping[str, Calibration]
    scores: Mapping[str, Any]
    provenance: Mapping[str, Any]
    card: str = ""


def write_tables(path: Path, arrays: Mapping[str, NDArray[Any]], sizes: EncoderSizes, writing: Writing) -> int:
    """Write the bundle; its size in bytes."""
    stored = {f"{name}_{kind}": arrays[f"{name}_{kind}"] for name in BLOCKS for kind in ("fingerprints", "weights")} | {
        f"{name}_rows": int8_rows(arrays[f"{name}_rows"]) for name in BLOCKS
    }
    return write_similarity_bundle(
        path,
        task=TASK,
        arrays=stored,
        sketch_widths=(sizes.names.sketch_width, sizes.structure.sketch_width),
        unknown=(int(arrays["names_unknown"]), int(arrays["structure_unknown"])),
        roots=sizes.roots,
        calibrations=writing.calibrations,
        scores=writing.scores,
        provenance=writing.provenance,
        card=writing.card,
    )
