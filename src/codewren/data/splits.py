"""Cutting a training set into the labelled half (for the teacher) and the unlabelled half (for the student)."""

import random
from collections import defaultdict
from collections.abc import Sequence

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError


def halve(dataset: Dataset, *, seed: int) -> tuple[Dataset, Dataset]:
    """Labelled and unlabelled halves, class-stratified; both keep the order of the file.

    Source: Compressor `split.py`; SPEC 1.9.

    Raises:
        InputError: fewer than two items.
    """
    if len(dataset) < 2:
        raise InputError(f"split {dataset.split!r} has {len(dataset)} items; two halves need two or more")
    first, second = stratified_halves(dataset.labels, seed=seed)
    return dataset.subset(first, "labelled"), dataset.subset(second, "unlabelled")


def stratified_halves(labels: Sequence[int | None], *, seed: int) -> tuple[list[int], list[int]]:
    """Indices of two halves: each class is shuffled and cut in the middle; unknown labels count as a class.

    The halves differ by at most one item, in total and in every class.

    >>> first, second = stratified_halves([0, 0, 1, 1, 1, 1], seed=0)
    >>> sorted(first + second)
    [0, 1, 2, 3, 4, 5]
    >>> [sum(i >= 2 for i in half) for half in (first, second)]
    [2, 2]
    """
    rng = random.Random(seed)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[-1 if label is None else label].append(index)
    first: list[int] = []
    second: list[int] = []
    for label in sorted(members):
        shuffled = members[label]
        rng.shuffle(shuffled)
        # The odd item of a class goes to the half that is behind.
        middle = (len(shuffled) + (len(first) <= len(second))) // 2
        first += shuffled[:middle]
        second += shuffled[middle:]
    return sorted(first), sorted(second)
