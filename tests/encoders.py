"""Small random similarity encoders for tests of the file and of what reads it."""

from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.similarity import Calibration
from codewren.bundle.write_similarity import write_similarity_bundle
from codewren.core.task import Task, Unit

CLONES = Task("clone", Unit.PAIR, ("different", "clone"), "clone")
CALIBRATION = Calibration(slope=12.0, offset=-6.0, threshold=0.5, alert_threshold=0.9)


def feature_hashes(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """All distinct hashes of the names and of the structure of some functions."""
    from predict.similarity_reference import features

    names, structure = zip(*map(features, texts), strict=True)
    return np.unique(np.concatenate(names)), np.unique(np.concatenate(structure))


def random_arrays(
    texts: list[str] = [], *, entries: int = 600, rows: int = 300, widths: tuple[int, int] = (24, 40), seed: int = 0
) -> dict[str, np.ndarray]:
    """Tables that know about half the features of `texts`, and others that occur nowhere."""
    rng = np.random.default_rng(seed)
    arrays = {}
    known = feature_hashes(texts) if texts else ([], [])
    for name, width, hashes in zip(("names", "structure"), widths, known, strict=True):
        seen = np.asarray(hashes, np.uint64) >> np.uint64(32)
        seen = rng.permutation(seen.astype(np.uint32))[: entries // 2]
        strange = rng.integers(0, 1 << 32, entries, dtype=np.uint32)
        fingerprints = rng.permutation(np.unique(np.concatenate([seen, strange])))[:entries]
        arrays[f"{name}_fingerprints"] = fingerprints
        arrays[f"{name}_weights"] = rng.integers(1, 256, len(fingerprints)).astype(np.uint8)
        arrays[f"{name}_rows"] = rng.integers(-127, 128, (min(rows, len(fingerprints)), width)).astype(np.int8)
    return arrays


def write_encoder(path: Path, texts: list[str] = [], **options: Any) -> Path:
    """Write a random encoder; `options` go to `write_similarity_bundle`, `arrays` to its tables."""
    options = {
        "task": CLONES,
        "arrays": random_arrays(texts),
        "sketch_widths": (64, 32),
        "unknown": (160, 140),
        "roots": (0.15**0.5, 0.35**0.5, 0.38**0.5, 0.12**0.5),
        "calibrations": {"general": CALIBRATION, "bigclonebench": Calibration(9.0, -5.0, 0.4)},
        **options,
    }
    write_similarity_bundle(path, **options)
    return path
