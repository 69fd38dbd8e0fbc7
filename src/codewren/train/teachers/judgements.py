"""Judgements as a teacher: what people, rules or language models said of the items, in a JSONL file.

A line judges one item, and an item may be judged often, by several judges or by one:

    {"id": "17", "label": "vulnerable", "confidence": 0.9, "judge": "ann"}
    {"id": "17", "label": "unsure"}
    {"id": "18", "logprobs": {"safe": -0.2, " Vulnerable": -1.9, "The": -4.0}}
    {"id": "19", "probabilities": {"safe": 0.8, "vulnerable": 0.2}}

A `label` without confidence counts as `teacher.confidence`; "unsure" (or null) gives every label the same. `logprobs`
are the natural logarithms that a language model gives to its first token, the top k of them: those that begin a label's
name are its own, whatever their case, and a label without one has at most what is left over, at most the least of those
seen. An item's probabilities are the mean of its judgements', and its logits their logarithms.

Of a multi-label task a line names all labels of the item, or the probability of some; its logits are log-odds:

    {"id": "17", "labels": ["files", "network"], "confidence": 0.9}
    {"id": "18", "probabilities": {"files": 0.7, "time": 0.1}}
"""

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError, nearest
from codewren.data.readers import read_rows, spelling
from codewren.train.teachers.logits_file import Logits

UNSURE = "unsure"
LEAST = 1e-4
"""Of a label: nobody is so sure that the student should never doubt."""
UNDECIDED = 1e-6
"""Nearer to even than this, probabilities prefer nothing."""
SUM_TOLERANCE = 0.02
"""Judges round."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """What judges said of a split's items.

    Attributes:
        probabilities: (n, C), the mean of an item's judgements; where nobody judged, every label the same.
        judged: (n,) whether anybody did.
        agreement: of pairs of judges on one item, how many named the same label, and how many pairs there are.
    """

    probabilities: Floats
    judged: NDArray[np.bool_]
    agreement: tuple[int, int] = (0, 0)

    def sure(self, *, multi_label: bool) -> NDArray[np.bool_]:
        """(n,) whether the judgements of an item prefer an answer: neither "unsure" nor opposite to each other."""
        if multi_label:
            return np.asarray((abs(self.probabilities - 0.5) > UNDECIDED).any(axis=1))
        return np.asarray(self.probabilities.max(axis=1) > 1 / self.probabilities.shape[1] + UNDECIDED)

    def logits(self, *, multi_label: bool) -> Logits:
        """(n, C) float32, centred so that each row sums to 0; of a multi-label task log-odds."""
        if multi_label:
            return np.asarray(np.log(self.probabilities / (1 - self.probabilities)), dtype=np.float32)
        logarithms = np.log(self.probabilities)
        return np.asarray(logarithms - logarithms.mean(axis=1, keepdims=True), dtype=np.float32)


def read_judgements(path: Path, dataset: Dataset, *, confidence: float, cut: bool = False) -> Logits:
    """Logits (n, C) of a split, as `Opinions.logits` has them.

    Args:
        path: a JSONL file.
        dataset: the split; every item is judged at least once, and nothing else is.
        confidence: of a judgement that states none.
        cut: the split has only the first rows of its file (`limit`), so that others may be judged as well.

    Raises:
        TeacherError: as `read_opinions`, an item without judgement, or no judgement that prefers a label.
    """
    opinions, multi_label = read_opinions(path, dataset, confidence=confidence, cut=cut), dataset.task.is_multi_label
    check_all_judged(path, opinions, dataset)
    return opinions.logits(multi_label=multi_label)


def check_all_judged(path: Path, opinions: Opinions, dataset: Dataset) -> None:
    """Refuse a split of which some items are not judged, or none surely.

    Raises:
        TeacherError: an item without judgement; or all are "unsure", or the judges of every item contradict each other.
    """
    missing = [name for name, judged in zip(dataset.ids, opinions.judged, strict=True) if not judged]
    if missing:
        raise TeacherError(
            f"{path}: {len(missing)} of {len(dataset)} items of split {dataset.split!r} have no judgement, "
            f"{missing[0]!r} the first; judge them, or label them 'unsure'"
        )
    if not opinions.sure(multi_label=dataset.task.is_multi_label).any():
        raise TeacherError(
            f"{path}: none of {len(dataset):,} judged items of split {dataset.split!r} has a sure answer: all are "
            "'unsure', or their judges contradict each other; there is nothing to learn, judge again"
        )


def read_opinions(
    path: Path, dataset: Dataset, *, confidence: float, cut: bool = False, elsewhere: Container[str] = ()
) -> Opinions:
    """What a file says of a split, of some or all of its items.

    Args:
        path: a JSONL file.
        dataset: the split.
        confidence: of a judgement that states none.
        cut: as for `read_judgements`.
        elsewhere: ids of other splits, whose judgements may stand in the same file.

    Raises:
        TeacherError: no such file, a line that is no judgement, or an id of no item.
    """
    try:
        rows = list(read_rows(path))
    except InputError as error:
        raise TeacherError(f"cannot be read as judgements: {error}") from error
    index_of = {name: index for index, name in enumerate(dataset.ids)}
    judged = set_probabilities if dataset.task.is_multi_label else probabilities
    lines: dict[int, list[tuple[str, Floats]]] = defaultdict(list)
    for position, row in rows:
        name = spelling(row.get("id"))
        if not name:
            raise TeacherError(f"{position}: has no 'id'; a judgement names the item that it judges")
        if name not in index_of and (cut or name in elsewhere):
            continue
        if name not in index_of:
            raise TeacherError(f"{position}: id {name!r} is of no item of split {dataset.split!r}; mend or drop it")
        try:
            shares = judged(row, dataset.task.labels, confidence=confidence)
        except (ValueError, OverflowError) as error:
            raise TeacherError(f"{position}: {error}") from None
        lines[index_of[name]].append((spelling(row.get("judge")), shares))
    nothing = np.full(len(dataset.task.labels), 0.5 if dataset.task.is_multi_label else 1 / len(dataset.task.labels))
    means = [
        np.mean([shares for _, shares in lines[at]], axis=0) if at in lines else nothing for at in range(len(dataset))
    ]
    mask = np.asarray([at in lines for at in range(len(dataset))])
    return Opinions(np.stack(means), mask, _agreement(lines.values(), multi_label=dataset.task.is_multi_label))


def _agreement(items: Iterable[Sequence[tuple[str, Floats]]], *, multi_label: bool) -> tuple[int, int]:
    """Pairs of judgements of one item, by judges of different names, that are sure of the same, and all such pairs."""
    same = pairs = 0
    for judgements in items:
        for (mine, left), (theirs, right) in combinations(judgements, 2):
            if mine != theirs and len({float(x) for x in left}) > 1 and len({float(x) for x in right}) > 1:
                pairs += 1
                alike = ((left > 0.5) == (right > 0.5)).all() if multi_label else left.argmax() == right.argmax()
                same += bool(alike)
    return same, pairs


def probabilities(row: Mapping[str, Any], labels: tuple[str, ...], *, confidence: float) -> Floats:
    """Probabilities (C,) by one judgement.

    Raises:
        ValueError: it is none.
    """
    if row.get("logprobs") is not None:
        found = _of_tokens(row["logprobs"], labels)
    elif row.get("probabilities") is not None:
        found = _of_shares(row["probabilities"], labels)
    else:
        found = _of_label(row, labels, confidence)
    clipped = np.clip(found, LEAST, None)
    return np.asarray(clipped / clipped.sum())


def set_probabilities(row: Mapping[str, Any], labels: tuple[str, ...], *, confidence: float) -> Floats:
    """Probability (C,) of each label of a multi-label task by one judgement; "unsure" is one half.

    Raises:
        ValueError: it is none.
    """
    found = np.full(len(labels), 0.5)
    if row.get("probabilities") is not None:
        for index, value in _shares(row["probabilities"], labels).items():
            found[index] = value
    elif isinstance(row.get("labels"), list):
        sure = _stated(row, confidence)
        if isinstance(sure, bool) or not isinstance(sure, int | float) or not 0.5 <= sure <= 1:
            raise ValueError(f"confidence {sure!r} must lie in [0.5, 1]; below, leave the label out")
        found[:] = 1 - sure
        found[[_index(name, labels) for name in row["labels"]]] = sure
    elif str(row.get("label", row.get("labels", ""))).strip().lower() != UNSURE:
        raise ValueError(
            f"has {', '.join(map(str, row))}; a judgement of several labels has 'id' and 'labels' (a list) or "
            "'probabilities', or label 'unsure'"
        )
    return np.asarray(np.clip(found, LEAST, 1 - LEAST))


def _of_shares(shares: Any, labels: tuple[str, ...]) -> Floats:
    """Probabilities of labels; what they leave over is the others'."""
    share_of = _shares(shares, labels)
    total, unnamed = sum(share_of.values()), [index for index in range(len(labels)) if index not in share_of]
    if not share_of or total > 1 + SUM_TOLERANCE or (total < 1 - SUM_TOLERANCE and not unnamed):
        raise ValueError(f"probabilities sum to {total:.3g}, wanted 1; divide them by their sum, or give 'logprobs'")
    found = np.zeros(len(labels))
    found[unnamed] = max(0.0, 1 - total) / max(1, len(unnamed))
    found[list(share_of)] = list(share_of.values())
    return found


def _shares(shares: Any, labels: tuple[str, ...]) -> dict[int, float]:
    """The probability of each label that an object names."""
    if not isinstance(shares, dict):
        raise ValueError(f"probabilities are {shares!r:.40}, wanted an object of labels and numbers")  # noqa: TRY004
    share_of: dict[int, float] = {}
    for name, value in shares.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"the probability {value!r} of {name!r} must lie in [0, 1]")
        index = _index(name, labels)
        if index in share_of:
            raise ValueError(f"label {name!r} has two probabilities")
        share_of[index] = value
    return share_of


def _index(name: Any, labels: tuple[str, ...]) -> int:
    """The column of a label, whatever its case."""
    own = {label.lower(): index for index, label in enumerate(labels)}
    index = own.get(str(name).strip().lower())
    if index is None:
        raise ValueError(f"label {name!r} is none of {', '.join(labels)}; {nearest(str(name), labels)}")
    return index


def _of_label(row: Mapping[str, Any], labels: tuple[str, ...], confidence: float) -> Floats:
    label = row.get("label")
    if "label" not in row:
        raise ValueError(
            f"has {', '.join(map(str, row))}; a judgement has 'id' and 'label', 'probabilities' or 'logprobs'"
        )
    if spelling(label).lower() in ("", UNSURE):  # a gap of a table as well
        return np.full(len(labels), 1 / len(labels))
    own = {name.lower(): index for index, name in enumerate(labels)}
    index = own.get(spelling(label).lower())
    if index is None and isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(labels):
        index = label if not any(name.isdigit() for name in labels) else None
    if index is None:
        raise ValueError(f"label {label!r} is none of {', '.join(labels)}; {nearest(str(label), (*labels, UNSURE))}")
    sure = _stated(row, confidence)
    if isinstance(sure, bool) or not isinstance(sure, int | float) or not 1 / len(labels) <= sure <= 1:
        raise ValueError(f"confidence {sure!r} must lie in [{1 / len(labels):.3g}, 1]; below, name another label")
    found = np.full(len(labels), (1 - sure) / max(1, len(labels) - 1))
    found[index] = sure
    return found


def _stated(row: Mapping[str, Any], confidence: float) -> Any:
    """A judgement's own confidence; where it is null or a gap of a table, that of all."""
    own = row.get("confidence")
    return confidence if spelling(own) == "" else own


def _of_tokens(logprobs: Any, labels: tuple[str, ...]) -> Floats:
    """Probabilities from the logarithms of the likeliest first tokens."""
    numbers = logprobs.values() if isinstance(logprobs, dict) else [None]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) and value <= 1e-6 for value in numbers):
        raise ValueError("logprobs must be an object of tokens and their logarithms, none above 0")
    mass = np.zeros(len(labels))
    for token, logarithm in logprobs.items():
        begun = [index for index, label in enumerate(labels) if token.strip() and _begins(label, token)]
        if len(begun) == 1:
            mass[begun[0]] += math.exp(logarithm)
    if not mass.any():
        raise ValueError(f"none of the tokens {', '.join(map(repr, logprobs))} begins one of {', '.join(labels)}")
    left = max(0.0, 1 - sum(math.exp(value) for value in logprobs.values()))
    unseen = mass == 0
    mass[unseen] = min(left, math.exp(min(logprobs.values()))) / max(1, int(unseen.sum()))
    return mass


def _begins(label: str, token: str) -> bool:
    return label.lower().startswith(token.strip().lower())
