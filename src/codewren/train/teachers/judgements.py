"""Judgements as a teacher: what people, rules or language models said of the items, in a JSONL file.

A line judges one item, and an item may be judged often, by several judges or by one:

    {"id": "17", "label": "vulnerable", "confidence": 0.9, "judge": "ann"}
    {"id": "17", "label": "unsure"}
    {"id": "18", "logprobs": {"safe": -0.2, " Vulnerable": -1.9, "The": -4.0}}

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
from collections.abc import Mapping
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
Floats = NDArray[np.float64]


def read_judgements(path: Path, dataset: Dataset, *, confidence: float, cut: bool = False) -> Logits:
    """Logits (n, C) of a split, float32, centred so that each row sums to 0; of a multi-label task log-odds.

    Args:
        path: a JSONL file.
        dataset: the split; every item is judged at least once, and nothing else is.
        confidence: of a judgement that states none.
        cut: the split has only the first rows of its file (`limit`), so that others may be judged as well.

    Raises:
        TeacherError: no such file, a line that is no judgement, an id of no item, or an item without judgement.
    """
    try:
        rows = list(read_rows(path))
    except InputError as error:
        raise TeacherError(f"cannot be read as judgements: {error}") from error
    index_of = {name: index for index, name in enumerate(dataset.ids)}
    judged = set_probabilities if dataset.task.is_multi_label else probabilities
    said: dict[int, list[Floats]] = defaultdict(list)
    for position, row in rows:
        name = spelling(row.get("id"))
        if name not in index_of and cut:
            continue
        if name not in index_of:
            raise TeacherError(f"{position}: id {name!r} is of no item of split {dataset.split!r}; mend or drop it")
        try:
            said[index_of[name]].append(judged(row, dataset.task.labels, confidence=confidence))
        except ValueError as error:
            raise TeacherError(f"{position}: {error}") from None
    missing = [name for index, name in enumerate(dataset.ids) if index not in said]
    if missing:
        raise TeacherError(
            f"{path}: {len(missing)} of {len(dataset)} items of split {dataset.split!r} have no judgement, "
            f"{missing[0]!r} the first; judge them, or label them 'unsure'"
        )
    mean = np.stack([np.mean(said[index], axis=0) for index in range(len(dataset))])
    if dataset.task.is_multi_label:
        return np.asarray(np.log(mean / (1 - mean)), dtype=np.float32)
    logarithms = np.log(mean)
    return np.asarray(logarithms - logarithms.mean(axis=1, keepdims=True), dtype=np.float32)


def probabilities(row: Mapping[str, Any], labels: tuple[str, ...], *, confidence: float) -> Floats:
    """Probabilities (C,) by one judgement.

    Raises:
        ValueError: it is none.
    """
    if row.get("logprobs") is not None:
        found = _of_tokens(row["logprobs"], labels)
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
        if not isinstance(row["probabilities"], dict):
            raise ValueError(f"probabilities are {row['probabilities']!r:.40}, wanted an object of labels and numbers")
        for name, value in row["probabilities"].items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"the probability {value!r} of {name!r} must lie in [0, 1]")
            found[_index(name, labels)] = value
    elif isinstance(row.get("labels"), list):
        sure = row.get("confidence", confidence)
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
        raise ValueError(f"has {', '.join(map(str, row))}; a judgement has 'id' and 'label' or 'logprobs'")
    if label is None or (isinstance(label, str) and label.strip().lower() in ("", UNSURE)):
        return np.full(len(labels), 1 / len(labels))
    own = {name.lower(): index for index, name in enumerate(labels)}
    is_number = isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(labels)
    index = label if is_number else own.get(str(label).strip().lower())
    if index is None:
        raise ValueError(f"label {label!r} is none of {', '.join(labels)}; {nearest(str(label), (*labels, UNSURE))}")
    sure = row.get("confidence", confidence)
    if isinstance(sure, bool) or not isinstance(sure, int | float) or not 1 / len(labels) <= sure <= 1:
        raise ValueError(f"confidence {sure!r} must lie in [{1 / len(labels):.3g}, 1]; below, name another label")
    found = np.full(len(labels), (1 - sure) / max(1, len(labels) - 1))
    found[index] = sure
    return found


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
