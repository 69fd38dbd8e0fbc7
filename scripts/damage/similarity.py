"""Damaged bundles of similarity encoders for `run.py`: refused in one line, or whole numbers, whatever the text."""

import random
import sys
from pathlib import Path

from bundles import (
    Base,
    Damage,
    SmallCases,
    lies_in_headers,
    noise_in_file,
    noise_in_member,
    strange_manifest,
    strange_tensors,
    with_tables,
)
from strange import strange_text
from tiny_task import ROOT

from codewren import _native
from codewren.bundle.open import open_bundle
from codewren.bundle.similarity import (
    Calibration,
    FeatureTable,
    SimilarityBundle,
    SimilarityConfig,
    TableEntry,
    similarity_layout,
)
from codewren.predict.similarity import SimilarityPredictor

SIZES = [0, 1, 2, 3, 7, 8, 31, 64, 100]
LANGUAGES = [None, "c", "java", "python"]


class Cases(SmallCases):
    """As for students, with encoders."""

    def __init__(self) -> None:
        super().__init__(write_small, 24, "source", DAMAGES)

    def ask(self, path: Path, rng: random.Random) -> None:
        bundle = open_bundle(path)
        if not isinstance(bundle, SimilarityBundle):
            raise AssertionError("an encoder was read as a student")  # noqa: TRY004
        predictor = SimilarityPredictor(bundle, threads=1, target=rng.choice(_native.similarity_targets()))
        texts = [strange_text(rng, 60) for _ in range(rng.choice([2, 2, 9]))]
        languages = [rng.choice(LANGUAGES) for _ in texts]
        vectors = predictor.encode(texts, languages=languages)  # type: ignore[arg-type]
        pairs = predictor.pairs_above(vectors, rng.choice([0.0, 0.5, 1.0]))
        nearest = predictor.neighbours(vectors, vectors, rng.choice([1, 3]))
        if len(nearest) != len(texts) or any(not (0 <= i < j < len(texts) and 0 <= p <= 1) for i, j, p in pairs):
            raise AssertionError(f"pairs {pairs}")
        for row in predictor.predict_proba([(texts[0], texts[1])]):
            if not (0 <= min(row) <= max(row) <= 1 and sum(row) == 1):
                raise AssertionError(f"probabilities {row}")


def write_small(index: int, folder: Path) -> Path:
    """An encoder that knows some features of some strange texts."""
    sys.path.insert(0, str(ROOT / "tests"))
    from encoders import random_arrays, write_encoder

    rng = random.Random(index)
    texts = [strange_text(rng, 30) for _ in range(8)]
    entries = rng.choice([1, 20, 80])
    arrays = random_arrays(texts, entries=entries, rows=entries // 2, widths=(rng.choice(SIZES), 8), seed=index)
    sketches = (rng.choice([0, 1, 16, 64]), rng.choice([0, 2, 32]))
    return write_encoder(folder / f"base{index}.wren", arrays=arrays, sketch_widths=sketches)


def other_tables(base: Base, rng: random.Random) -> bytes:
    """Tables of other sizes, with random fingerprints and weights that fit them."""
    manifest = base.manifest
    for _ in range(rng.choice([1, 2, 3])):
        table = manifest["config"][rng.choice(["names", "structure"])]
        table[rng.choice(list(table))] = rng.choice(SIZES)
    if rng.random() < 0.3:
        manifest["config"]["roots"] = [rng.choice([0, 1, 0.5, 1e-300]) for _ in range(4)]
    if rng.random() < 0.3:
        slope, offset = rng.choice([5e-324, 1e308, 9.0]), rng.choice([-1e308, 1e308, 0.0])
        manifest["calibrations"]["general"] = Calibration(slope, offset).to_dict()

    def layout() -> tuple[TableEntry, ...]:
        names, structure = (FeatureTable(**manifest["config"][name]) for name in ("names", "structure"))
        return similarity_layout(SimilarityConfig(names, structure, tuple(manifest["config"]["roots"])))

    return with_tables(base, manifest, rng, layout)


DAMAGES: dict[str, tuple[Damage, int]] = {
    "bytes of the file": (noise_in_file, 20),
    "headers": (lies_in_headers, 10),
    "bytes of a member": (noise_in_member, 30),
    "manifest": (strange_manifest, 10),
    "tensor table": (strange_tensors, 10),
    "other tables": (other_tables, 20),
}
