"""Pack a trained similarity encoder, NAME.npz with NAME.json beside it, and a model card as one bundle.

python scripts/pack_similarity.py runs/clones-mini.npz card.md src/codewren/bundle/shipped/clones-mini.wren
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.similarity import GENERAL, Calibration
from codewren.bundle.write_similarity import write_similarity_bundle
from codewren.core.task import Task, Unit

TASK = Task("clone", Unit.PAIR, ("different", "clone"), "clone")


def pack(arrays_path: Path, card_path: Path, out: Path) -> int:
    """Write the bundle; its size in bytes."""
    facts = json.loads(arrays_path.with_suffix(".json").read_text(encoding="utf-8"))
    general, published = facts["general"], facts["bcb"]
    with np.load(arrays_path) as arrays:
        return write_similarity_bundle(
            out,
            task=TASK,
            arrays=dict(arrays),
            sketch_widths=(facts["names"]["sketch_width"], facts["structure"]["sketch_width"]),
            unknown=(facts["names"]["unknown"], facts["structure"]["unknown"]),
            roots=tuple(facts["roots"]),
            calibrations={
                GENERAL: Calibration(general["slope"], general["offset"], 0.5, facts["alert_probability"]),
                "bigclonebench": Calibration(published["slope"], published["offset"]),
            },
            scores=scores(facts),
            provenance={"codewren": "0.2.0", "arguments": facts["arguments"]},
            card=card_path.read_text(encoding="utf-8"),
        )


def scores(facts: dict[str, Any]) -> dict[str, Any]:
    """What was measured of it, as the training wrote it."""
    names = ("transfer", "transfer_mean_gain", "cells_below", "recall_ratio", "test_false_alarms_per_10000", "self")
    measured = {name: facts[name] for name in names if name in facts}
    return {**measured, "bigclonebench": {"accuracy": facts["bcb"]["accuracy_dot"], "auc": facts["bcb"]["auc_dot"]}}


if __name__ == "__main__":
    print(f"{pack(*map(Path, sys.argv[1:])):,} bytes")
