"""Small hints with random weights, for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from codewren import _native
from codewren.bundle.hint import COVARIATES, LINE_DEPTH, LINE_MEASURES, LINE_NUMBERS, HintCalibration, HintConfig
from codewren.bundle.write import Array
from codewren.bundle.write_hint import HintText, write_hint_bundle
from codewren.core.task import VULNERABILITY

HEADS, KINDS = {"text": 0.01, "own": 0.02}, {"memory bounds": 0.1, "integer": -0.2, "other": 0.0}
COUNTS = tuple(0.01 * k for k in range(len(COVARIATES)))
CALIBRATIONS = {
    "general": HintCalibration({"text": 1.5}, COUNTS, -1.0, 0.5, 0.9),
    "review": HintCalibration({"text": 0.5, "own": 1.0}, COUNTS, 0.5, 0.5),
    "own": HintCalibration({"own": 2.0}, (0.0,) * len(COVARIATES), 0.25),
}


def known_features(texts: Sequence[str]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Two of three features of the texts, sorted, no two with one fingerprint."""
    hashes = np.unique(np.frombuffer(_native.hint_features(list(texts))[1], np.uint64))
    hashes = hashes[np.unique(hashes >> np.uint64(32), return_index=True)[1]]
    return np.asarray(hashes[np.arange(len(hashes)) % 3 > 0])


def random_weights(texts: Sequence[str]) -> dict[str, Array]:
    """Arrays of a hint that knows two of three features of the texts."""
    rng, known = np.random.default_rng(0), known_features(texts)
    return {
        "fingerprints": (known >> np.uint64(32)).astype(np.uint32),
        "rows": rng.integers(-127, 128, (len(known), len(HEADS))).astype(np.int8),
        "kind_rows": rng.integers(-127, 128, (len(known) // 2, len(KINDS))).astype(np.int8),
        "line_trees": random_trees(20),
    }


def random_trees(count: int) -> Array:
    """Trees that ask about any measure."""
    rng = np.random.default_rng(1)
    questions = rng.integers(0, (len(LINE_MEASURES), 12), (count, LINE_DEPTH, 2)).reshape(count, -1)
    leaves = rng.integers(-99, 100, (count, LINE_NUMBERS - 2 * LINE_DEPTH))
    return np.hstack([questions, leaves]).astype(np.int32)


def write_hint(path: Path, texts: Sequence[str], card: str = "") -> Path:
    """Write a hint with random weights; its path."""
    arrays = random_weights(texts)
    config = HintConfig(len(arrays["rows"]), HEADS, len(arrays["kind_rows"]), 0.05, KINDS)
    write_hint_bundle(
        path, task=VULNERABILITY, config=config, arrays=arrays, calibrations=CALIBRATIONS, text=HintText(card)
    )
    return path
