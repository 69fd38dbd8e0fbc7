"""The energy part of a benchmark: joules and grams of each model, and when a student has paid for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import InputError
from codewren.core.run_folder import ENERGY_FILES, JOURNAL, SPENT_STAGES
from codewren.measure.energy.break_even import BreakEven, break_even
from codewren.measure.energy.carbon import Grid
from codewren.measure.energy.meter import MeterSheet
from codewren.measure.energy.repeat import EnergyFigure
from codewren.measure.energy.stage import read_stages
from codewren.measure.estimate import Measure
from codewren.measure.fields import Fields

ITEMS = 1000
"""Joules are given for so many."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What making a student took.

    Attributes:
        stages: joules by stage.
        meters: labels of the meters that gave them.
        source: the folder they were read from.
    """

    stages: Mapping[str, float]
    meters: tuple[str, ...]
    source: str

    @property
    def joules(self) -> float:
        """Of all stages."""
        return sum(self.stages.values())

    def to_dict(self, grid: Grid | None) -> dict[str, Any]:
        """Return the JSON form."""
        grams = grid.grams(self.joules) if grid else None
        return {
            "joules": self.joules,
            "co2e_g": grams,
            "stages": dict(self.stages),
            "meters": list(self.meters),
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        stages = raw.within("stages")
        return cls({name: stages.number(name) for name in stages.raw}, raw.texts("meters"), raw.text("source"))


@dataclass(frozen=True, slots=True)
class EnergyReport:
    """How energy was measured, and what follows from it."""

    meter: MeterSheet
    idle_w: Measure | None = None
    grid: Grid | None = None
    spent: Spent | None = None
    break_even: Mapping[tuple[str, str], BreakEven] = field(default_factory=dict)

    def model_dict(self, figure: EnergyFigure) -> dict[str, Any]:
        """The JSON form of one model's energy."""
        joules = figure.joules.times(ITEMS, "joules_per_1000")
        grams = joules.times(self.grid.grams(1.0), "co2e_g_per_1000").to_dict() if self.grid else None
        return {
            "joules_per_1000": joules.to_dict(),
            "above_noise": figure.above_noise,
            "repeats": figure.repeats,
            "items": figure.items,
            "seconds": figure.seconds,
            "co2e_g_per_1000": grams,
            "plausible_joules_per_1000": [end * ITEMS for end in figure.plausible],
        }

    def figure_of(self, raw: Fields) -> EnergyFigure:
        """Read the JSON form of one model's energy.

        Raises:
            InputError: a field is missing or of another kind.
        """
        joules = raw.measure("joules_per_1000").times(1 / ITEMS, "joules")
        repeats, items, seconds = raw.count("repeats"), raw.count("items"), raw.number("seconds")
        return EnergyFigure(joules, repeats, items, seconds, self.meter.factor)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "meter": self.meter.to_dict(),
            "idle_w": self.idle_w.to_dict() if self.idle_w else None,
            "grid": self.grid.to_dict() if self.grid else None,
            "spent": self.spent.to_dict(self.grid) if self.spent else None,
            "break_even": [
                {"student": student, "teacher": teacher, **even.to_dict()}
                for (student, teacher), even in self.break_even.items()
            ],
        }

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        grid, spent = raw.maybe(raw.within, "grid"), raw.maybe(raw.within, "spent")
        return cls(
            MeterSheet.from_dict(raw.within("meter")),
            raw.maybe(raw.measure, "idle_w"),
            Grid.from_dict(grid) if grid else None,
            Spent.from_dict(spent) if spent else None,
            {(row.text("student"), row.text("teacher")): BreakEven.from_dict(row) for row in raw.each("break_even")},
        )


def break_evens(
    spent: Spent, figures: Mapping[str, EnergyFigure], students: Sequence[str], teacher: str
) -> dict[tuple[str, str], BreakEven]:
    """Each student against the teacher."""
    return {
        (student, teacher): break_even(spent.joules, figures[teacher], figures[student])
        for student in students
        if student != teacher
    }


def read_spent(folder: Path) -> Spent:
    """What a run's search and distillation took, as `codewren compress` left it.

    Raises:
        InputError: the run has neither `energy.json` nor a journal with joules.
    """
    stages: dict[str, float] = {}
    meters: dict[str, None] = {}
    for path in sorted(folder.glob(ENERGY_FILES)):
        for stage, energy in read_stages(path):
            if stage in SPENT_STAGES:
                stages[stage] = stages.get(stage, 0.0) + energy.joules
                meters[energy.meter] = None
    trials = _journal_joules(folder / JOURNAL) if "search" not in stages else 0.0
    if trials:
        stages["search"] = trials
        meters["as the journal's trials say"] = None
    if not stages:
        raise InputError(f"{folder}: no energy.json and no journal with joules; run codewren compress there again")
    return Spent(stages, tuple(meters), str(folder))


def _journal_joules(path: Path) -> float:
    """Sum over a search's trials; 0 without a journal."""
    if not path.exists():
        return 0.0
    from codewren.search.trials.journal import read_journal

    return sum(trial.energy_j or 0.0 for trial in read_journal(path)[1])
