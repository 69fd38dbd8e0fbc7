"""A student from a few dozen labelled functions: words learn the labels, and teach the student on unlabelled code.

With so few rows no split can be spared for a test, so everything is cross-validated: the whole way, words and student,
is gone once for each fold without the rows it is judged on, and once more with all rows for the file that is kept.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.compress.run import Run
from codewren.compress.stage_distil import distil_student
from codewren.compress.stage_export import export_student
from codewren.compress.stage_label import label_splits
from codewren.core.errors import InputError
from codewren.core.files import write_json
from codewren.core.progress import Bar
from codewren.core.recipe import Recipe
from codewren.data.readers import read_rows, spelling
from codewren.draft.columns import is_several
from codewren.measure.fidelity import wilson
from codewren.measure.intervals import mcnemar
from codewren.predict.predictor import load
from codewren.train.teachers.ngrams import TOKEN

FOLDS = 5
LEAST_OF_A_LABEL = 5
MOST_LABELS = 50
LEAST_STEPS = 400
"""Of a training, whatever the rows."""
DOUBT = 0.05
"""Above this p-value of McNemar's test two judges count as equal."""
MARGIN = 4.0
"""Between the logits of a labelled row: 98 % for its label."""
STUDENT = {
    "tokenizer": "word",
    "vocab_size": 4000,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "max_sequence_length": 256,
    "learning_rate": 2e-3,
    "batch_size": 16,
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is taught.

    Attributes:
        texts: the labelled functions, each once.
        labels: of each its label's name.
        unlabelled: functions to carry over to the student what words have learnt.
        language: of all of them, or None.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()
    language: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The labels, the commonest first: the last one is what a scan reports."""
        return tuple(name for name, _ in sorted(Counter(self.labels).items(), key=lambda pair: (-pair[1], pair[0])))

    def folds(self) -> list[list[int]]:
        """Indices of each fold; labels are spread evenly, by the hash of the texts."""
        folds: list[list[int]] = [[] for _ in range(FOLDS)]
        for place, index in enumerate(_by_label_and_hash(self.texts, self.labels)):
            folds[place % FOLDS].append(index)
        return folds

    def without(self, left_out: Sequence[int]) -> "Lesson":
        """The same with fewer labelled functions."""
        rest = [index for index in range(len(self.texts)) if index not in set(left_out)]
        texts, labels = (tuple(column[index] for index in rest) for column in (self.texts, self.labels))
        return Lesson(texts, labels, self.unlabelled, self.language)


@dataclass(frozen=True, slots=True)
class Taught:
    """What came of it.

    Attributes:
        bundle: the student's file.
        table: how many rows words and student judge rightly that they have not seen, and what they are worth.
    """

    bundle: Path
    table: str


def read_lesson(path: Path, *, code: str, label: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Functions and labels of a CSV, TSV, JSONL or Parquet file; a function that is there twice counts once.

    Raises:
        InputError: no such column, an empty cell, one function with two labels, or too few rows of a label.
    """
    label_of: dict[str, str] = {}
    for row in read_rows(path):
        text, value = row.text(code), row.value(label)
        if is_several(value):
            raise InputError(
                f"{row.position}: {value!r:.60} names several labels, teach wants one a function; use codewren "
                "init --hold-out 0.2 and codewren compress, where words teach several"
            )
        name = spelling(value)
        if not name:
            raise InputError(f"{row.position}: column {label!r} is empty; drop the row, or pass it as unlabelled code")
        if label_of.setdefault(text, name) != name:
            raise InputError(f"{row.position}: the same function is {label_of[text]!r} elsewhere and {name!r} here")
    counts = Counter(label_of.values())
    rare = [name for name, count in counts.items() if count < LEAST_OF_A_LABEL]
    if not 2 <= len(counts) <= MOST_LABELS or rare:
        found = ", ".join(f"{name} {count}" for name, count in counts.most_common(6))
        raise InputError(
            f"{path}: {len(label_of)} functions ({found}); wanted 2 to {MOST_LABELS} labels with at least "
            f"{LEAST_OF_A_LABEL} different functions each"
        )
    return tuple(label_of), tuple(label_of.values())


def teach(lesson: Lesson, out: Path, *, quiet: bool = False) -> Taught:
    """Train and judge a student for each fold, then one on all rows; a broken call goes on where it stopped.

    Raises:
        CodewrenError: a stage's own error.
    """
    truth = np.asarray([lesson.names.index(name) for name in lesson.labels])
    by_words, by_student = np.empty_like(truth), np.empty_like(truth)
    with Bar("teach and judge", FOLDS + 1, quiet=quiet) as bar:
        for number, fold in enumerate(lesson.folds()):
            rest = lesson.without(fold)
            shown = [lesson.texts[index] for index in fold]
            by_words[fold] = Words.fit(rest.texts, rest.labels, lesson.names).log_probabilities(shown).argmax(axis=1)
            student = load(_trained(rest, lesson.names, out / f"fold-{number}"))
            by_student[fold] = [int(label) for label in student.predict(shown)]
            bar.advance()
        bundle = _trained(lesson, lesson.names, out)
        bar.advance()
    table = _table(lesson, truth, by_words, by_student, bundle)
    write_json(out / "teach.json", {"rows": len(truth), "folds": FOLDS, "table": table.splitlines()})
    return Taught(bundle, table)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """TF-IDF and logistic regression."""

    vectorizer: Any
    model: Any

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str], names: Sequence[str]) -> "Words":
        """Learn labelled functions; columns in the order of `names`."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        vectorizer = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, ngram_range=(1, 2))
        features = vectorizer.fit_transform(_cut(texts))
        return cls(vectorizer, LogisticRegression(C=10.0, max_iter=500).fit(features, [names.index(x) for x in labels]))

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, C), each function by itself."""
        found: NDArray[np.float64] = self.model.predict_log_proba(self.vectorizer.transform(_cut(texts)))
        return found


def _cut(texts: Sequence[str]) -> list[str]:
    return [" ".join(TOKEN.findall(text)) for text in texts]


def _by_label_and_hash(texts: Sequence[str], labels: Sequence[str]) -> list[int]:
    """Indices, label by label, in an order that only the texts decide."""
    return sorted(range(len(texts)), key=lambda i: (labels[i], hashlib.sha256(texts[i].encode()).digest()))


def _trained(lesson: Lesson, names: tuple[str, ...], out: Path) -> Path:
    """The bundle of a student; every fifth labelled function picks the epoch, the others and the unlabelled teach."""
    order = _by_label_and_hash(lesson.texts, lesson.labels)
    picking = order[2::FOLDS]
    taught = [index for index in order if index not in set(picking)]
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "valid.jsonl", [(lesson.texts[i], lesson.labels[i]) for i in picking])
    _write(out / "labelled.jsonl", [(lesson.texts[i], lesson.labels[i]) for i in taught])
    if lesson.unlabelled:
        _write(out / "unlabelled.jsonl", [(text, None) for text in lesson.unlabelled])
        known = Words.fit([lesson.texts[i] for i in taught], [lesson.labels[i] for i in taught], names)
        np.save(out / "words.npy", known.log_probabilities(lesson.unlabelled).astype(np.float32))
    run = Run.start(_recipe(lesson, names, out, len(taught)), out, quiet=True)
    label_splits(run)
    return export_student(run, distil_student(run, run.recipe.student))


def _write(path: Path, rows: Sequence[tuple[str, str | None]]) -> None:
    lines = [json.dumps({"idx": number, "func": text, "label": label}) for number, (text, label) in enumerate(rows)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _recipe(lesson: Lesson, names: tuple[str, ...], out: Path, labelled: int) -> Recipe:
    splits = ["labelled", *["unlabelled"] * bool(lesson.unlabelled)]
    steps = -(-(labelled + len(lesson.unlabelled)) // int(str(STUDENT["batch_size"])))
    task = {"name": "own", "unit": "function", "labels": list(names), "positive": names[-1]}
    return Recipe.from_dict(
        {
            "task": task | ({"language": lesson.language} if lesson.language else {}),
            "data": {"root": str(out.resolve()), **{name: {"path": f"{name}.jsonl"} for name in (*splits, "valid")}},
            "teacher": {"kind": "logits", "path": "words.npy", "label_margin": MARGIN},
            "search": {"strategy": "fixed"},
            "student": STUDENT,
            "distil": {"train_on": splits, "epochs": max(3, -(-LEAST_STEPS // steps))},
        }
    )


def _table(
    lesson: Lesson, truth: NDArray[np.int64], words: NDArray[np.int64], student: NDArray[np.int64], bundle: Path
) -> str:
    """Accuracy of all that judged, and a warning where the student is not worth its bytes."""
    judges = {"always " + lesson.names[0]: np.zeros_like(truth), "words alone": words, "student": student}
    lines = [f"{len(truth)} labelled functions, each judged once by what had not seen it ({FOLDS} folds)"]
    for name, predicted in judges.items():
        measure = wilson(name, int((predicted == truth).sum()), len(truth))
        lines.append(f"  {name:<24} {measure.value:.3f}  [{measure.low:.3f}, {measure.high:.3f}]")
    lines.append(f"  {bundle} takes {bundle.stat().st_size:,} bytes")
    return "\n".join([*lines, *_warnings(lesson, truth, words, student)])


def _warnings(
    lesson: Lesson, truth: NDArray[np.int64], words: NDArray[np.int64], student: NDArray[np.int64]
) -> list[str]:
    right = {"words": int((words == truth).sum()), "student": int((student == truth).sum())}
    found = []
    if mcnemar(truth, student, np.zeros_like(truth)).p_value > DOUBT or right["student"] <= (truth == 0).sum():
        found.append(f"warning: these rows do not show that the student knows more than to say {lesson.names[0]}")
    if right["student"] <= right["words"]:
        found.append("warning: the student is no better than words; its gain is only that it is one file that scans")
    if found and not lesson.unlabelled:
        found.append("hint: name source folders behind the file, whose functions need no labels")
    return found


def distinct(texts: Sequence[str], known: Sequence[str], most: int) -> tuple[str, ...]:
    """The first functions of `texts` that are not among the labelled ones but for layout."""
    seen = {"".join(text.split()) for text in known}
    chosen: dict[str, str] = defaultdict(str)
    for text in texts:
        key = "".join(text.split())
        if key not in seen and len(chosen) < most:
            chosen.setdefault(key, text)
    return tuple(chosen.values())
