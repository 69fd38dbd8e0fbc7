"""What the teacher's logits are worth on labelled items: printed by `label`, kept as `teacher-check.json`.

One line would have shown misaligned rows, exchanged columns, or text fed in another form than the teacher's own.
"""

import hashlib
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.files import read_json, write_json
from codewren.core.run_folder import TEACHER_CHECK
from codewren.measure.intervals import mcnemar
from codewren.measure.label_sets import bits
from codewren.measure.task_quality import logits_predictions
from codewren.train.teachers.labelling import logits_path
from codewren.train.teachers.logits_file import Logits, read_logits
from codewren.train.teachers.network import NetworkTeacher
from codewren.train.teachers.teacher import Teacher

SAMPLE = 200
"""Labelled items that are judged in the other text form as well."""
DOUBT = 0.05
"""A McNemar p below it is worth a warning; sampled accuracies differ by chance."""

COMMON = 0.95
"""A label of more than this share is what a good teacher of a rare one says nearly always, too."""


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """The teacher on the labelled items of one split.

    Attributes:
        split: its name.
        accuracy: share of items whose largest logit is the label's.
        majority: share of the commonest label.
        recall: mean over the labels that occur of the share of their items that the teacher calls so.
        luck: two standard deviations of `recall` of a teacher that knows nothing.
        items: items with a label.
        of: what `accuracy` and `majority` are shares of, where that is not the items.
    """

    split: str
    accuracy: float
    majority: float
    recall: float
    luck: float
    items: int
    of: str = ""

    def line(self) -> str:
        """What `label` prints."""
        of = f" of {self.of}" if self.of else ""
        return f"teacher on {self.split}: accuracy{of} {self.accuracy:.2f}, majority {self.majority:.2f}"


@dataclass(frozen=True, slots=True)
class FormCheck:
    """The teacher on a sample of labelled items, in its own text form and in the other one."""

    whitespace: str
    other: str
    accuracy: float
    accuracy_other: float
    p_value: float
    items: int

    def warning(self) -> str | None:
        """One line where the other form does clearly better."""
        if self.accuracy_other <= self.accuracy or self.p_value >= DOUBT:
            return None
        return (
            f"the teacher reads {self.whitespace} white space, and with it {self.other} it is better on "
            f"{self.items} labelled items: {self.accuracy_other:.2f} against {self.accuracy:.2f}; feed what it was "
            f'trained on: teacher.whitespace = "{self.other}"'
        )


def check_teacher(run: Run, teacher: Teacher, datasets: Sequence[Dataset]) -> None:
    """Say what the teacher's logits are worth on each labelled split, on stderr and in `teacher-check.json`."""
    labelled = [(split, read_logits(logits_path(run.out, split.split), split)) for split in datasets if _known(split)]
    key = _key(teacher, labelled)
    path = run.path(TEACHER_CHECK)
    known = read_json(path) if path.exists() else {}
    checks = [split_check(split, logits) for split, logits in labelled]
    form = FormCheck(**known["form"]) if known.get("key") == key and known.get("form") else None
    if form is None and isinstance(teacher, NetworkTeacher) and labelled and known.get("key") != key:
        form = form_check(teacher, labelled[-1][0])
    task = run.recipe.task
    chance = 0.5 if task.is_multi_label else 1 / len(task.labels)
    warnings = [text for check in checks if (text := _doubt(check, chance)) is not None]
    if form is not None and (text := form.warning()) is not None:
        warnings.append(text)
    plain = {"key": key, "splits": [asdict(check) for check in checks], "form": form and asdict(form)}
    write_json(path, {**plain, "warnings": warnings})
    if not run.quiet:
        for check in checks:
            print(check.line(), file=sys.stderr)
    warn(run, "label", warnings)


def split_check(dataset: Dataset, logits: Logits) -> SplitCheck:
    """Accuracy of logits (n, C) on the items that have a label."""
    known = _known(dataset)
    labels, task = np.asarray([dataset.labels[index] for index in known]), dataset.task
    predicted = logits_predictions(task, logits[known])
    right, counts = predicted == labels, Counter(labels.tolist())
    if task.is_multi_label:
        return _set_check(dataset, labels, predicted)
    chance = 1 / len(task.labels)
    return SplitCheck(
        dataset.split,
        accuracy=float(right.mean()),
        majority=max(counts.values()) / len(labels),
        recall=float(np.mean([right[labels == label].mean() for label in counts])),
        luck=2 / len(counts) * sum(chance * (1 - chance) / count for count in counts.values()) ** 0.5,
        items=len(known),
    )


def _set_check(dataset: Dataset, labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> SplitCheck:
    """The same, label by label: what is there and what is missing are the two outcomes, of which luck finds half."""
    count = len(dataset.task.labels)
    truth_NK, guess_NK = bits(labels, count), bits(predicted, count)
    recalls = [
        (guess_N[truth_N == is_there] == is_there).mean()
        for truth_N, guess_N in zip(truth_NK.T, guess_NK.T, strict=True)
        for is_there in (True, False)
        if (truth_N == is_there).any()
    ]
    return SplitCheck(
        dataset.split,
        accuracy=float((truth_NK == guess_NK).mean()),
        majority=float(np.maximum(truth_NK.mean(axis=0), 1 - truth_NK.mean(axis=0)).mean()),
        recall=float(np.mean(recalls)),
        luck=float(1 / (2 * count * len(labels)) ** 0.5),
        items=len(labels),
        of="label decisions",
    )


def form_check(teacher: NetworkTeacher, dataset: Dataset) -> FormCheck | None:
    """Judge a sample of labelled items in both text forms; None where both forms are the same to the teacher."""
    known = _known(dataset)
    chosen = sorted(random.Random(0).sample(known, min(SAMPLE, len(known))))
    sample = dataset.subset(chosen)
    if teacher.data_flow is not None or all(text == collapse_whitespace(text) for text in sample.functions):
        return None
    labels = np.asarray(sample.known_labels())
    other = replace(teacher, whitespace="collapsed" if teacher.whitespace == "raw" else "raw")
    mine, theirs = (logits_predictions(sample.task, reader.logits(sample)) for reader in (teacher, other))
    return FormCheck(
        teacher.whitespace,
        other.whitespace,
        float((mine == labels).mean()),
        float((theirs == labels).mean()),
        mcnemar(labels, mine, theirs).p_value,
        len(labels),
    )


def _doubt(check: SplitCheck, chance: float) -> str | None:
    """A line where the teacher tells the labels apart no better than luck."""
    if check.recall > chance + check.luck:
        return None
    if check.accuracy >= check.majority > COMMON:
        return (
            f"on {check.split} the teacher says the commonest label ({check.majority:.3f} of all) nearly always: judge "
            "it by AUC, and set decision.threshold = 'f1' for its student"
        )
    return (
        f"on {check.split} the teacher finds {check.recall:.2f} of a label's items on average, chance is {chance:.2f}: "
        "are its columns exchanged (teacher.columns), its rows in another order, its text in another form?"
    )


def _known(dataset: Dataset) -> list[int]:
    return [index for index, label in enumerate(dataset.labels) if label is not None]


def _key(teacher: Teacher, labelled: Sequence[tuple[Dataset, Any]]) -> str:
    hashes = [teacher.sha256, *(f"{split.split} {split.sha256()} {split.labels}" for split, _ in labelled)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
