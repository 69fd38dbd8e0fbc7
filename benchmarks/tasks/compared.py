"""A student beside its teacher, words with logistic regression, and a static classifier of ten times its bytes.

    python benchmarks/tasks/compared.py benchmarks/tasks/returns.toml runs/tasks/returns-run

The run was made by `codewren compress RECIPE --out RUN --seeds 3`. All are judged on the test split. Words, and words
with pairs of neighbours, learn the true labels of all that the student learns from (it sees them too:
`hard_label_weight`), and words once more the teacher's answers; how much they are regularised is chosen on valid. The
static classifier is model2vec's kind: a vector a word, their mean, a linear map; it learns what the student learns,
from the same logits and labels mixed alike, with three seeds and the epoch that is best on valid, and its float16 table
is as large as ten students. Of a multi-label task the thresholds of all come from valid, and the figure is macro F1,
else it is accuracy. A difference has two intervals: of resampled items, and of resampled projects.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

import codewren
from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.data.load import load_split, load_test_split
from codewren.measure.label_sets import best_thresholds, bits, decide_sets
from codewren.measure.task_quality import logits_predictions, task_probabilities, task_quality
from codewren.train.teachers.logits_file import read_logits

TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[^\s\w]")
WIDTH, EPOCHS, RATE = 128, 12, 5e-3
REGULARISATIONS = (0.3, 1.0, 3.0, 10.0)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Splits:
    """What everything learns from, with labels and the teacher's logits; where it is chosen, and where it is judged."""

    texts: list[str]
    labels: np.ndarray
    logits: np.ndarray
    valid: Dataset
    test: Dataset


def answers(dataset: Dataset, predictions: np.ndarray) -> dict[str, float]:
    """The figures of predictions, by the measures that every run prints."""
    task, labels = dataset.task, np.array(dataset.known_labels())
    shape = (len(labels), len(task.labels))
    certain = bits(predictions, shape[1]).astype(float) if task.is_multi_label else np.eye(shape[1])[predictions]
    found = task_quality(task, labels, certain, predictions=predictions)
    return {measure.name: measure.value for measure in found.measures}


def score(dataset: Dataset, predictions: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Accuracy or macro F1 of predictions, items weighted."""
    truth, weights = np.array(dataset.known_labels()), np.ones(len(dataset)) if weights is None else weights
    if not dataset.task.is_multi_label:
        return float(np.average(truth == predictions, weights=weights))
    are, said = (bits(sets, len(dataset.task.labels)) for sets in (truth, predictions))
    both, either = weights @ (are & said), weights @ (are.astype(float) + said)
    return float(np.mean(2 * both[either > 0] / either[either > 0]))


def words(text: str) -> list[str]:
    """Identifiers, numbers and signs."""
    return TOKEN.findall(text)


def and_pairs(text: str) -> list[str]:
    """Words, and each with its neighbour."""
    found = words(text)
    return found + [f"{one} {other}" for one, other in pairwise(found)]


def decided(valid: Dataset, on_valid: np.ndarray, on_test: np.ndarray) -> np.ndarray:
    """Predictions for test of probabilities (n, C), by thresholds of valid where labels are several."""
    if not valid.task.is_multi_label:
        return on_test.argmax(axis=1)
    return decide_sets(on_test, best_thresholds(np.array(valid.known_labels()), on_valid, "f1"))


def logistic(splits: Splits, labels: np.ndarray, analyzer: Callable[[str], list[str]]) -> tuple[np.ndarray, float]:
    """Predictions of TF-IDF and logistic regression for test, and the C that is best on valid."""
    vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, min_df=1 if analyzer is words else 2)
    known = vectorizer.fit_transform(splits.texts)
    asked = [vectorizer.transform(dataset.functions) for dataset in (splits.valid, splits.test)]
    several, count = splits.test.task.is_multi_label, len(splits.test.task.labels)
    found = []
    for strength in REGULARISATIONS:
        if several:
            model = OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear"))
            model.fit(known, bits(labels, count).astype(int))
        else:
            model = LogisticRegression(C=strength, max_iter=200).fit(known, labels)
        on_valid, on_test = (model.predict_proba(matrix) for matrix in asked)
        reached = score(splits.valid, decided(splits.valid, on_valid, on_valid))
        found.append((reached, strength, decided(splits.valid, on_valid, on_test)))
    _, strength, predictions = max(found, key=lambda one: one[0])
    return predictions, strength


class Static(torch.nn.Module):
    """A vector a word, their mean, a linear map; words that the bytes do not hold share a vector."""

    def __init__(self, texts: list[str], size_bytes: int, labels: int) -> None:
        super().__init__()
        counts: dict[str, int] = {}
        for text in texts:
            for word in words(text):
                counts[word] = counts.get(word, 0) + 1
        self.number_of: dict[str, int] = {}
        self.used = 2 * WIDTH * (labels + 1)
        for word in sorted(counts, key=lambda word: -counts[word]):
            if self.used + 2 * WIDTH + len(word.encode()) + 1 > size_bytes:
                break
            self.used += 2 * WIDTH + len(word.encode()) + 1
            self.number_of[word] = len(self.number_of)
        self.table = torch.nn.EmbeddingBag(len(self.number_of) + 1, WIDTH, mode="mean")
        self.last = torch.nn.Linear(WIDTH, labels)

    def ids(self, texts: list[str]) -> list[torch.Tensor]:
        """Numbers of the words of each text."""
        unknown = len(self.number_of)
        return [torch.tensor([self.number_of.get(w, unknown) for w in words(text)] or [unknown]) for text in texts]

    def forward(self, ids: list[torch.Tensor]) -> torch.Tensor:
        """Logits (n, C)."""
        lengths = torch.tensor([0, *[len(one) for one in ids[:-1]]]).cumsum(0)
        return self.last(self.table(torch.cat(ids), lengths))


def static(splits: Splits, *, size_bytes: int, hard: float, seed: int) -> tuple[np.ndarray, int]:
    """Predictions of a static classifier for test, and its bytes."""
    torch.manual_seed(seed)
    task = splits.test.task
    model = Static(splits.texts, size_bytes, len(task.labels))
    ids, valid, test = (model.ids(list(t)) for t in (splits.texts, splits.valid.functions, splits.test.functions))
    taught = torch.from_numpy(splits.logits)
    taught = taught.sigmoid() if task.is_multi_label else taught.softmax(1)
    known = bits(splits.labels, len(task.labels)) if task.is_multi_label else np.eye(len(task.labels))[splits.labels]
    aims = (1 - hard) * taught + hard * torch.from_numpy(known.astype(np.float32))
    of = torch.nn.functional
    loss = of.binary_cross_entropy_with_logits if task.is_multi_label else of.cross_entropy
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    rng, best = np.random.default_rng(seed), (-1.0, np.empty(0, dtype=np.int64))
    for _ in range(EPOCHS):
        order = rng.permutation(len(ids))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            optimizer.zero_grad()
            loss(model([ids[i] for i in batch]), aims[batch]).backward()
            optimizer.step()
        with torch.inference_mode():
            on_valid, on_test = (task_probabilities(task, model(one).double().numpy()) for one in (valid, test))
        reached = score(splits.valid, decided(splits.valid, on_valid, on_valid))
        best = max(best, (reached, decided(splits.valid, on_valid, on_test)), key=lambda one: one[0])
    return best[1], model.used


def difference(test: Dataset, ours: list[np.ndarray], theirs: list[np.ndarray], groups: list[str]) -> str:
    """How far we are above them, the mean of our seeds and of theirs, with 95 % intervals."""

    def above(weights: np.ndarray) -> float:
        return float(np.mean([score(test, one, weights) for one in ours])) - float(
            np.mean([score(test, one, weights) for one in theirs])
        )

    rng, count = np.random.default_rng(0), len(test)
    names, numbers = np.unique(groups, return_inverse=True)
    items = [np.bincount(rng.integers(0, count, count), minlength=count).astype(float) for _ in range(RESAMPLES)]
    drawn = (rng.integers(0, len(names), len(names)) for _ in range(RESAMPLES))
    projects = [np.bincount(draw, minlength=len(names)).astype(float)[numbers] for draw in drawn]
    spans = [
        "[{:+.4f}, {:+.4f}]".format(*np.quantile([above(w) for w in kind], (0.025, 0.975)))
        for kind in (items, projects)
    ]
    return f"{above(np.ones(count)):+.4f} {spans[0]}, projects {spans[1]}"


def opened(recipe: Recipe, run: Path) -> Splits:
    """The splits of a recipe, with the logits that its run has."""
    learnt = [load_split(recipe, name) for name in ("labelled", "unlabelled")]
    logits = [read_logits(run / f"logits-{split.split}.npz", split) for split in learnt]
    labels = np.array([label for split in learnt for label in split.known_labels()])
    texts = [text for split in learnt for text in split.functions]
    return Splits(texts, labels, np.concatenate(logits), load_split(recipe, "valid"), load_test_split(recipe))


def made(recipe: Recipe, split: str) -> np.ndarray:
    """The teacher's logits as its maker feeds it, columns as the recipe has them."""
    folder = recipe.folder / recipe.teacher.path
    names = list(json.loads((folder / "config.json").read_text())["id2label"].values())
    return np.load(folder / f"maker-{split}.npy")[:, [names.index(label) for label in recipe.task.labels]]


def main() -> None:
    """Print and keep the table."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    recipe, run = Recipe.load(Path(sys.argv[1])), Path(sys.argv[2])
    bundles = sorted(run.glob("seed-*/student.wren")) or [run / "student.wren"]
    splits = opened(recipe, bundles[0].parent)
    task, test = recipe.task, splits.test
    on_valid, on_test = (task_probabilities(task, made(recipe, split).astype(float)) for split in ("valid", "test"))
    found = {"teacher": [decided(splits.valid, on_valid, on_test)]}
    students = [codewren.load(bundle) for bundle in bundles]
    found["student"] = [np.array([int(x) for x in one.predict(test.sources())]) for one in students]
    for name, labels, analyzer in (
        ("words, true labels", splits.labels, words),
        ("words and pairs, true labels", splits.labels, and_pairs),
        ("words, teacher's answers", logits_predictions(task, splits.logits), words),
    ):
        predictions, strength = logistic(splits, labels, analyzer)
        found[f"{name}, C = {strength:g}"] = [predictions]
    size, hard = int(np.mean([bundle.stat().st_size for bundle in bundles])), recipe.distil.hard_label_weight
    statics = [static(splits, size_bytes=10 * size, hard=hard, seed=seed) for seed in range(3)]
    found["static, ten times the bytes"] = [predictions for predictions, _ in statics]
    print(f"student {size:,} bytes, static classifier {statics[0][1]:,} bytes, n = {len(test):,}")
    rows = {name: [answers(test, one) for one in predictions] for name, predictions in found.items()}
    file = recipe.folder / recipe.data.root / "test.jsonl"
    groups = [json.loads(line)["project"] for line in file.read_text(encoding="utf-8").splitlines()]
    several = ("f1_macro", "f1_micro", "label_accuracy", "accuracy")
    for name, figures in rows.items():
        cells = []
        for measure in several if task.is_multi_label else ("accuracy", "f1_macro"):
            values = [one[measure] for one in figures]
            cells.append(f"{measure} {np.mean(values):.4f} ({' '.join(f'{value:.4f}' for value in values)})")
        print(f"{name:36} {'  '.join(cells)}")
    others = {name: theirs for name, theirs in found.items() if name != "student"}
    above = {name: difference(test, found["student"], theirs, groups) for name, theirs in others.items()}
    for name, text in above.items():
        print(f"student above {name:36} {text}")
    (run / "compared.json").write_text(json.dumps({"bytes": size, "rows": rows, "above": above}, indent=1))


if __name__ == "__main__":
    main()
