"""Stage: find the student's configuration; leaves `journal.jsonl`, `front.json`, `.md`, `.svg`, and `chosen.json`."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from codewren.bundle.size import bundle_size_bytes, weights_size_bytes
from codewren.compress.cost_table import latency_model
from codewren.compress.epoch_times import search_pace
from codewren.compress.flips import check_edits
from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.compress.search_files import judged_rivals, report_front
from codewren.compress.stage_distil import DistilTrial
from codewren.core.errors import InfeasibleError
from codewren.core.files import file_sha256, read_json, write_json
from codewren.core.pareto import Scores
from codewren.core.recipe_sections import SearchSection
from codewren.core.run_folder import CHOSEN, JOURNAL
from codewren.core.student_config import StudentConfig
from codewren.search.choose import check_rule, choose
from codewren.search.space.enumerate import check_feasible
from codewren.search.space.space import named_space
from codewren.search.strategies import strategy_of, wants_flips
from codewren.search.strategy import Problem, SearchResult
from codewren.search.trials.cluster import DaskCluster
from codewren.search.trials.journal import Journal, read_journals
from codewren.search.trials.local_processes import LocalProcesses
from codewren.search.trials.runner import InProcess, TrialRunner, Workers
from codewren.search.trials.trial import Request, Trial


def search_configuration(run: Run) -> StudentConfig:
    """Search as `[search]` says and choose one configuration; a finished search is not repeated.

    Raises:
        InfeasibleError: nothing in the space keeps the budget, or nothing on the front keeps the pick rule.
        TeacherError: a split to learn from is not labelled yet.
        TrainingError: every training failed.
        BundleError, InputError: a rival cannot be read, or is for another task; the pick rule is none.
    """
    _check_wishes(run)
    done, settings = run.path(CHOSEN), _settings(run)
    if done.exists() and read_json(done).get("settings") == settings:
        return run.chosen()
    if run.recipe.search.strategy == "fixed":
        chosen, reason = run.recipe.student, "given by the recipe"
    else:
        rivals = judged_rivals(run)  # first: one that cannot be read must not cost a search
        result = _search(run)
        choice = choose(result.front, run.recipe.search.pick, noise=result.noise)
        chosen, reason = choice.candidate.config, choice.reason
        warn(run, "search", _no_better_than_chance(run, choice.candidate.scores))
        report_front(run, result, choice, rivals=rivals)
    write_json(done, {"config": chosen.to_dict(), "reason": reason, "settings": settings})
    run.save_recipe()
    return chosen


def _search(run: Run) -> SearchResult:
    recipe, section = run.recipe, run.recipe.search
    space = named_space(section.space, recipe.task, recipe.student)
    warm_start = read_journals(recipe.folder / path for path in section.warm_start)
    strategy = strategy_of(section, warm_start=warm_start)
    trains = strategy.trains
    problem = Problem(
        recipe.task,
        space,
        recipe.budget,
        lambda config: bundle_size_bytes(config, recipe.task),
        chance=_constant_score(run),
        validation_items=len(run.dataset("valid")),
    )
    if trains and (
        section.mode == "repaired" or section.strategy in ("random", "morph", "wren")
    ):  # released ones keep no budget
        unlimited = replace(problem, budget=replace(recipe.budget, max_latency_s=None))
        check_feasible(space, unlimited.limits())
    journal = Journal(run.path(JOURNAL), context=_context(run))
    latency = latency_model(run, space) if trains or recipe.budget.max_latency_s is not None else None
    pace = search_pace(run, space, latency) if trains and latency else None
    portable = replace(recipe, folder=recipe.folder.resolve())  # workers may stand in another directory
    runner = TrialRunner(
        DistilTrial(portable, run.out.resolve(), run.inputs() if trains else {}),
        journal,
        _workers(section),
        watch=pace.ran if pace else lambda trial: None,
    )

    def run_trials(requests: Sequence[Request]) -> list[Trial]:
        if pace is not None:
            pace.expect(requests)
        return runner(requests)

    problem = replace(problem, latency_s=latency, run_trials=run_trials, pace=pace)
    return strategy.search(problem, seed=section.seed)


def _trains(section: SearchSection) -> bool:
    return section.strategy not in ("fixed", "compressor")


def _workers(section: SearchSection) -> Workers:
    if section.scheduler is not None:
        return DaskCluster(section.scheduler)
    return LocalProcesses(section.workers) if section.workers > 1 else InProcess()


def _no_better_than_chance(run: Run, scores: Scores) -> list[str]:
    """A warning where the chosen student's validation score is that of a constant answer."""
    chance = _constant_score(run)
    if not scores.measured or scores.effectiveness is None or scores.effectiveness > chance:
        return []
    metric = run.recipe.distil.selection
    return [
        f"the chosen student has {metric} {scores.effectiveness:.4f} on valid, one answer for all {chance:.4f}: the "
        "training collapsed; try distil.selection = 'mcc', more search.trial_epochs or another learning_rate"
    ]


def _constant_score(run: Run) -> float:
    """The best validation score, by the selection metric, of giving every item one label."""
    labels = np.asarray(run.dataset("valid").known_labels())
    answers = np.eye(len(run.recipe.task.labels), dtype=np.float32) - np.float32(0.5)
    return max(run.select()(labels, np.tile(answer, (len(labels), 1))) for answer in answers)


def _check_wishes(run: Run) -> None:
    """Refuse before anything is trained what could only be refused after it.

    Raises:
        InputError: a pick rule or an edit that cannot be understood.
        InfeasibleError: the given student is larger than the budget.
    """
    recipe = run.recipe
    check_rule(recipe.search.pick)
    if wants_flips(recipe.search):
        check_edits(recipe.task, recipe.search.flip_edits)
    limit = recipe.budget.max_bytes
    if recipe.search.strategy == "fixed" and limit is not None:
        words = len(run.tokenizer(recipe.student).vocab)  # may be fewer than asked for
        weights = weights_size_bytes(recipe.student.replace(vocab_size=words), recipe.task)
        if weights > limit:
            raise InfeasibleError(
                f"the student of [student] has {weights:,} bytes of weights alone, the budget is {limit:,}; "
                "lower vocab_size or hidden_size, or raise budget.max_bytes"
            )


def _settings(run: Run) -> dict[str, Any]:
    plain = run.recipe.to_dict()
    # Where the trials ran does not change what they found.
    idle = ("workers", "scheduler") if wants_flips(run.recipe.search) else ("workers", "scheduler", "flip_edits")
    search = {name: value for name, value in plain["search"].items() if name not in idle}
    # Trials have a seed and epochs of their own.
    distil = {name: value for name, value in plain["distil"].items() if name not in ("seed", "epochs")}
    settings = {"search": search, "budget": plain["budget"], "student": plain["student"], "distil": distil}
    if _trains(run.recipe.search):  # here a missing label run is one clear error, not a failure of every trial
        earlier = [file_sha256(run.recipe.folder / path) for path in run.recipe.search.warm_start]
        settings |= {"task": plain["task"], "inputs": run.inputs(), "warm_start": earlier}
    loaded: dict[str, Any] = json.loads(json.dumps(settings))
    return loaded


def _context(run: Run) -> str:
    """Names the search a journal belongs to: everything its trials depend on, not what picks and shows."""
    settings = _settings(run)
    for shows in ("pick", "rivals"):
        settings["search"].pop(shows)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
