"""Small random similarity encoders for tests of the file and of what reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.similarity import Calibration, SimilarityBundle
from codewren.bundle.write_similarity import write_similarity_bundle
from codewren.core.task import Task, Unit
from predict.similarity_reference import Block, Encoder, features

CLONES = Task("clone", Unit.PAIR, ("different", "clone"), "clone")
CALIBRATION = Calibration(slope=12.0, offset=-6.0, threshold=0.5, alert_threshold=0.9)
ROOTS = (0.2**0.5, 0.34**0.5, 0.35**0.5, 0.11**0.5)


def feature_hashes(texts: Sequence[str]) -> list[np.ndarray]:
    """All distinct hashes of the names and of the structure of some functions."""
    kinds = zip(*map(features, texts), strict=True) if texts else ([], [])
    return [np.unique(np.concatenate([np.zeros(0, np.uint64), *hashes])) for hashes in kinds]


def random_arrays(
    texts: Sequence[str] = (),
    *,
    entries: int = 600,
    rows: int = 300,
    widths: tuple[int, int] = (24, 40),
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Tables that know about half the features of `texts`, and others that occur nowhere."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, width, hashes in zip(("names", "structure"), widths, feature_hashes(texts), strict=True):
        seen = rng.permutation((hashes >> np.uint64(32)).astype(np.uint32))[: entries // 2]
        strange = rng.integers(0, 1 << 32, entries, dtype=np.uint32)
        fingerprints = rng.permutation(np.unique(np.concatenate([seen, strange])))[:entries]
        arrays[f"{name}_fingerprints"] = fingerprints
        arrays[f"{name}_weights"] = rng.integers(1, 256, len(fingerprints)).astype(np.uint8)
        arrays[f"{name}_rows"] = rng.integers(-127, 128, (min(rows, len(fingerprints)), width)).astype(np.int8)
    return arrays


def write_encoder(path: Path, texts: Sequence[str] = (), **options: Any) -> Path:
    """Write a random encoder that knows features of `texts`; `options` go to `write_similarity_bundle`."""
    options = {
        "task": CLONES,
        "arrays": options.pop("arrays", None) or random_arrays(texts),
        "sketch_widths": (64, 32),
        "unknown": (160, 140),
        "roots": ROOTS,
        "calibrations": {"general": CALIBRATION, "bigclonebench": Calibration(9.0, -5.0, 0.4)},
        **options,
    }
    write_similarity_bundle(path, **options)
    return path


def reference(bundle: SimilarityBundle) -> Encoder:
    """The encoder of a bundle in plain Python."""
    tensors = {entry.name: entry for entry in bundle.tensors}
    blocks = []
    for name, table in bundle.config.tables.items():
        fingerprints, weights, rows = (
            np.frombuffer(
                bundle.weights, tensor.dtype, tensor.size_bytes // np.dtype(tensor.dtype).itemsize, tensor.offset
            ).reshape(tensor.shape)
            for tensor in (tensors[f"{name}.{array}"] for array in ("fingerprints", "weights", "rows"))
        )
        blocks.append(Block.of(fingerprints, weights, rows, sketch_width=table.sketch_width, unknown=table.unknown))
    return Encoder(blocks[0], blocks[1], bundle.config.roots)
