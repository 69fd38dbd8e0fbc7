"""What a report says about one run, gathered and checked before anything is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.measure.estimate import Measure
from codewren.measure.intervals import Comparison, Ints
from codewren.report.draw.pareto_plot import Point
from codewren.report.draw.reliability import BinAccuracy
from codewren.report.draw.training_plot import Epoch

UNJUDGED = "effectiveness not judged"


class Role(StrEnum):
    """Whose model a row of the table is."""

    TEACHER = "teacher"
    BILSTM = "BiLSTM"
    COMPRESSOR = "Compressor"
    AVATAR = "Avatar"
    OURS = "codewren"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy and carbon of 1,000 items.

    Attributes:
        energy_j: joules, with the interval that the meter's uncertainty gives.
        co2e_g: grams of CO2 equivalent, None where no grid intensity was given.
        meter: how it was found, such as `measured by RAPL` or `modelled: ...`.
    """

    energy_j: Measure
    co2e_g: Measure | None
    meter: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model on one split.

    Attributes:
        how: where the figures come from: never mixed with figures from elsewhere.
        measures: by name.
        size_bytes: of what it needs on disk.
        flops: floating-point operations per item, honestly counted, or counted by hardware and tools.
        papers_flops: the same by the papers' formula.
        latency_s: median seconds per item.
        timed_in: the session that timed it: only times of one session may be divided by each other.
        majority: accuracy of always answering the commonest label of the split.
        undefined: measures without a value, and why.
        sha256: of a bundle, empty for anything else.
    """

    name: str
    role: Role
    how: str
    measures: Mapping[str, Measure] = field(default_factory=dict)
    size_bytes: int | None = None
    flops: float | None = None
    papers_flops: float | None = None
    latency_s: Measure | None = None
    timed_in: str = ""
    energy: Energy | None = None
    majority: Measure | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text: the first column names the row; `section` is the one of the page that it belongs to."""

    section: Literal["latency", "items", "fidelity", "models"]
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RunFacts:
    """Everything known about one run; what is unknown is empty, and `missing` says how to measure it.

    Attributes:
        name: of the folder or file.
        dataset: of the papers, where the recipe names one; else empty.
        data_sha256: of the split that was judged: only models judged on the same items may be compared.
        student: the model that the run made, also the last of `models`.
        comparisons: paired tests of two models on the same items: first, second, result.
        history: validation scores of the training, epoch by epoch.
        kept_epoch: the one whose weights ship.
        metric: the validation metric that picked the epoch.
        points: students tried, the front, the chosen.
        noise: standard deviation of a trial's score, where the search found one.
        lengths: tokens of each function before cutting; `limit` tokens are read.
        times_s: seconds per item of each timed model.
        machine: facts about the machine that was timed.
        tables: flips, slices, further figures that a table says best.
        warnings: what makes the figures flatter than they look.
        provenance: name and value.
        commands: what makes this run and this page again.
        recipe: resolved, as TOML.
        missing: section -> what to run.
        family: recipe without its seeds, the same for runs that differ by the seed only; empty where unknown.
        labels: true labels of the items, where they were at hand.
        answers: predicted labels of the same items, by model.
    """

    name: str
    task: Task
    config: StudentConfig | None
    models: tuple[ModelFacts, ...]
    split: str = "valid"
    dataset: str = ""
    data_sha256: str = ""
    comparisons: tuple[tuple[str, str, Comparison], ...] = ()
    history: tuple[Epoch, ...] = ()
    kept_epoch: int | None = None
    metric: str = "accuracy"
    points: tuple[Point, ...] = ()
    noise: float | None = None
    reliability: Mapping[str, tuple[BinAccuracy, ...]] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    limit: int = 0
    times_s: Mapping[str, Sequence[float]] = field(default_factory=dict)
    machine: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    recipe: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    seed: int | None = None
    labels: Ints | None = None
    answers: Mapping[str, Ints] = field(default_factory=dict)

    @property
    def student(self) -> ModelFacts:
        """The model of this run."""
        return self.models[-1]

    @property
    def teacher(self) -> ModelFacts | None:
        """Its teacher, where its figures are known."""
        return next((model for model in self.models if model.role is Role.TEACHER), None)

    @property
    def majority(self) -> float | None:
        """Accuracy of always answering the commonest label."""
        known = (model.majority.value for model in self.models if model.majority is not None)
        return next(known, None)

    @property
    def imbalanced(self) -> bool:
        """Whether accuracy says little here: one label has three quarters of the items or more."""
        return (self.majority or 0.0) >= 0.75
