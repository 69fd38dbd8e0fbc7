"""What words alone reach on the validation split: the least that a student must beat, said in every run."""

import hashlib
import random
import sys
from collections import Counter
from typing import Any

import numpy as np

from codewren.compress.run import Run
from codewren.core.dataset import Dataset
from codewren.core.files import read_json, write_json
from codewren.core.run_folder import WORDS
from codewren.train.teachers.ngrams import TOKEN

MOST_ITEMS = 5_000
"""Items learnt from at most, so that it costs seconds."""


def report_words(run: Run) -> None:
    """Write `words.json` and print its line; says why where nothing can be learnt."""
    sources = [
        run.dataset(split) for split in dict.fromkeys(("labelled", *run.recipe.distil.train_on)) if run.has(split)
    ]
    valid, path = run.dataset("valid"), run.path(WORDS)
    key = hashlib.sha256(
        repr([(dataset.sha256(), dataset.labels) for dataset in (*sources, valid)]).encode()
    ).hexdigest()
    known = read_json(path) if path.exists() else {}
    if known.get("key") != key:
        known = {"key": key, "line": _line(sources, valid)}
        write_json(path, known)
    if not run.quiet:
        print(known["line"], file=sys.stderr)


def _line(sources: list[Dataset], valid: Dataset) -> str:
    taught = [
        (dataset, index) for dataset in sources for index, label in enumerate(dataset.labels) if label is not None
    ]
    taught = random.Random(0).sample(taught, min(MOST_ITEMS, len(taught)))
    labels = [dataset.labels[index] for dataset, index in taught]
    judged = [index for index, label in enumerate(valid.labels) if label is not None]
    if len(set(labels)) < 2 or not judged:
        return "words alone: no labels to learn from, so what they reach is not known"
    truth = np.asarray([valid.labels[index] for index in judged])
    majority = max(Counter(truth.tolist()).values()) / len(truth)
    predicted = _fitted([_texts(d, i) for d, i in taught], labels, [_texts(valid, i) for i in judged])
    accuracy = float((predicted == truth).mean())
    return (
        f"words alone on valid: accuracy {accuracy:.2f}, majority {majority:.2f} "
        f"(logistic regression, {len(taught):,} items)"
    )


def _texts(dataset: Dataset, index: int) -> list[str]:
    return [" ".join(TOKEN.findall(dataset.functions[function])) for function in dataset.items[index]]


def _fitted(train: list[list[str]], labels: list[int | None], test: list[list[str]]) -> Any:
    """Predicted labels (n,): TF-IDF of words; of a pair how much its functions share, word by word."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True).fit([t for texts in train for t in texts])

    def features(items: list[list[str]]) -> Any:
        sides = [vectorizer.transform([texts[side] for texts in items]) for side in range(len(items[0]))]
        if len(sides) == 1:
            return sides[0]
        shared = sides[0].multiply(sides[1])
        return sparse.hstack([abs(sides[0] - sides[1]), shared, shared.sum(axis=1)]).tocsr()

    model = LogisticRegression(C=10.0, max_iter=200).fit(features(train), labels)
    return model.predict(features(test))
