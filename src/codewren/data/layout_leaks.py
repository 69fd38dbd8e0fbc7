"""Whether labels can be read from how functions are laid out: a model would learn that instead of the code.

Devign's do: every function that does not end in a newline is vulnerable, and nearly every one without its last brace.
Such functions lack all lines of a lone brace, not the last one only; giving back the last hides what the last token
says, the others cannot be put back where they stood.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from codewren.core.dataset import Dataset
from codewren.core.task import Unit
from codewren.data.braces import lacks_last_brace

LEAST_ITEMS = 20
PURE = 0.9
LIFT = 0.15
SEPARABLE = 0.6
FROM_LENGTH = "labels can be guessed from length alone"
_TOKEN = re.compile(r"\w+|[^\w\s]")


TRAITS: tuple[tuple[str, Callable[[str], bool], bool], ...] = (
    ("with a doubled newline", lambda text: "\n\n" in text, False),
    ("without a doubled newline", lambda text: "\n\n" not in text, False),
    ("that end in a newline", lambda text: text.endswith("\n"), False),
    ("that do not end in a newline", lambda text: not text.endswith("\n"), False),
    ("with carriage returns", lambda text: "\r" in text, False),
    ("without carriage returns", lambda text: "\r" not in text, False),
    ("with tabs", lambda text: "\t" in text, False),
    ("without tabs", lambda text: "\t" not in text, False),
    ("with spaces at a line's end", lambda text: re.search(r"[ \t]\r?\n", text) is not None, False),
    ("that lack their last brace", lacks_last_brace, True),
    ("with fewer } than {", lambda text: text.count("{") > text.count("}"), True),
)


@dataclass(frozen=True, slots=True)
class Trait:
    """Functions that share a trait of layout.

    Attributes:
        name: the trait, in words.
        items: functions that have it.
        label: their commonest label.
        share: of that label among them.
        share_of_all: of that label among all.
        survives: whether it is still there when white space is collapsed.
    """

    name: str
    items: int
    label: str
    share: float
    share_of_all: float
    survives: bool

    @property
    def betrays(self) -> bool:
        """Whether the label can be read from it."""
        return self.items >= LEAST_ITEMS and self.share >= PURE and self.share - self.share_of_all >= LIFT

    def warning(self) -> str:
        """One line for the maker."""
        reach = "any model can read it" if self.survives else "a model that reads raw text can read it"
        return (
            f"labels can be read from layout: of the {self.items:,} functions {self.name} {self.share:.1%} are "
            f"{self.label} ({self.share_of_all:.1%} of all); {reach}"
        )


@dataclass(frozen=True, slots=True)
class LayoutReport:
    """What the layout of one split says of its labels.

    Attributes:
        split: its name.
        traits: each trait of layout that occurs.
        length_auc: chance that a function of the positive label is longer than another one; 0.5 says nothing.
    """

    split: str
    traits: tuple[Trait, ...]
    length_auc: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "warnings": self.warnings()}

    def warnings(self) -> list[str]:
        """A line for each trait that betrays a label, and for the length."""
        lines = [trait.warning() for trait in self.traits if trait.betrays]
        if max(self.length_auc, 1 - self.length_auc) >= SEPARABLE:
            lines.append(f"{FROM_LENGTH}: AUC {self.length_auc:.2f} on {self.split}")
        return lines

    def rows(self) -> list[list[str]]:
        """Cells of a table, the header first."""
        head = ["functions", "items", "commonest label", "its share", "of all", "after collapsing"]
        body = [
            [
                trait.name,
                f"{trait.items:,}",
                trait.label,
                f"{trait.share:.1%}",
                f"{trait.share_of_all:.1%}",
                "yes" if trait.survives else "no",
            ]
            for trait in self.traits
        ]
        return [head, *body, ["length, AUC", "", "", f"{self.length_auc:.2f}", "", "yes"]]


def layout_report(dataset: Dataset) -> LayoutReport | None:
    """What layout says of the labels of a split; None for pairs, and where fewer than two labels are known."""
    known = [(dataset.functions[item[0]], label) for item, label in zip(dataset.items, dataset.labels, strict=True)]
    pairs = [(text, label) for text, label in known if label is not None]
    if dataset.task.unit is not Unit.FUNCTION or len({label for _, label in pairs}) < 2:
        return None
    texts, labels = [text for text, _ in pairs], np.asarray([label for _, label in pairs])
    last = [_last_token(text) for text in texts]
    traits = [_trait(dataset, name, [has(text) for text in texts], labels, survives) for name, has, survives in TRAITS]
    for token, count in Counter(last).most_common(20):
        if LEAST_ITEMS <= count < len(last):
            mask = [other == token for other in last]
            traits.append(_trait(dataset, f"whose last token is {token!r}", mask, labels, True))
    measured = tuple(trait for trait in traits if trait is not None)
    positive = labels == dataset.task.positive_index
    if dataset.task.is_multi_label:
        positive = labels >> dataset.task.positive_index & 1 == 1
    return LayoutReport(dataset.split, measured, _auc(np.asarray([len(text) for text in texts]), positive))


def _last_token(text: str) -> str:
    tokens = _TOKEN.findall(text[-200:])
    return tokens[-1] if tokens else ""


def _trait(dataset: Dataset, name: str, mask: Sequence[bool], labels: Any, survives: bool) -> Trait | None:
    mine = labels[np.asarray(mask)]
    if not 0 < len(mine) < len(labels):
        return None
    (label, count), *_ = Counter(mine.tolist()).most_common(1)
    share_of_all = float((labels == label).mean())
    return Trait(name, len(mine), dataset.task.in_words(label), count / len(mine), share_of_all, survives)


def _auc(lengths: Any, positive: Any) -> float:
    """Share of (positive, other) pairs in which the positive is longer, ties half."""
    if positive.all() or not positive.any():
        return 0.5
    negatives = np.sort(lengths[~positive])
    below = np.searchsorted(negatives, lengths[positive], "left")
    up_to = np.searchsorted(negatives, lengths[positive], "right")
    return float((below + up_to).mean() / 2 / len(negatives))
