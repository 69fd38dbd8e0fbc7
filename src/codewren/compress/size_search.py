"""Search over the sizes of an encoder or a hint: brief trainings of many, full ones of the better half, a front.

Leaves `journal.jsonl` (each training once, so that a search resumes), `front.json`, its table `front.md`, its picture
`front.svg`, and `chosen.json`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.pareto import Budget, Candidate, ParetoFront, Scores
from codewren.core.run_folder import CHOSEN, FRONT, FRONT_PLOT, FRONT_TABLE, JOURNAL
from codewren.core.student_config import StudentConfig
from codewren.report.draw.pareto_plot import Group, Point, pareto_file
from codewren.report.table import markdown
from codewren.search.choose import choose
from codewren.search.octaves import octaves
from codewren.search.size_proposals import greatest_bounds
from codewren.search.space.size_space import SizeSpace

MANIFEST_BYTES = 16_000
"""Of a bundle beside its tables, rounded up: manifest, card and the archive itself."""

PROMOTED = 0.5

SizesT = TypeVar("SizesT")
ReadSizes = Callable[[dict[str, Any]], SizesT]


class SizeSearch(Protocol):
    """What a recipe says of a search."""

    @property
    def strategy(self) -> str:
        """`halving` or `wren`."""

    @property
    def trials(self) -> int:
        """Sizes that are trained briefly."""

    @property
    def trial_steps(self) -> int:
        """Of a brief training."""

    @property
    def pick(self) -> str:
        """Rule that takes one candidate off the front."""

    @property
    def seed(self) -> int:
        """Of what is drawn."""


@dataclass(frozen=True)  # with slots, `Trial[Sizes](...)` is a TypeError in Python 3.11
class Trial(Generic[SizesT]):
    """One training.

    Attributes:
        sizes: of what is trained.
        steps: it was trained for.
        scores: bytes of the whole file, measured seconds a function where they are known, and the mean AUC of all sets.
        sets: AUC by set.
    """

    sizes: SizesT
    steps: int
    scores: Scores
    sets: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        sizes: Any = self.sizes
        return {"sizes": asdict(sizes), "steps": self.steps, "scores": self.scores.to_dict(), "sets": self.sets}


@dataclass(frozen=True, slots=True)
class SizeTask(Generic[SizesT]):
    """What is searched.

    Attributes:
        space: of the sizes.
        search: how.
        budget: what every candidate keeps.
        steps: of a full training.
        read: makes sizes of their JSON form.
    """

    space: SizeSpace[SizesT]
    search: SizeSearch
    budget: Budget
    steps: int
    read: ReadSizes[SizesT]


def search_front(
    task: SizeTask[SizesT], out: Path, *, context: str, train: Callable[[SizesT, int], Trial[SizesT]]
) -> tuple[SizesT, str]:
    """Search; the chosen sizes, and why.

    Args:
        task: what is searched.
        out: the run's folder.
        context: names what trials depend on beside their sizes; those of another context are not taken up.
        train: trains sizes for so many steps, and measures them.

    Raises:
        InfeasibleError: nothing in the space keeps the budget, or nothing on the front the pick rule.
    """
    space, search, known = task.space, task.search, _Journal(out / JOURNAL, context, task.read)

    def trial(sizes: SizesT, steps: int) -> Trial[SizesT]:
        return known.get(sizes, steps) or known.add(train(sizes, steps))

    most_bytes = (task.budget.max_bytes or 1 << 40) - MANIFEST_BYTES
    first = search.trials if search.strategy == "halving" else ceil(search.trials / 2)
    brief = [trial(sizes, search.trial_steps) for sizes in space.spread(most_bytes, first, seed=search.seed)]
    left = search.trials - first
    for count in (ceil(left / 2), left // 2):
        seen = {each.sizes: each.scores.effectiveness or 0.0 for each in brief}
        proposed = greatest_bounds(space, seen, most_bytes, count, seed=search.seed)
        brief += [trial(sizes, search.trial_steps) for sizes in proposed]
    full = [trial(each.sizes, task.steps) for each in promoted(brief)]
    front = front_of([each for each in full if task.budget.allows(each.scores)])
    choice = choose(_as_front(front), search.pick)
    chosen = front[int(choice.candidate.name)]
    write_json(out / FRONT, {"candidates": [each.to_dict() for each in front]})
    write_bytes(out / FRONT_TABLE, (front_table(space, front, chosen) + "\n").encode())
    picture = pareto_file(front_points(space, full, front, chosen), metric="mean AUC")
    write_bytes(out / FRONT_PLOT, picture.encode())
    return chosen.sizes, choice.reason


def chosen_sizes(out: Path, key: str, read: ReadSizes[SizesT], search: Callable[[], tuple[SizesT, str]]) -> SizesT:
    """The sizes that a finished search of this key has chosen, or those of a search now."""
    done = out / CHOSEN
    if not done.exists() or read_json(done).get("key") != key:
        sizes, reason = search()
        plain: Any = sizes
        write_json(done, {"key": key, "sizes": asdict(plain), "reason": reason})
    return read(read_json(done)["sizes"])


def promoted(trials: Sequence[Trial[SizesT]]) -> list[Trial[SizesT]]:
    """The better half of every octave of bytes: small ones are never as good as large ones."""
    sizes = np.array([trial.scores.size_bytes for trial in trials], np.float64)
    levels = octaves(sizes, float(sizes.max())).tolist()
    better: list[Trial[SizesT]] = []
    for level in sorted(set(levels)):
        members = [trial for trial, own in zip(trials, levels, strict=True) if own == level]
        members.sort(key=lambda trial: -(trial.scores.effectiveness or 0.0))
        better += members[: ceil(PROMOTED * len(members))]
    return better


def front_of(trials: Sequence[Trial[SizesT]]) -> list[Trial[SizesT]]:
    """Trials that no other one dominates in effectiveness, bytes and latency; smallest first."""
    front = [trial for trial in trials if not any(other.scores.dominates(trial.scores) for other in trials)]
    return sorted(front, key=lambda trial: trial.scores.size_bytes)


def _as_front(trials: Sequence[Trial[SizesT]]) -> ParetoFront:
    """For the pick rules, which read scores alone: names are numbers of trials."""
    return ParetoFront(
        tuple(Candidate(StudentConfig(), trial.scores, str(number)) for number, trial in enumerate(trials))
    )


def front_table(space: SizeSpace[SizesT], front: Sequence[Trial[SizesT]], chosen: Trial[SizesT]) -> str:
    """Markdown: one line a candidate, `*` at the chosen one."""
    is_timed = any(trial.scores.latency_s is not None for trial in front)
    timed = ["ms a function"] if is_timed else []
    header = ["", "bytes", *timed, "mean AUC", *space.described(chosen.sizes), *chosen.sets]
    lines = [
        [
            "*" if trial is chosen else "",
            f"{trial.scores.size_bytes:,}",
            *([f"{1e3 * (trial.scores.latency_s or 0):.3f}"] if is_timed else []),
            f"{trial.scores.effectiveness:.4f}",
            *map(str, space.described(trial.sizes).values()),
            *(f"{area:.4f}" for area in trial.sets.values()),
        ]
        for trial in front
    ]
    return markdown([header, *lines])


def front_points(
    space: SizeSpace[SizesT], full: Sequence[Trial[SizesT]], front: Sequence[Trial[SizesT]], chosen: Trial[SizesT]
) -> list[Point]:
    """Points of the picture: every full training, those of the front apart."""
    return [
        Point(
            ", ".join(f"{name} {value}" for name, value in space.described(trial.sizes).items()),
            trial.scores.size_bytes,
            trial.scores.effectiveness or 0.0,
            Group.CHOSEN if trial is chosen else Group.FRONT if trial in front else Group.TRIAL,
            latency_s=trial.scores.latency_s,
        )
        for trial in full
    ]


class _Journal(Generic[SizesT]):
    """Trials of one context, one line each."""

    def __init__(self, path: Path, context: str, read: ReadSizes[SizesT]) -> None:
        self._path, self._context, self._trials = path, context, dict[str, Trial[SizesT]]()
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            raw = json.loads(line) if line.endswith("}") else {}  # a killed run leaves half a line
            if raw.get("context") == context:
                self._keep(Trial(read(raw["sizes"]), raw["steps"], Scores(**raw["scores"]), raw["sets"]))

    def get(self, sizes: SizesT, steps: int) -> Trial[SizesT] | None:
        """The trial, where it was made."""
        return self._trials.get(f"{sizes} {steps}")

    def add(self, trial: Trial[SizesT]) -> Trial[SizesT]:
        """Write a trial down."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"context": self._context, **trial.to_dict()}) + "\n")
        return self._keep(trial)

    def _keep(self, trial: Trial[SizesT]) -> Trial[SizesT]:
        self._trials[f"{trial.sizes} {trial.steps}"] = trial
        return trial
