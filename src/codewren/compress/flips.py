"""How true a bundle is to its teacher and to what code means: `codewren evaluate --edits`.

Functions are edited in four ways that keep their meaning (`codewren.edits`): other names for all parameters and
local variables (`rename`), another layout (`reformat`), no comments (`comments`), a first statement that does nothing
(`dead_code`). A prediction that changes has flipped. Rates count the items whose text the edit changed. Names are drawn
from those of the split's own variables. Of a pair both functions are edited, with independent draws; `rename_left`
renames the left one only.

The JSON, under the key `fidelity` of what `--json` writes (a figure is {"value", "low", "high", "n"}; 95 % intervals):

    {
      "seed": int,                                of the edits
      "agreement": figure | null,                 share of labels that the teacher's logits give too; null without them
      "kappa": figure | null,                     the same beyond chance (Cohen)
      "ece": figure, "brier": figure,
      "reliability": [{"low", "high", "count", "confidence", "accuracy"}],      bins that hold items
      "flips": {edit: {"edited", "flipped", "rate", "low", "high"}},            edit: rename, reformat, comments,
                                                                                dead_code; of pairs also rename_left
      "slices": [{"by": "length"|"project", "name", "n", "accuracy", "low", "high", "rest"}],     worst first
      "versus": {"bundle", "flips": as above,                                                               if compared
                 "tests": {edit: {"items", "only_first", "only_second", "p_value"}}},
      "teacher": {"flips": as above, "tests": as above}                                                     if asked for
    }
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.errors import InputError, nearest
from codewren.core.task import Task
from codewren.edits import EDITABLE, add_dead_code, local_names, reformat, remove_comments, rename
from codewren.measure.fidelity import (
    Flags,
    Flips,
    ReliabilityBin,
    Slice,
    compare_flips,
    flips,
    kappa,
    quartile_names,
    reliability_bins,
    slices,
)
from codewren.measure.intervals import Floats, Ints, Measure, proportion
from codewren.measure.quality import Quality
from codewren.measure.task_quality import decisions, logits_predictions
from codewren.report.table import markdown

EDITS = ("rename", "reformat", "comments", "dead_code")
WORST_SHOWN = 4
_DEFAULT_NAMES = ("value", "data", "index")

Edit = Callable[[str, random.Random], str]
PredictLabels = Callable[[Dataset], Ints]


@dataclass(frozen=True, slots=True)
class Edited:
    """A split after one edit: the items are the same, their functions other texts.

    Attributes:
        dataset: with the edited functions.
        edited_N: items whose text changed.
    """

    dataset: Dataset
    edited_N: Flags


def edited_splits(dataset: Dataset, *, seed: int = 0, only: Sequence[str] = ()) -> dict[str, Edited]:
    """A split under every edit, or under those of `only`, by name.

    Raises:
        InputError: functions of the task's language cannot be edited, or an edit is unknown.
    """
    check_edits(dataset.task, only)
    wanted = only or edit_names(dataset.task)
    versions = {
        name: [_version(dataset, edit, f"{seed} {name} {side}") for side in "ab"]
        for name, edit in _edits(dataset).items()
        if any(edit_name.startswith(name) for edit_name in wanted)
    }
    if dataset.task.functions_per_item == 1:
        return {name: _joined(dataset, left, ()) for name, (left, _) in versions.items()}
    found = {name: _joined(dataset, left, right) for name, (left, right) in versions.items() if name in wanted}
    if "rename_left" in wanted:
        found["rename_left"] = _joined(dataset, versions["rename"][0], dataset.functions)
    return found


def edit_names(task: Task) -> tuple[str, ...]:
    """Names of the edits that items of a task can be given."""
    return (*EDITS, *(("rename_left",) if task.functions_per_item == 2 else ()))


def check_edits(task: Task, names: Sequence[str]) -> None:
    """Check names of edits before anything is spent on them.

    Raises:
        InputError: functions of the task's language cannot be edited, or an edit is unknown.
    """
    if task.language not in EDITABLE:
        about, remedy = (task.language, "") if task.language else ("no one language", "; set language in [task]")
        raise InputError(
            f"task {task.name!r} is about {about}; functions can be edited in {', '.join(EDITABLE)}{remedy}"
        )
    for name in names:
        if name not in edit_names(task):
            raise InputError(f"edit {name!r} is unknown; {nearest(name, edit_names(task))}")


def _edits(dataset: Dataset) -> dict[str, Edit]:
    language = dataset.task.language or ""
    pool = [name for text in dataset.functions for name in local_names(text, language)] or _DEFAULT_NAMES
    return {
        "rename": lambda text, rng: rename(text, language, rng=rng, names=pool),
        "reformat": lambda text, rng: reformat(text, language, rng=rng),
        "comments": lambda text, _: remove_comments(text, language),
        "dead_code": lambda text, rng: add_dead_code(text, language, rng=rng),
    }


def _version(dataset: Dataset, edit: Edit, seed: str) -> tuple[str, ...]:
    """Every function edited with random numbers of its own, so that a subset is edited as the whole is."""
    pairs = zip(dataset.function_ids, dataset.functions, strict=True)
    return tuple(edit(text, random.Random(f"{seed} {name}")) for name, text in pairs)


def _joined(dataset: Dataset, left: Sequence[str], right: Sequence[str]) -> Edited:
    """Items of left functions from one version and right ones from another."""
    count = len(dataset.functions)
    new = replace(
        dataset,
        functions=(*left, *right),
        function_ids=tuple(f"{name} ({side})" for side in "ab"[: 1 + bool(right)] for name in dataset.function_ids),
        items=tuple((first, *(count + index for index in rest)) for first, *rest in dataset.items),
    )
    changed = [new.texts(index) != dataset.texts(index) for index in range(len(dataset))]
    return Edited(new, np.asarray(changed, dtype=np.bool_))


def flips_of(predict: PredictLabels, dataset: Dataset, edited: Mapping[str, Edited]) -> dict[str, Flips]:
    """Flips of one model under every edit.

    Raises:
        InputError: the model is not deterministic.
    """
    before = predict(dataset)
    return {name: flips(before, predict(after.dataset), after.edited_N) for name, after in edited.items()}


@dataclass(frozen=True, slots=True)
class Rival:
    """Flips of another predictor on the same edits."""

    name: str
    flips: Mapping[str, Flips]

    def tests(self, first: Mapping[str, Flips]) -> dict[str, dict[str, Any]]:
        """Paired tests of the first predictor's flips against this one's."""
        return {edit: compare_flips(found, self.flips[edit]).to_dict() for edit, found in first.items()}


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Everything `evaluate --edits` finds; the module says how it is written."""

    seed: int
    agreement: Measure | None
    kappa: Measure | None
    ece: Measure
    brier: Measure
    bins: tuple[ReliabilityBin, ...]
    flips: Mapping[str, Flips]
    slices: tuple[Slice, ...]
    versus: Rival | None = None
    teacher: Rival | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        figures = {"agreement": self.agreement, "kappa": self.kappa, "ece": self.ece, "brier": self.brier}
        found: dict[str, Any] = {
            "seed": self.seed,
            **{name: None if figure is None else figure.to_dict() for name, figure in figures.items()},
            "reliability": [asdict(confidence_bin) for confidence_bin in self.bins],
            "flips": _flips_dict(self.flips),
            "slices": [band.to_dict() for band in self.slices],
        }
        for key, rival in (("versus", self.versus), ("teacher", self.teacher)):
            if rival is not None:
                found[key] = {"flips": _flips_dict(rival.flips), "tests": rival.tests(self.flips)}
        if self.versus is not None:
            found["versus"] = {"bundle": self.versus.name, **found["versus"]}
        return found

    def table(self) -> str:
        """Flips, and the worst slices, for people."""
        rivals = [rival for rival in (self.versus, self.teacher) if rival is not None]
        head = ["flips under", "edited", "rate", *(f"{rival.name}, p" for rival in rivals)]
        tests = [rival.tests(self.flips) for rival in rivals]
        lines = [head]
        for edit, found in self.flips.items():
            others = [
                f"{rival.flips[edit].rate}, {test[edit]['p_value']:.2g}"
                for rival, test in zip(rivals, tests, strict=True)
            ]
            lines.append([edit.replace("_", " "), f"{found.rate.n:,}", str(found.rate), *others])
        worst = [["worst slices", "n", "accuracy", "elsewhere"]]
        worst += [
            [f"{s.by}: {s.name}", f"{s.accuracy.n:,}", str(s.accuracy), f"{s.elsewhere:.4f}"] for s in self.slices
        ]
        agreed = [] if self.kappa is None else [f"agreement with the teacher beyond chance: kappa {self.kappa}", ""]
        return "\n".join([*agreed, markdown(lines), "", markdown(worst[: 1 + WORST_SHOWN])])


def _flips_dict(found: Mapping[str, Flips]) -> dict[str, Any]:
    return {edit: flips.to_dict() for edit, flips in found.items()}


def fidelity(
    predict: PredictLabels,
    dataset: Dataset,
    *,
    quality: Quality,
    predicted: Ints,
    probabilities: Floats,
    teacher_logits: NDArray[np.float32] | None = None,
    projects: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Fidelity, Mapping[str, Edited]]:
    """Agreement, calibration, flips and slices of one model on a split with labels; and the edits, for rivals.

    `quality`, `predicted` and `probabilities` are those reported of the model, which may be out of fold; flips are its
    own.

    Raises:
        InputError: items without labels, or functions that cannot be edited.
    """
    labels = np.asarray(dataset.known_labels())
    task = dataset.task
    taught = None if teacher_logits is None else logits_predictions(task, teacher_logits)
    edited = edited_splits(dataset, seed=seed)
    found = Fidelity(
        seed=seed,
        agreement=None if taught is None else proportion("agreement", int((predicted == taught).sum()), len(taught)),
        kappa=None if taught is None else _kappa(task, predicted, taught),
        ece=quality["ece"],
        brier=quality["brier"],
        bins=reliability_bins(*decisions(task, labels, probabilities)),
        flips=flips_of(predict, dataset, edited),
        slices=slices(predicted == labels, _slice_names(dataset, projects)),
    )
    return found, edited


def _kappa(task: Task, predicted: Ints, taught: Ints) -> Measure:
    if not task.is_multi_label:
        return kappa(predicted, taught, classes=len(task.labels))
    sets, numbers = np.unique(np.concatenate([predicted, taught]), return_inverse=True)
    return kappa(numbers[: len(predicted)], numbers[len(predicted) :], classes=len(sets))


def _slice_names(dataset: Dataset, projects: Sequence[str] | None) -> dict[str, Sequence[str]]:
    """By length, of a pair that of the longer function, and by project."""
    lengths = [len(collapse_whitespace(text)) for text in dataset.functions]
    sizes = [max(lengths[index] for index in item) for item in dataset.items]
    return {"length": quartile_names(sizes, "characters"), **({"project": projects} if projects else {})}
