"""A student beside its teacher, words with logistic regression, and a static classifier of ten times its bytes.

    python benchmarks/tasks/compared.py benchmarks/tasks/families.toml runs/tasks/families-run

The run was made by `codewren compress RECIPE --out RUN --seeds 3`. All are judged on the test split. Words learn
the true labels of all that the student learns from (it sees them too: `hard_label_weight`), and once more the teacher's
answers. The static
classifier is model2vec's kind: a vector a word, their mean, a linear map; it learns what the student learns, from the
same logits, with three seeds, and its float16 table is as large as ten students. Of a multi-label task the figure is
macro F1 at one half for all but the student, whose thresholds come with it; else accuracy.
"""

import json
import re
import sys
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
from codewren.measure.label_sets import bits
from codewren.measure.task_quality import logits_predictions, task_quality
from codewren.train.teachers.logits_file import read_logits

TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[^\s\w]")
WIDTH, EPOCHS, RATE = 128, 12, 5e-3


def answers(dataset: Dataset, predictions: np.ndarray) -> dict[str, float]:
    """The figures of predictions, by the measures that every run prints."""
    task, labels = dataset.task, np.array(dataset.known_labels())
    shape = (len(labels), len(task.labels))
    certain = bits(predictions, shape[1]).astype(float) if task.is_multi_label else np.eye(shape[1])[predictions]
    found = task_quality(task, labels, certain, predictions=predictions)
    return {measure.name: measure.value for measure in found.measures}


def words(text: str) -> list[str]:
    """Identifiers, numbers and signs."""
    return TOKEN.findall(text)


def logistic(texts: list[str], labels: np.ndarray, test: Dataset) -> np.ndarray:
    """Predictions of TF-IDF and logistic regression."""
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    known, asked = vectorizer.fit_transform(texts), vectorizer.transform(test.functions)
    model = LogisticRegression(C=10.0, max_iter=200)
    if not test.task.is_multi_label:
        return model.fit(known, labels).predict(asked)
    truth = bits(labels, len(test.task.labels)).astype(int)
    return (OneVsRestClassifier(model).fit(known, truth).predict(asked) << np.arange(truth.shape[1])).sum(1)


def static(
    texts: list[str], logits: np.ndarray, test: Dataset, *, size_bytes: int, seed: int
) -> tuple[np.ndarray, int]:
    """Predictions of a static classifier taught by logits, and its bytes: a table of float16, its words and the map."""
    torch.manual_seed(seed)
    counts: dict[str, int] = {}
    for text in texts:
        for word in words(text):
            counts[word] = counts.get(word, 0) + 1
    common = sorted(counts, key=lambda word: -counts[word])
    kept, used = [], 0
    for word in common:
        used += 2 * WIDTH + len(word.encode()) + 1
        if used > size_bytes:
            break
        kept.append(word)
    used = sum(2 * WIDTH + len(word.encode()) + 1 for word in kept)
    index_of = {word: number for number, word in enumerate(kept)}
    table = torch.nn.EmbeddingBag(len(kept) + 1, WIDTH, mode="mean")
    last = torch.nn.Linear(WIDTH, logits.shape[1])
    ids = [torch.tensor([index_of.get(word, len(kept)) for word in words(text)] or [len(kept)]) for text in texts]
    taught = torch.from_numpy(logits)
    optimizer = torch.optim.Adam([*table.parameters(), *last.parameters()], lr=RATE)
    rng = np.random.default_rng(seed)
    several = test.task.is_multi_label
    for _ in range(EPOCHS):
        order = rng.permutation(len(ids))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            lengths = torch.tensor([0, *[len(ids[i]) for i in batch[:-1]]]).cumsum(0)
            found = last(table(torch.cat([ids[i] for i in batch]), lengths))
            if several:
                loss = torch.nn.functional.binary_cross_entropy_with_logits(found, taught[batch].sigmoid())
            else:
                loss = torch.nn.functional.cross_entropy(found, taught[batch].softmax(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.inference_mode():
        asked = [torch.tensor([index_of.get(w, len(kept)) for w in words(t)] or [len(kept)]) for t in test.functions]
        out = torch.cat([last(table(one[None])) for one in asked]).numpy()
    return logits_predictions(test.task, out), used


def main() -> None:
    """Print and keep the table."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    recipe, run = Recipe.load(Path(sys.argv[1])), Path(sys.argv[2])
    test, labelled, unlabelled = (
        load_test_split(recipe),
        load_split(recipe, "labelled"),
        load_split(recipe, "unlabelled"),
    )
    maker = np.load(recipe.folder / recipe.teacher.path / "maker-test.npy")
    names = json.loads((recipe.folder / recipe.teacher.path / "config.json").read_text())["id2label"]
    order = [list(names.values()).index(label) for label in recipe.task.labels]
    rows = {"teacher": [answers(test, logits_predictions(recipe.task, maker[:, order]))]}
    bundles = sorted(run.glob("seed-*/student.wren")) or [run / "student.wren"]
    students = [codewren.load(bundle) for bundle in bundles]
    rows["student"] = [answers(test, np.array([int(x) for x in one.predict(test.sources())])) for one in students]
    size = int(np.mean([bundle.stat().st_size for bundle in bundles]))
    logits = [read_logits(bundles[0].parent / f"logits-{split.split}.npz", split) for split in (labelled, unlabelled)]
    texts = [*labelled.functions, *unlabelled.functions]
    known = np.array([*labelled.known_labels(), *unlabelled.known_labels()])
    rows["words, true labels"] = [answers(test, logistic(texts, known, test))]
    taught = logits_predictions(recipe.task, np.concatenate(logits))
    rows["words, teacher's answers"] = [answers(test, logistic(texts, taught, test))]
    found = [static(texts, np.concatenate(logits), test, size_bytes=10 * size, seed=seed) for seed in range(3)]
    rows["static, ten times the bytes"] = [answers(test, predictions) for predictions, _ in found]
    shown = (
        ("f1_macro", "f1_micro", "label_accuracy", "accuracy")
        if recipe.task.is_multi_label
        else ("accuracy", "f1_macro")
    )
    print(f"student {size:,} bytes, static classifier {found[0][1]:,} bytes, n = {len(test):,}")
    for name, figures in rows.items():
        cells = []
        for measure in shown:
            values = [one[measure] for one in figures]
            cells.append(f"{measure} {np.mean(values):.4f} ({' '.join(f'{value:.4f}' for value in values)})")
        print(f"{name:28} {'  '.join(cells)}")
    (run / "compared.json").write_text(json.dumps({"bytes": size, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
