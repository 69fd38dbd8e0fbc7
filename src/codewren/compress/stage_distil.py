"""Stage: train the chosen student; also the trial that a search runs."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from codewren.bundle.size import bundle_size_bytes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.compress.run import Run
from codewren.compress.stage_energy import run_meter
from codewren.compress.trial_flips import trial_flips
from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.formulas import student_flops
from codewren.core.pareto import Scores
from codewren.core.recipe import Recipe
from codewren.core.run_folder import CHECKPOINT, IDENTITY, LOG, TRAINING, TRIALS
from codewren.core.student_config import StudentConfig
from codewren.measure.energy.stage import EnergyMeter
from codewren.search.strategies import wants_flips
from codewren.search.trials.trial import Evaluation
from codewren.train.distil import Distilled, distil


@dataclass(frozen=True, slots=True)
class TrainedStudent:
    """What export needs: the configuration as built (its vocabulary may be smaller than asked), tokenizer, weights."""

    config: StudentConfig
    tokenizer: TokenizerSpec
    distilled: Distilled


def distil_student(run: Run, config: StudentConfig) -> TrainedStudent:
    """Train one student fully in `student/`, resuming what is there.

    A trial of the search that was the very same training is taken over, not repeated.

    Raises:
        TrainingError, TeacherError, InputError: as the parts.
    """
    options, folder = run.recipe.distil, run.path(TRAINING)
    if options.epochs == run.recipe.search.trial_epochs:  # else the schedule of the learning rate is another one
        _take_over(trial_folder(run.out, run.inputs(), config, options.seed), folder)
    trained = _train(run, config, folder, seed=options.seed, epochs=options.epochs)
    run.save_recipe()
    return trained


def trial_student(run: Run, config: StudentConfig) -> TrainedStudent:
    """A student as a trial of the search left it, with the seed and epochs of `[distil]`; nothing is trained.

    Raises:
        InputError: no trial trained it so long.
    """
    seed, epochs = run.recipe.distil.seed, run.recipe.distil.epochs
    folder = trial_folder(run.out, run.inputs(), config, seed)
    log = folder / LOG
    done = len(log.read_bytes().splitlines()) if (folder / CHECKPOINT).exists() and log.exists() else 0
    if done < epochs:
        raise InputError(
            f"{folder} holds {done} of {epochs} epochs; search again with search.strategy=wren in the same folder"
        )
    return _train(run, config, folder, seed=seed, epochs=epochs)


def _take_over(trial: Path, folder: Path) -> None:
    if (trial / CHECKPOINT).exists() and not (folder / CHECKPOINT).exists():
        for name in (IDENTITY, LOG, CHECKPOINT):  # the checkpoint last: it is what makes it a run
            if (trial / name).exists():
                write_bytes(folder / name, (trial / name).read_bytes())


@dataclass(frozen=True, slots=True)
class DistilTrial:
    """Trains a student of a search for some epochs and judges it on the validation split; travels to other processes.

    The learning-rate schedule is laid out for `search.trial_epochs`, so that a longer trial of the same configuration
    and seed carries on exactly where the shorter one stopped.
    """

    recipe: Recipe
    out: Path
    inputs: Mapping[str, Any]

    def __call__(self, config: StudentConfig, *, fidelity: int, seed: int) -> Evaluation:
        """Scores after `fidelity` epochs, and what these took."""
        measured = EnergyMeter(run_meter("trial"))
        with measured:
            scores = self._scores(config, fidelity=fidelity, seed=seed)
        energy = measured.energy
        return Evaluation(scores, energy.joules, energy.meter) if energy else Evaluation(scores)

    def _scores(self, config: StudentConfig, *, fidelity: int, seed: int) -> Scores:
        run = _opened(self.recipe.to_json(), self.out, json.dumps(self.inputs))
        epochs = max(self.recipe.search.trial_epochs, fidelity)
        folder = trial_folder(self.out, self.inputs, config, seed)
        trained = _train(run, config, folder, seed=seed, epochs=epochs, stop_after=fidelity)
        task = self.recipe.task
        return Scores(
            effectiveness=trained.distilled.score,
            size_bytes=bundle_size_bytes(trained.config, task, len(zlib.compress(trained.tokenizer.to_bytes(), 9))),
            flops=student_flops(trained.config, task),
            measured=True,
            flips=trial_flips(run, trained.config, trained.tokenizer, trained.distilled)
            if wants_flips(run.recipe.search)
            else None,
        )


@lru_cache(maxsize=1)
def _opened(recipe: str, out: Path, inputs: str) -> Run:
    """The run of a search on these inputs, opened once a process: its data are tokenised for every trial."""
    return Run(Recipe.from_json(recipe), out, quiet=True)


def _train(
    run: Run, config: StudentConfig, folder: Path, *, seed: int, epochs: int, stop_after: int | None = None
) -> TrainedStudent:
    spec = run.tokenizer(config)
    built = config.replace(vocab_size=len(spec.vocab))
    distilled = distil(
        built,
        run.recipe.task,
        train=run.training_split(built, spec),
        valid=run.encoded("valid", built, spec, taught=False),
        options=replace(run.recipe.distil, seed=seed, epochs=epochs),
        select=run.select(),
        out=folder,
        stop_after=stop_after,
        quiet=run.quiet,
    )
    return TrainedStudent(built, spec, distilled)


def trial_folder(out: Path, inputs: Mapping[str, Any], config: StudentConfig, seed: int) -> Path:
    """Where a search in `out` keeps the training of a student on these inputs."""
    name = hashlib.sha256(json.dumps([inputs, config.to_dict(), seed], sort_keys=True).encode()).hexdigest()[:16]
    return out / TRIALS / name
