"""Pack a trained similarity encoder, NAME.npz with NAME.json beside it, as one bundle with its model card.

python scripts/pack_similarity.py runs/clones-mini.npz src/codewren/bundle/shipped/clones-mini.wren
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.similarity import GENERAL, Calibration
from codewren.bundle.write_similarity import write_similarity_bundle
from codewren.core.task import Task, Unit

TASK = Task("clone", Unit.PAIR, ("different", "clone"), "clone")
CARD = """# {name}

Compares functions in any of C, C++, Java, Python, JavaScript, TypeScript and Go (C# and Rust were among the problems it
learned from). Judges pairs; labels: different, clone; the alarm is `clone`. An encoder makes a vector of
{vector_bytes} bytes of each function, from its names and its structure; a pair is judged by the vectors' dot product.
White space and comments change nothing.

## Trained on
- solutions of programming problems, several of each, in eight languages: MBXP and HumanEval-X, the problems of their
  training part;
- functions of one name, the name hidden, in different open-source projects;
- functions and edited copies of them: renamed, reformatted, statements added, dropped or moved;
- BigCloneBench pairs (CodeXGLUE's split) with the logits of the teachers that the papers published.

## Transfer
Problems that it was not trained on (of `gfg` it saw none): two functions of one problem are clones, two of
different ones are not. Beside it the best of three lexical baselines (words, blanked 3-grams, TF-IDF of name parts),
which need no training. AUC, and the recall at one false alarm in 1,000.

| set | AUC | best baseline | recall | best baseline |
|---|---|---|---|---|
{transfer}

BigCloneBench validation: accuracy {accuracy:.4f}, AUC {auc:.4f} (with the calibration `@bigclonebench`, whose idea of a
clone is another than that of the rest).

## Alerts
Scans alert above a probability of {alert:.4f}: at most one in 10,000 random pairs of functions of different projects
exceeds it in each of seven languages. On projects that it was neither trained nor fitted on, false alarms in 10,000
pairs: {alarms}.
Those of Java are mostly relatives: libraries that descend from one another.

## Limits
It sees names, literals and runs of up to six tokens: what is written alike, or named alike, not what runs alike. Two
functions that do the same in other words and by another algorithm are missed. A block inside a longer function is no
pair. Very short functions are alike by nature. A finding is a hint for a reader, not a proof.

## Seed
Seed {seed}, the only one that was trained.

## Licence
The weights are Apache-2.0. They were trained on MBXP (CC BY 4.0), HumanEval-X (Apache-2.0), CodeXGLUE's BigCloneBench
(C-UDA, for computational use), and source text of open-source packages under their own licences; they hold none of
that code.
"""


def pack(arrays_path: Path, out: Path) -> int:
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
            provenance={"codewren": version("codewren"), "arguments": arguments(facts)},
            card=card(facts, out.stem, sum(arrays[f"{name}_rows"].shape[1] for name in ("names", "structure"))),
        )


def arguments(facts: dict[str, Any]) -> dict[str, Any]:
    """How it was trained, without the files of the machine that trained it."""
    return {name: value for name, value in facts["arguments"].items() if name not in {"corpus", "out", "init"}}


def scores(facts: dict[str, Any]) -> dict[str, Any]:
    """What was measured of it, as the training wrote it."""
    names = ("transfer", "transfer_mean_gain", "cells_below", "recall_ratio", "test_false_alarms_per_10000", "self")
    measured = {name: facts[name] for name in names if name in facts}
    return {**measured, "bigclonebench": {"accuracy": facts["bcb"]["accuracy_dot"], "auc": facts["bcb"]["auc_dot"]}}


def card(facts: dict[str, Any], name: str, widths: int) -> str:
    """The model card."""
    rows = [
        f"| {group} | {row['auc']:.3f} | {row['best_baseline_auc']:.3f} | {row['recall_at_1e-3']:.2f} | "
        f"{row['best_baseline_recall']:.2f} |"
        for group, row in facts["transfer"].items()
    ]
    alarms = facts["test_false_alarms_per_10000"]
    return CARD.format(
        name=name,
        vector_bytes=widths + facts["names"]["sketch_width"] + facts["structure"]["sketch_width"],
        transfer="\n".join(rows),
        accuracy=facts["bcb"]["accuracy_dot"],
        auc=facts["bcb"]["auc_dot"],
        alert=facts["alert_probability"],
        alarms=", ".join(f"{language} {value:.1f}" for language, value in alarms.items() if language != "all"),
        seed=facts["arguments"]["seed"],
    )


if __name__ == "__main__":
    print(f"{pack(*map(Path, sys.argv[1:])):,} bytes")
