"""What the splits share: copies of functions and of items, and items that are labelled both ways.

Two functions are copies when their texts are equal, or equal once all white space is collapsed (the form that every
tokenizer here sees). Ids do not enter: a copy under another id leaks as much.
"""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Within:
    """Copies inside one split.

    Attributes:
        split: which.
        items: number of items.
        functions: number of functions the items use.
        exact_copies: functions whose exact text came earlier in the split.
        normalised_copies: the same after collapsing white space.
        repeated_items: items whose texts, white space collapsed, came earlier (of pairs in either order).
        conflicting_items: items whose texts stand in the split under another label as well.
    """

    split: str
    items: int
    functions: int
    exact_copies: int
    normalised_copies: int
    repeated_items: int
    conflicting_items: int


@dataclass(frozen=True, slots=True)
class Between:
    """What one split shares with another.

    Attributes:
        split: whose functions and items are counted.
        other: where they are found again.
        same_ids: functions that both have under one id with one text.
        same_id_items: items of `split` that `other` has too, by such ids, pairs in either order.
        exact_copies: functions of `split` whose exact text is a function of `other`.
        normalised_copies: the same after collapsing white space.
        repeated_items: items of `split` whose texts, white space collapsed, are an item of `other`, in either order.
        conflicting_items: those among them whose label there is another one.
    """

    split: str
    other: str
    same_ids: int
    same_id_items: int
    exact_copies: int
    normalised_copies: int
    repeated_items: int
    conflicting_items: int


@dataclass(frozen=True, slots=True)
class OverlapReport:
    """Copies within and among splits; `between` goes from the split judged on to the one learned from."""

    unit: str
    within: tuple[Within, ...]
    between: tuple[Between, ...]

    def warnings(self) -> list[str]:
        """One line for each thing that makes figures look better, or labels look worse, than they are."""
        sizes = {copies.split: copies for copies in self.within}
        lines = []
        for copies in self.within:
            lines += _within_warnings(copies, self.unit)
        for one_way in self.between:
            lines += _between_warnings(one_way, sizes[one_way.split], self.unit)
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "warnings": self.warnings()}


def overlap_report(datasets: Sequence[Dataset]) -> OverlapReport:
    """Compare splits of one task.

    Args:
        datasets: in the order in which they are learned from, `valid` (and in `evaluate` `test`) last.

    Raises:
        InputError: two data sets have the same split name.
    """
    names = [data.split for data in datasets]
    if len(set(names)) < len(names):
        raise InputError(f"splits {names} are not distinct; compare each split once")
    digests = [_Digest(data) for data in datasets]
    unit = str(datasets[0].task.unit) if datasets else "function"
    return OverlapReport(
        unit=unit,
        within=tuple(_within(digest) for digest in digests),
        between=tuple(_between(later, earlier) for earlier, later in combinations(digests, 2)),
    )


class _Digest:
    """One split, with its texts normalised once."""

    def __init__(self, data: Dataset) -> None:
        self.split = data.split
        self.named = set(zip(data.function_ids, data.functions, strict=True))
        self.named_items = [
            tuple(sorted((data.function_ids[i], data.functions[i]) for i in item)) for item in data.items
        ]
        self.exact = list(data.functions)
        self.normalised = [collapse_whitespace(text) for text in data.functions]
        self.items = [tuple(sorted(self.normalised[i] for i in item)) for item in data.items]
        self.labels: dict[tuple[str, ...], set[int]] = {}
        for item, label in zip(self.items, data.labels, strict=True):
            known = self.labels.setdefault(item, set())
            if label is not None:
                known.add(label)


def _within(digest: _Digest) -> Within:
    return Within(
        split=digest.split,
        items=len(digest.items),
        functions=len(digest.exact),
        exact_copies=_repeats(digest.exact),
        normalised_copies=_repeats(digest.normalised),
        repeated_items=_repeats(digest.items),
        conflicting_items=sum(len(digest.labels[item]) > 1 for item in digest.items),
    )


def _between(one: _Digest, other: _Digest) -> Between:
    exact, normalised = set(other.exact), set(other.normalised)
    named_items = set(other.named_items)
    return Between(
        split=one.split,
        other=other.split,
        same_ids=len(one.named & other.named),
        same_id_items=sum(item in named_items for item in one.named_items),
        exact_copies=sum(text in exact for text in one.exact),
        normalised_copies=sum(text in normalised for text in one.normalised),
        repeated_items=sum(item in other.labels for item in one.items),
        conflicting_items=sum(_conflict(one.labels[item], other.labels.get(item, set())) for item in one.items),
    )


def _repeats(values: Sequence[Hashable]) -> int:
    return len(values) - len(set(values))


def _conflict(first: set[int], second: set[int]) -> bool:
    return bool(first and second and first != second)


def _within_warnings(found: Within, unit: str) -> list[str]:
    lines = []
    if found.repeated_items and unit == "pair":
        lines.append(f"{found.split}: {_of(found.repeated_items, found.items, 'pairs')} repeat an earlier one")
    if found.normalised_copies:
        copies = _of(found.normalised_copies, found.functions, "functions")
        lines.append(f"{found.split}: {copies} are copies of an earlier one ({found.exact_copies} to the letter)")
    if found.conflicting_items:
        conflicts = _of(found.conflicting_items, found.items, f"{unit}s")
        lines.append(f"{found.split}: {conflicts} stand there under different labels; no model can be right on all")
    return lines


def _between_warnings(found: Between, sizes: Within, unit: str) -> list[str]:
    lines = []
    if found.normalised_copies:
        copies = _of(found.normalised_copies, sizes.functions, "functions")
        lines.append(
            f"{found.split}: {copies} are in {found.other} as well ({found.exact_copies} to the letter, "
            f"{found.same_ids} under the same id); figures on {found.split} flatter what learned from {found.other}"
        )
    if found.repeated_items and unit == "pair":
        lines.append(f"{found.split}: {_of(found.repeated_items, sizes.items, 'pairs')} are in {found.other} as well")
    if found.conflicting_items:
        conflicts = _of(found.conflicting_items, sizes.items, f"{unit}s")
        lines.append(f"{found.split}: {conflicts} have another label in {found.other}")
    return lines


def _of(count: int, total: int, what: str) -> str:
    return f"{count:,} of {total:,} {what} ({count / total:.1%})"
