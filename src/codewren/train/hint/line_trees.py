"""Trees that say which line of a function a security patch changes, learned from functions and their fixed versions.

Boosted trees all of whose nodes on one level ask the same question. The loss is that of a draw of one line: the changed
lines of a function share one probability, its other lines have none. Sources: Friedman, Annals of Statistics 2001
(boosting); Kohavi and Li, IJCAI 1995 (oblivious trees); Cao et al., ICML 2007 (a listwise loss).

Shape key: L lines, M measures, F functions, T trees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren import _native
from codewren.bundle.hint import LINE_DEPTH, LINE_MEASURES, LINE_STEP
from codewren.train.hint.examples import Examples

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

FEWEST_LINES = 8
"""Of a function that teaches or is measured: among fewer there is nothing to choose."""

RATE = 0.04
"""Of what a tree is asked for, how much is added."""

DRAWN = 0.5
"""Share of the functions, and of the measures, that each tree sees."""

STIFFNESS = 5.0
"""Weight of a leaf's value being 0, in functions."""

LIMITS = 16
"""Values of a measure that a question may ask for."""


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """The telling lines of functions that were patched, one function after another.

    Attributes:
        measures: of the lines (L, M).
        is_changed: by the patch (L,).
        functions: number of the function of each line, rising (L,).
        projects: of the functions (F,).
    """

    measures: Bytes
    is_changed: NDArray[np.bool_]
    functions: NDArray[np.int64]
    projects: NDArray[np.str_]

    @classmethod
    def of(cls, examples: Examples) -> "ChangedLines":
        """Those of the examples with a fixed version that change a telling line, and have some to choose from."""
        pairs = [(examples.texts[old], examples.texts[new]) for old, new in examples.fixed]
        rows = [changed_telling_lines(old, new) for old, new in pairs]
        kept = [k for k, (_, changed) in enumerate(rows) if changed.any() and len(changed) >= FEWEST_LINES]
        sizes = [len(rows[k][1]) for k in kept]
        return cls(
            np.concatenate([rows[k][0] for k in kept] or [np.zeros((0, len(LINE_MEASURES)), np.uint8)]),
            np.concatenate([rows[k][1] for k in kept] or [np.zeros(0, bool)]),
            np.repeat(np.arange(len(kept)), sizes),
            np.array([examples.projects[examples.fixed[k][0]] for k in kept], np.str_),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, as a stage keeps them."""
        return {f"line_{name}": value for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "ChangedLines":
        """What `to_arrays` made."""
        return cls(**{field.name: arrays[f"line_{field.name}"] for field in fields(cls)})

    def kept(self, functions: NDArray[np.bool_]) -> "ChangedLines":
        """The lines of some functions."""
        lines = functions[self.functions]
        numbers = np.cumsum(functions) - 1
        return ChangedLines(
            self.measures[lines], self.is_changed[lines], numbers[self.functions[lines]], self.projects[functions]
        )


def line_measures(text: str) -> tuple[NDArray[np.uint32], Bytes]:
    """Numbers of the telling lines of a function, from 0, and their measures (L,), (L, M)."""
    _, numbers, values = _native.hint_line_measures([text])
    return np.frombuffer(numbers, np.uint32), np.frombuffer(values, np.uint8).reshape(-1, len(LINE_MEASURES))


def changed_telling_lines(old: str, new: str) -> tuple[Bytes, NDArray[np.bool_]]:
    """Measures of the telling lines of a function, and which of them a patch changes (L, M), (L,)."""
    numbers, measures = line_measures(old)
    changed = set(changed_lines(old.split("\n"), new.split("\n"), numbers.tolist()))
    return measures, np.array([number in changed for number in numbers.tolist()], bool)


def changed_lines(old: Sequence[str], new: Sequence[str], telling: Sequence[int]) -> Iterator[int]:
    """Numbers of lines that a difference deletes or replaces; around lines that it only adds, the telling neighbours.

    >>> list(changed_lines(["a", "b", "c"], ["a", "x", "c"], [0, 1, 2]))
    [1]
    >>> list(changed_lines(["a", "", "c"], ["a", "", "x", "c"], [0, 2]))
    [0, 2]
    """
    first, second = ([" ".join(line.split()) for line in lines] for lines in (old, new))
    for tag, i, j, k, m in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag == "insert" and any(any(map(str.isalnum, line)) for line in second[k:m]):
            yield from [number for number in telling if number < i][-1:]
            yield from [number for number in telling if number >= i][:1]
        elif tag in {"delete", "replace"}:
            yield from range(i, j)


def fit_line_trees(lines: ChangedLines, trees: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Fit trees: for each the measure and the limit of every level, then what its leaves add in steps (T, numbers)."""
    rows = np.zeros((trees, 2 * LINE_DEPTH + (1 << LINE_DEPTH)), np.int32)
    if not len(lines.functions):
        return rows
    starts = np.flatnonzero(np.diff(lines.functions, prepend=-1))
    wanted = lines.is_changed / np.add.reduceat(lines.is_changed, starts)[lines.functions]
    limits = [_limits(column) for column in lines.measures.T]
    bins = np.stack([np.searchsorted(own, column) for own, column in zip(limits, lines.measures.T, strict=True)])
    scores = np.zeros(len(wanted))
    for row in rows:
        drawn = np.flatnonzero((rng.random(len(starts)) < DRAWN)[lines.functions])
        measures = np.flatnonzero(rng.random(len(limits)) < DRAWN)
        likely = _softmax(scores, starts, lines.functions)
        slopes = np.stack([wanted - likely, likely * (1 - likely)])
        questions, values = _grown(bins[np.ix_(measures, drawn)], slopes[:, drawn])
        asked = [(int(measures[m]), int(limits[measures[m]][at])) for m, at in questions]
        row[: 2 * LINE_DEPTH] = np.ravel(asked)
        row[2 * LINE_DEPTH :] = np.rint(RATE * values / LINE_STEP)
        scores += LINE_STEP * tree_values(row, lines.measures)
    return rows


def tree_values(tree: NDArray[np.int32], measures: Bytes) -> NDArray[np.int32]:
    """What one tree adds to each line, in steps (L,)."""
    leaves = np.zeros(len(measures), np.int64)
    for measure, limit in tree[: 2 * LINE_DEPTH].reshape(-1, 2):
        leaves = 2 * leaves + (measures[:, measure] > limit)
    return np.asarray(tree[2 * LINE_DEPTH :][leaves])


def _limits(column: Bytes) -> Bytes:
    """Values that a question may ask for, the largest left out unless it is the only one."""
    quantiles = np.quantile(column, np.arange(1, LIMITS) / LIMITS, method="lower")
    values = np.unique(np.concatenate([quantiles, [column.min()]])).astype(np.uint8)
    return np.asarray(values[values < column.max()] if column.min() < column.max() else values)


def _softmax(scores: Floats, starts: NDArray[np.int64], functions: NDArray[np.int64]) -> Floats:
    powers = np.exp(scores - np.maximum.reduceat(scores, starts)[functions])
    return np.asarray(powers / np.add.reduceat(powers, starts)[functions])


def _grown(bins: NDArray[np.int64], slopes: Floats) -> tuple[list[tuple[int, int]], Floats]:
    """A tree: the row of `bins` and the limit of each level, and the value of each leaf."""
    leaves, questions = np.zeros(bins.shape[1], np.int64), []
    for level in range(LINE_DEPTH):
        gains = _gains(bins, leaves, slopes, 1 << level)
        row, limit = divmod(int(gains.argmax()), gains.shape[1])
        questions.append((row, limit))
        leaves = 2 * leaves + (bins[row] > limit)
    slope, curvature = (np.bincount(leaves, part, 1 << LINE_DEPTH) for part in slopes)
    return questions, slope / (curvature + STIFFNESS)


def _gains(bins: NDArray[np.int64], leaves: NDArray[np.int64], slopes: Floats, count: int) -> Floats:
    """What each question gains, over all leaves (rows of `bins`, limits); impossible ones gain nothing."""
    rows, width = len(bins), LIMITS + 1
    places = ((np.arange(rows)[:, None] * count + leaves) * width + bins).ravel()
    below = [
        np.bincount(places, np.broadcast_to(part, bins.shape).ravel(), rows * count * width)
        .reshape(rows, count, width)
        .cumsum(axis=2)
        for part in slopes
    ]
    above = [part[:, :, -1:] - part for part in below]
    gains = np.add(*(slope**2 / (curvature + STIFFNESS) for slope, curvature in (below, above)))
    possible = below[1].sum(axis=1)[:, :-1] < below[1].sum(axis=1)[:, -1:] * (1 - 1e-9)
    return np.asarray(np.where(possible, gains.sum(axis=1)[:, :-1], -1.0))
