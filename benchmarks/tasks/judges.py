"""2,000 judgements by two simulated judges, and how often a student of them agrees with a judge.

    python benchmarks/tasks/judges.py write runs/tasks/projects runs/tasks/judged-data
    codewren compress benchmarks/tasks/judged.toml --out runs/tasks/judged
    codewren compress benchmarks/tasks/judged-words.toml --out runs/tasks/judged-words
    python benchmarks/tasks/judges.py compare runs/tasks/judged runs/tasks/projects
    python benchmarks/tasks/judges.py compare runs/tasks/judged-words runs/tasks/projects

No person and no language model judged anything here. A judge is words with logistic regression that learnt a third of
the functions of `unlabelled`, other ones than its fellows; it says the label it finds likeliest, how sure it is, and
"unsure" below one half. Its errors come of the code, as people's habits do, and no average removes them. Of the 2,000
functions of `labelled` each is judged once, by the judges in turn; those of `valid` by both. No true label is in the
folder that the student learns from: what stands there as a function's label is the surest judge's, or nothing where
all are unsure (such functions are left out of `valid`). On `test` the share of functions on which two judges agree is
set beside that on which the student agrees with a judge, also with a third whom it never met, and beside words that
learnt the same judgements. In the second run words learn the sure judgements, outside codewren, and their
logits teach the student, also on 4,434 functions that nobody judged surely.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from compared import words
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import codewren
from codewren.core.recipe import Recipe
from codewren.measure.intervals import clopper_pearson

RECIPE = Path(__file__).with_name("projects.toml")
LABELS = Recipe.load(RECIPE).task.labels
JUDGES, SURE = 3, 0.5


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def learnt(texts: list[str], labels: list[str], asked: list[str]) -> np.ndarray:
    """Probabilities (n, C) of words that learnt some functions."""
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    model = LogisticRegression(C=10.0, max_iter=200).fit(vectorizer.fit_transform(texts), labels)
    assert tuple(model.classes_) == LABELS
    return model.predict_proba(vectorizer.transform(asked))


def out_of_fold(texts: list[str], labels: list[str]) -> np.ndarray:
    """Probabilities (n, C) of words that learnt the other four fifths."""
    found = np.zeros((len(texts), len(LABELS)))
    for fold in range(5):
        others = [at for at in range(len(texts)) if at % 5 != fold]
        found[fold::5] = learnt([texts[at] for at in others], [labels[at] for at in others], texts[fold::5])
    return found


def write_logits(out: Path, split: str, probabilities: np.ndarray) -> None:
    """A file of logits, as a recipe wants it."""
    np.save(out / f"words-{split}.npy", np.log(np.clip(probabilities, 1e-7, 1)).astype(np.float32))


def judge(number: int, data: Path, rows: list[dict[str, Any]]) -> np.ndarray:
    """Probabilities (n, C) by one judge."""
    own = read(data / "unlabelled.jsonl")[number::JUDGES]
    return learnt([row["func"] for row in own], [row["label"] for row in own], [row["func"] for row in rows])


def said(name: str, number: int, probabilities: np.ndarray) -> dict[str, Any]:
    """A judge's line on a function."""
    line: dict[str, Any] = {"id": name, "judge": f"judge {number + 1}"}
    sure = float(probabilities.max())
    if sure < SURE:
        return line | {"label": "unsure"}
    return line | {"label": LABELS[int(probabilities.argmax())], "confidence": round(sure, 2)}


def write(data: Path, out: Path) -> None:
    """Both splits and what the judges say of them."""
    for split in ("labelled", "valid"):
        rows = read(data / f"{split}.jsonl")
        found = [judge(number, data, rows) for number in (0, 1)]
        lines = [
            [said(row["id"], number, found[number][at]) for number in ((at % 2,) if split == "labelled" else (0, 1))]
            for at, row in enumerate(rows)
        ]
        labels = [max(some, key=lambda line: line.get("confidence", 0.0))["label"] for some in lines]
        kept = [at for at, label in enumerate(labels) if split == "labelled" or label != "unsure"]
        lines, rows, labels = [lines[at] for at in kept], [rows[at] for at in kept], [labels[at] for at in kept]
        write_rows(out / f"judgements-{split}.jsonl", (line for some in lines for line in some))
        write_rows(
            out / f"{split}.jsonl",
            (
                {"id": row["id"], "func": row["func"], "label": None if label == "unsure" else label}
                for row, label in zip(rows, labels, strict=True)
            ),
        )
        if split == "labelled":
            sure = [(row, label) for row, label in zip(rows, labels, strict=True) if label != "unsure"]
            write_rows(out / "sure.jsonl", ({"id": r["id"], "func": r["func"], "label": label} for r, label in sure))
            others = [row for row, label in zip(rows, labels, strict=True) if label == "unsure"]
            others += read(data / "unlabelled.jsonl")
            write_rows(out / "unlabelled.jsonl", ({"id": row["id"], "func": row["func"]} for row in others))
            taught = ([row["func"] for row, _ in sure], [label for _, label in sure])
            write_logits(out, "labelled", out_of_fold(*taught))
            write_logits(out, "unlabelled", learnt(*taught, [row["func"] for row in others]))
        else:
            write_logits(out, split, learnt(*taught, [row["func"] for row in rows]))
        unsure = sum(line["label"] == "unsure" for some in lines for line in some)
        print(f"{split}: {sum(map(len, lines)):,} judgements of {len(rows):,} functions, {unsure:,} unsure")


def compare(run: Path, data: Path) -> None:
    """Agreement on the test split."""
    rows = read(data / "test.jsonl")
    answers = [judge(number, data, rows).argmax(1) for number in range(JUDGES)]
    first, second, third = answers
    truth = np.array([LABELS.index(row["label"]) for row in rows])
    student = codewren.load(run / "student.wren")
    contestants = {"the student": np.array([int(answer) for answer in student.predict([row["func"] for row in rows])])}
    taught = [row for row in read(data.parent / "judged-data" / "labelled.jsonl") if row["label"]]
    texts, labels = [row["func"] for row in taught], [row["label"] for row in taught]
    contestants["words of the same judgements"] = learnt(texts, labels, [row["func"] for row in rows]).argmax(1)
    contestants["always the commonest label"] = np.full(len(rows), np.bincount(truth).argmax())
    alike = first == second
    print(f"n = {len(rows):,}; judges 1 and 2 agree in {share(alike)}, each with judge 3 in", end=" ")
    print(f"{((first == third).mean() + (second == third).mean()) / 2:.4f}; right {share(first == truth)}")
    for name, found in contestants.items():
        known = ((found == first).mean() + (found == second).mean()) / 2
        print(
            f"{name}: agrees with judge 1 or 2 in {known:.4f}, with judge 3 in {(found == third).mean():.4f}; ", end=""
        )
        print(f"right {share(found == truth)}")
    print(f"{(run / 'student.wren').stat().st_size:,} bytes")


def share(hits: np.ndarray) -> str:
    """A share with its 95 % interval."""
    low, high = clopper_pearson(int(hits.sum()), len(hits))
    return f"{hits.mean():.4f} [{low:.4f}, {high:.4f}]"


def main() -> None:
    """Write or compare."""
    if len(sys.argv) != 4 or sys.argv[1] not in ("write", "compare"):
        sys.exit(__doc__)
    write(Path(sys.argv[2]), Path(sys.argv[3])) if sys.argv[1] == "write" else compare(
        Path(sys.argv[2]), Path(sys.argv[3])
    )


if __name__ == "__main__":
    main()
