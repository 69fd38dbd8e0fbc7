"""Search over the sizes of a similarity encoder: brief trainings of many, full ones of the better half, a front.

Leaves `journal.jsonl` (each training once, so that a search resumes), `front.json`, its table `front.md`, its picture
`front.svg`, and `chosen.json`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from codewren.compress.similarity_run import SimilarityRun, drafted, trained_rows
from codewren.compress.staged_run import content_key
from codewren.compress.transfer_report import bundle_figures, valid_solutions
from codewren.core.errors import InputError
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.pareto import Candidate, ParetoFront, Scores
from codewren.core.run_folder import CHOSEN, FRONT, FRONT_PLOT, FRONT_TABLE, JOURNAL
from codewren.core.similarity_recipe import EncoderSizes, SimilarityRecipe
from codewren.core.student_config import StudentConfig
from codewren.measure.transfer import area_under_curve
from codewren.predict.similarity import SimilarityPredictor
from codewren.report.draw.pareto_plot import Group, Point, pareto_file
from codewren.report.table import markdown
from codewren.search.choose import choose
from codewren.search.encoder_proposals import greatest_bounds
from codewren.search.octaves import octaves
from codewren.search.space.encoder_space import described, spread_sizes
from codewren.train.similarity.fitting import read_labelled, similarities

MANIFEST_BYTES = 16_000
"""Of a bundle beside its tables, rounded up: manifest, card and the archive itself."""

PROMOTED = 0.5


@dataclass(frozen=True, slots=True)
class EncoderTrial:
    """One training.

    Attributes:
        sizes: of the encoder.
        steps: it was trained for.
        scores: bytes of the whole file, measured seconds a function, and the mean AUC of all validation sets.
        sets: AUC by validation set.
    """

    sizes: EncoderSizes
    steps: int
    scores: Scores
    sets: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"sizes": asdict(self.sizes), "steps": self.steps, "scores": self.scores.to_dict(), "sets": self.sets}


TRIAL_ROWS = "trials/{key}.npz"
TIMED_FUNCTIONS, TIMES = 500, 3

TrainSizes = Callable[[EncoderSizes, int], EncoderTrial]
"""Trains an encoder of these sizes for so many steps, and measures it."""


def search_sizes(recipe: SimilarityRecipe, out: Path, *, context: str, train: TrainSizes) -> tuple[EncoderSizes, str]:
    """Search as `[search]` says; the chosen sizes, and why.

    Args:
        recipe: with budget and search.
        out: the run's folder.
        context: names what trials depend on beside their sizes; those of another context are not taken up.
        train: makes a trial.

    Raises:
        InfeasibleError: nothing in the space keeps the budget, or nothing on the front the pick rule.
    """
    search, known = recipe.search, _Journal(out / JOURNAL, context)

    def trial(sizes: EncoderSizes, steps: int) -> EncoderTrial:
        return known.get(sizes, steps) or known.add(train(sizes, steps))

    most_bytes = (recipe.budget.max_bytes or 1 << 40) - MANIFEST_BYTES
    first = search.trials if search.strategy == "halving" else ceil(search.trials / 2)
    brief = [
        trial(sizes, search.trial_steps) for sizes in spread_sizes(recipe.sizes, most_bytes, first, seed=search.seed)
    ]
    left = search.trials - first
    for count in (ceil(left / 2), left // 2):
        seen = {each.sizes: each.scores.effectiveness or 0.0 for each in brief}
        proposed = greatest_bounds(seen, most_bytes, count, seed=search.seed)
        brief += [trial(sizes, search.trial_steps) for sizes in proposed]
    full = [trial(each.sizes, recipe.contrast.steps) for each in promoted(brief)]
    front = front_of([each for each in full if recipe.budget.allows(each.scores)])
    choice = choose(_as_front(front), search.pick)
    chosen = front[int(choice.candidate.name)]
    write_json(out / FRONT, {"candidates": [each.to_dict() for each in front]})
    write_bytes(out / FRONT_TABLE, (front_table(front, chosen) + "\n").encode())
    write_bytes(out / FRONT_PLOT, pareto_file(front_points(full, front, chosen), metric="mean AUC").encode())
    return chosen.sizes, choice.reason


def promoted(trials: Sequence[EncoderTrial]) -> list[EncoderTrial]:
    """The better half of every octave of bytes: small encoders are never as good as large ones."""
    sizes = np.array([trial.scores.size_bytes for trial in trials], np.float64)
    levels = octaves(sizes, float(sizes.max())).tolist()
    better: list[EncoderTrial] = []
    for level in sorted(set(levels)):
        members = [trial for trial, own in zip(trials, levels, strict=True) if own == level]
        members.sort(key=lambda trial: -(trial.scores.effectiveness or 0.0))
        better += members[: ceil(PROMOTED * len(members))]
    return better


def front_of(trials: Sequence[EncoderTrial]) -> list[EncoderTrial]:
    """Trials that no other one dominates in effectiveness, bytes and latency; smallest first."""
    front = [trial for trial in trials if not any(other.scores.dominates(trial.scores) for other in trials)]
    return sorted(front, key=lambda trial: trial.scores.size_bytes)


def _as_front(trials: Sequence[EncoderTrial]) -> ParetoFront:
    """For the pick rules, which read scores alone: names are numbers of trials."""
    return ParetoFront(
        tuple(Candidate(StudentConfig(), trial.scores, str(number)) for number, trial in enumerate(trials))
    )


def front_table(front: Sequence[EncoderTrial], chosen: EncoderTrial) -> str:
    """Markdown: one line a candidate, `*` at the chosen one."""
    header = ["", "bytes", "ms a function", "mean AUC", *described(chosen.sizes), *chosen.sets]
    lines = [
        [
            "*" if trial is chosen else "",
            f"{trial.scores.size_bytes:,}",
            f"{1e3 * (trial.scores.latency_s or 0):.3f}",
            f"{trial.scores.effectiveness:.4f}",
            *map(str, described(trial.sizes).values()),
            *(f"{area:.4f}" for area in trial.sets.values()),
        ]
        for trial in front
    ]
    return markdown([header, *lines])


def front_points(full: Sequence[EncoderTrial], front: Sequence[EncoderTrial], chosen: EncoderTrial) -> list[Point]:
    """Points of the picture: every full training, those of the front apart."""
    return [
        Point(
            ", ".join(f"{name} {value}" for name, value in described(trial.sizes).items()),
            trial.scores.size_bytes,
            trial.scores.effectiveness or 0.0,
            Group.CHOSEN if trial is chosen else Group.FRONT if trial in front else Group.TRIAL,
            latency_s=trial.scores.latency_s,
        )
        for trial in full
    ]


class _Journal:
    """Trials of one context, one line each."""

    def __init__(self, path: Path, context: str) -> None:
        self._path, self._context, self._trials = path, context, dict[str, EncoderTrial]()
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            raw = json.loads(line) if line.endswith("}") else {}  # a killed run leaves half a line
            if raw.get("context") == context:
                sizes = EncoderSizes.from_dict(raw["sizes"])
                self._keep(EncoderTrial(sizes, raw["steps"], Scores(**raw["scores"]), raw["sets"]))

    def get(self, sizes: EncoderSizes, steps: int) -> EncoderTrial | None:
        """The trial, where it was made."""
        return self._trials.get(f"{sizes} {steps}")

    def add(self, trial: EncoderTrial) -> EncoderTrial:
        """Write a trial down."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"context": self._context, **trial.to_dict()}) + "\n")
        return self._keep(trial)

    def _keep(self, trial: EncoderTrial) -> EncoderTrial:
        self._trials[f"{trial.sizes} {trial.steps}"] = trial
        return trial


def searched(run: SimilarityRun) -> SimilarityRun:
    """The run with the sizes that its search chooses, and nothing left to search; a finished search is not repeated.

    Raises:
        InputError: there is nothing to judge sizes by, or rows to start from, which have sizes already.
        InfeasibleError: as `search_sizes`.
    """
    recipe, done = run.recipe, run.path(CHOSEN)
    if recipe.valid is None:
        raise InputError("a search judges encoders by [objective.valid]; add it, or set search.strategy = 'fixed'")
    if recipe.contrast.initial is not None:
        raise InputError("contrast.initial has sizes of its own; leave it out, or set search.strategy = 'fixed'")
    context = content_key([run.data_key(), asdict(recipe.contrast), asdict(recipe.sizes.shares)])
    key = content_key([context, asdict(recipe.search), asdict(recipe.budget)])
    if not done.exists() or read_json(done).get("key") != key:

        def train(sizes: EncoderSizes, steps: int) -> EncoderTrial:
            run.tell(f"trial: {described(sizes)}, {steps} steps")
            return trained_trial(run, sizes, steps)

        sizes, reason = search_sizes(recipe, run.out, context=context, train=train)
        write_json(done, {"key": key, "sizes": asdict(sizes), "reason": reason})
    chosen = EncoderSizes.from_dict(read_json(done)["sizes"])
    return replace(run, recipe=replace(recipe, sizes=chosen, search=replace(recipe.search, strategy="fixed")))


def trained_trial(run: SimilarityRun, sizes: EncoderSizes, steps: int) -> EncoderTrial:
    """Train an encoder of these sizes, and measure it through the runtime."""
    recipe = run.recipe
    trial_run = replace(run, recipe=replace(recipe, sizes=sizes, contrast=replace(recipe.contrast, steps=steps)))
    predictor = drafted(trial_run, trained_rows(trial_run, TRIAL_ROWS.format(key=trial_run.training_key()[:16])))
    solutions = list(valid_solutions(recipe, recipe.valid)) if recipe.valid else []
    sets = {name: figures.auc for name, figures in bundle_figures(predictor, solutions).items()}
    for name, source in sorted(recipe.sources.items()):
        if source.kind == "pairs" and source.valid is not None:
            pairs, labels = read_labelled(recipe, source, source.valid)
            values = similarities(predictor, pairs)
            sets[name] = area_under_curve(values[labels], values[~labels])
    size_bytes = predictor.bundle.size_bytes + MANIFEST_BYTES
    latency_s = seconds_a_function(predictor, [solution.text for solution in solutions[:TIMED_FUNCTIONS]])
    scores = Scores(float(np.mean(list(sets.values()))), size_bytes, latency_s, measured=True)
    return EncoderTrial(sizes, steps, scores, sets)


def seconds_a_function(predictor: SimilarityPredictor, texts: Sequence[str]) -> float:
    """Processor time of encoding one, tokenisation included: the least of a few rounds, on one thread."""
    predictor.threads = 1
    rounds = []
    for _ in range(TIMES):
        start = time.process_time()
        predictor.encode(texts)
        rounds.append(time.process_time() - start)
    return min(rounds) / max(1, len(texts))
