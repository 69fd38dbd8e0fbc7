"""ReVeal with one vulnerable function in a hundred: data of benchmarks/tasks/rare.toml, and what came out.

    python benchmarks/tasks/rare.py write shared/data/reveal runs/tasks/rare
    codewren compress benchmarks/tasks/rare.toml --out runs/tasks/rare-default
    codewren compress benchmarks/tasks/rare.toml --out runs/tasks/rare-advised \\
      --set distil.selection=auc --set decision.threshold=f1
    python benchmarks/tasks/rare.py compare runs/tasks/rare runs/tasks/rare-default runs/tasks/rare-advised

Several seeds, `--set distil.seed=N --out runs/tasks/NAME-N`, with class weights (`--set distil.class_weights=balanced`)
or without: where runs differ in that number only, their mean stands below them, and its difference from the first
runs' mean with an interval of resampled items. `write` takes a third argument, the safe functions to a vulnerable one
(99), and its recipe `--set data.root=` the folder's full path.

The folder holds train.jsonl.xz and valid.jsonl.xz with rows of idx, target and func. Both are thrown together and split
by hash of the text into a half to learn from, a quarter `valid` and a quarter `test`; of each the vulnerable functions
are thinned to one in a hundred. Beside the students stand words (TF-IDF and logistic regression) that learnt the same
functions' true labels, plain and with balanced classes.
"""

import json
import lzma
import re
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
from compared import words
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import codewren
from codewren.core.task import VULNERABILITY
from codewren.measure.intervals import bootstrap
from codewren.measure.metrics import auc_statistic
from codewren.measure.task_quality import task_quality

SPLITS = ("labelled", "labelled", "valid", "test")
NEGATIVES_A_POSITIVE = 99
Judged = tuple[np.ndarray, np.ndarray]
"""Probabilities and predictions of a run."""
SHOWN = ("accuracy", "precision", "recall", "f1", "mcc", "auc")


def digest(text: str) -> int:
    """A number of a text, the same everywhere."""
    return int(sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16)


def write(source: Path, out: Path, negatives: int = NEGATIVES_A_POSITIVE) -> None:
    """Three splits."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for split in ("train", "valid"):
        with lzma.open(source / f"{split}.jsonl.xz", "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    rows.sort(key=lambda row: digest(row["func"]))
    for split in dict.fromkeys(SPLITS):
        mine = [row for row in rows if SPLITS[digest(row["func"]) % 4] == split]
        safe = [row for row in mine if row["target"] == 0]
        rare = [row for row in mine if row["target"] == 1][: len(safe) // negatives]
        chosen = sorted(safe + rare, key=lambda row: row["idx"])
        with (out / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for row in chosen:
                file.write(json.dumps({"id": row["idx"], "func": row["func"], "label": row["target"]}) + "\n")
        print(f"{split}: {len(chosen):,} functions, {len(rare):,} vulnerable")


def read(path: Path) -> tuple[list[str], np.ndarray]:
    """Texts and labels."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["func"] for row in rows], np.array([row["label"] for row in rows])


def compare(data: Path, runs: list[Path]) -> None:
    """Students and words on `test`."""
    texts, labels = read(data / "labelled.jsonl")
    asked, truth = read(data / "test.jsonl")
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    known, features = vectorizer.fit_transform(texts), vectorizer.transform(asked)
    for name, weight in (("words", None), ("words, balanced", "balanced")):
        model = LogisticRegression(C=10.0, max_iter=200, class_weight=weight).fit(known, labels)
        show(name, truth, model.predict_proba(features), None)
    groups: dict[str, list[Judged]] = {}
    for run in runs:
        student = codewren.load(run / "student.wren")
        said = np.array([int(answer) for answer in student.predict(asked)])
        probabilities = np.asarray(student.predict_proba(asked), dtype=float)
        show(run.name, truth, probabilities, said)
        groups.setdefault(re.sub(r"-\d+$", "", run.name), []).append((probabilities, said))
    for name, members in groups.items():
        show_mean(name, truth, members, next(iter(groups.values())))


def show_mean(name: str, truth: np.ndarray, members: list[Judged], base: list[Judged]) -> None:
    """The mean of some runs, the least and the largest, and its difference from the mean of others."""
    every = np.ones(len(truth))
    for figure, statistic in (("auc", mean_auc), ("f1", mean_f1)):
        mine, theirs = statistic(truth, members), statistic(truth, base)
        rng = np.random.default_rng(0)
        change = bootstrap(figure, lambda w, a=mine, b=theirs: a(w) - b(w), len(truth), rng=rng)
        alone = [statistic(truth, [member])(every) for member in members]
        print(
            f"{name:20} mean {figure} of {len(members)}: {mine(every):.3f} ({min(alone):.3f} to {max(alone):.3f}), "
            f"less the first's: {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
        )


def mean_auc(truth: np.ndarray, members: list[Judged]) -> Callable[[np.ndarray], float]:
    """Mean area under the curve of some runs, as a function of the items' weights."""
    each = [auc_statistic(truth, probabilities, positive=1) for probabilities, _ in members]
    return lambda weights: float(np.mean([statistic(weights) for statistic in each]))


def mean_f1(truth: np.ndarray, members: list[Judged]) -> Callable[[np.ndarray], float]:
    """Mean F1 of some runs, likewise."""

    def value(weights: np.ndarray) -> float:
        both = [weights @ (truth * said) for _, said in members]
        every = [weights @ (truth + said) for _, said in members]
        return float(np.mean([2 * hits / max(total, 1e-12) for hits, total in zip(both, every, strict=True)]))

    return value


def show(name: str, truth: np.ndarray, probabilities: np.ndarray, predictions: np.ndarray | None) -> None:
    """A line of figures, AUC and F1 with 95 % intervals."""
    found = task_quality(VULNERABILITY, truth, probabilities, predictions=predictions)
    cells = [
        f"{measure.name} {measure.value:.3f}"
        + (f" [{measure.low:.3f}, {measure.high:.3f}]" if measure.name in ("auc", "f1") else "")
        for measure in found.measures
        if measure.name in SHOWN
    ]
    print(f"{name:16} {'  '.join(cells)}")


def main() -> None:
    """Write or compare."""
    if len(sys.argv) < 4 or sys.argv[1] not in ("write", "compare"):
        sys.exit(__doc__)
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:]))
    else:
        compare(Path(sys.argv[2]), [Path(run) for run in sys.argv[3:]])


if __name__ == "__main__":
    main()
