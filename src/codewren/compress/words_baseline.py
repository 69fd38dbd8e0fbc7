"""What words alone reach on the validation split: the least that a student must beat, said in every run."""

import hashlib
import random
import sys
from typing import Any

import numpy as np

from codewren.compress.run import Run
from codewren.core.dataset import Dataset
from codewren.core.files import read_json, write_json
from codewren.core.run_folder import WORDS
from codewren.core.task import Task
from codewren.measure.intervals import Floats, Ints
from codewren.measure.label_sets import bits
from codewren.measure.quality import Quality
from codewren.measure.task_quality import task_quality
from codewren.train.teachers.ngrams import TOKEN

MOST_ITEMS = 5_000
"""Items learnt from at most, so that it costs seconds."""
WORDS_ALGORITHM = 2  # raise it when the same data would give other figures


def report_words(run: Run) -> None:
    """Write `words.json` and print its line; says why where nothing can be learnt."""
    sources = [
        run.dataset(split) for split in dict.fromkeys(("labelled", *run.recipe.distil.train_on)) if run.has(split)
    ]
    valid, path = run.dataset("valid"), run.path(WORDS)
    key = hashlib.sha256(
        repr([WORDS_ALGORITHM, *((dataset.sha256(), dataset.labels) for dataset in (*sources, valid))]).encode()
    ).hexdigest()
    known = read_json(path) if path.exists() else {}
    if known.get("key") != key:
        known = {"key": key, **_judged(sources, valid)}
        write_json(path, known)
    if not run.quiet:
        print(known["line"], file=sys.stderr)


def words_quality(run: Run) -> Quality | None:
    """What `report_words` found, for the run's table; None where nothing could be learnt."""
    path = run.path(WORDS)
    plain = read_json(path).get("quality") if path.exists() else None
    return None if plain is None else Quality.from_dict(plain)


def _judged(sources: list[Dataset], valid: Dataset) -> dict[str, Any]:
    taught = [
        (dataset, index) for dataset in sources for index, label in enumerate(dataset.labels) if label is not None
    ]
    taught = random.Random(0).sample(taught, min(MOST_ITEMS, len(taught)))
    labels = np.asarray([dataset.labels[index] for dataset, index in taught], dtype=np.int64)
    judged = [index for index, label in enumerate(valid.labels) if label is not None]
    if len(set(labels.tolist())) < 2 or not judged:
        return {"line": "words alone: no labels to learn from, so what they reach is not known", "quality": None}
    truth = np.asarray([valid.labels[index] for index in judged], dtype=np.int64)
    probabilities = _fitted(
        [_texts(d, i) for d, i in taught], labels, [_texts(valid, i) for i in judged], task=valid.task
    )
    found = task_quality(valid.task, truth, probabilities)
    figures = [("accuracy", "accuracy"), *([("f1_macro", "macro F1")] if valid.task.is_multi_label else [])]
    reached = ", ".join(f"{name} {found[measure].value:.2f}" for measure, name in figures)
    line = f"words alone on valid: {reached}, majority {found.majority.value:.2f} "
    return {"line": f"{line}(logistic regression, {len(taught):,} items)", "quality": found.to_dict()}


def _texts(dataset: Dataset, index: int) -> list[str]:
    return [" ".join(TOKEN.findall(dataset.functions[function])) for function in dataset.items[index]]


def _fitted(train: list[list[str]], labels: Ints, test: list[list[str]], *, task: Task) -> Floats:
    """Probabilities (n, C): TF-IDF of words; of a pair how much its functions share, word by word."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True).fit([t for texts in train for t in texts])

    def features(items: list[list[str]]) -> Any:
        sides = [vectorizer.transform([texts[side] for texts in items]) for side in range(len(items[0]))]
        if len(sides) == 1:
            return sides[0]
        shared = sides[0].multiply(sides[1])
        return sparse.hstack([abs(sides[0] - sides[1]), shared, shared.sum(axis=1)]).tocsr()

    known, asked, count = features(train), features(test), len(task.labels)
    if not task.is_multi_label:
        return _regression(known, labels, asked, count)
    return np.stack(
        [_regression(known, truth_N.astype(np.int64), asked, 2)[:, 1] for truth_N in bits(labels, count).T], axis=1
    )


def _regression(known: Any, labels: Ints, asked: Any, count: int) -> Floats:
    """Probabilities (n, count) by logistic regression; where all items have one label that one is certain."""
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((asked.shape[0], count))
    if len(set(labels.tolist())) < 2:
        found[:, labels[0]] = 1.0
        return found
    model = LogisticRegression(C=10.0, max_iter=200).fit(known, labels)
    found[:, model.classes_] = model.predict_proba(asked)
    return found
