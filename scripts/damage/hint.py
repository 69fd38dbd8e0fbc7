"""Damaged bundles of hints for `run.py`: refused in one line, or probabilities, whatever the text."""

import random
import sys
from pathlib import Path

from archives import hashed, packed
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

from codewren.bundle.hint import COVARIATES, HintBundle, HintConfig, hint_layout
from codewren.bundle.open import open_bundle
from codewren.predict.hint import HintPredictor

SIZES = [0, 1, 2, 3, 7, 64, 65, 100]
SLOPES = [0, -0.0, 1, 1e-300, 5e-324, 1e12, -1e12, 1.0000001e12, 1e308, 2**70, True, None]


class Cases(SmallCases):
    """As for students, with hints."""

    def __init__(self) -> None:
        super().__init__(write_small, 12, "hint", DAMAGES)

    def ask(self, path: Path, rng: random.Random) -> None:
        bundle = open_bundle(path)
        if not isinstance(bundle, HintBundle):
            raise AssertionError("a hint was read as something else")  # noqa: TRY004
        predictor = HintPredictor(bundle, threads=1)
        texts = [strange_text(rng, 60) for _ in range(rng.choice([1, 2, 9]))]
        for row in predictor.predict_proba(texts):
            if not (0 <= min(row) <= max(row) <= 1 and sum(row) == 1):
                raise AssertionError(f"probabilities {row}")
        for text, explanation in zip(texts, predictor.explain(texts), strict=True):
            if len(explanation.lines) != text.count("\n") + 1:
                raise AssertionError(f"{len(explanation.lines)} lines of {text!r:.200}")


def write_small(index: int, folder: Path) -> Path:
    """A hint that knows some features of some strange texts."""
    sys.path.insert(0, str(ROOT / "tests"))
    from hints import write_hint

    rng = random.Random(index)
    texts = [strange_text(rng, 30).encode("utf-8", "replace").decode() for _ in range(8)]
    return write_hint(folder / f"base{index}.wren", texts)


def other_tables(base: Base, rng: random.Random) -> bytes:
    """Tables of other sizes, with random fingerprints and weights that fit them."""
    manifest = base.manifest
    config = manifest["config"]
    for _ in range(rng.choice([1, 2, 3])):
        match rng.choice(list(config)):
            case "heads" | "kinds" as name:
                others = {f"{name} {index}": rng.choice([1, 1e-9, -3.5]) for index in range(rng.choice(SIZES))}
                config[name] = {**config[name], **others} if rng.random() < 0.7 else others
            case name:
                config[name] = rng.choice(SIZES)
    return with_tables(base, manifest, rng, lambda: hint_layout(HintConfig(**config)))


def other_lines(base: Base, rng: random.Random) -> bytes:
    """Calibrations with other slopes, as long as the line is or nearly so."""
    manifest = base.manifest
    for calibration in manifest["calibrations"].values():
        calibration["counts"] = [rng.uniform(-1, 1) for _ in COVARIATES]
        calibration["heads"] = {head: rng.uniform(-9, 9) for head in calibration["heads"]}
    for _ in range(rng.choice([0, 1, 1, 2])):
        calibration = rng.choice(list(manifest["calibrations"].values()))
        match rng.randrange(5):
            case 0 | 1:
                calibration["counts"][rng.randrange(len(COVARIATES))] = rng.choice(SLOPES)
            case 2:
                calibration["heads"][rng.choice(["text", "own", "text", "none"])] = rng.choice(SLOPES)
            case 3:
                calibration[rng.choice(["offset", "threshold", "alert_threshold"])] = rng.choice(SLOPES)
            case _:
                calibration["counts"] = [0.5] * (len(COVARIATES) + rng.choice([0, 1, -1]))
    return packed(hashed(manifest, base.members))


DAMAGES: dict[str, tuple[Damage, int]] = {
    "bytes of the file": (noise_in_file, 15),
    "headers": (lies_in_headers, 10),
    "bytes of a member": (noise_in_member, 25),
    "manifest": (strange_manifest, 10),
    "tensor table": (strange_tensors, 10),
    "other tables": (other_tables, 15),
    "other lines": (other_lines, 15),
}
