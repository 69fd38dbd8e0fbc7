"""The second paper's first version: 50 trained students, a regression, and one weighted fitness.

`faithful`: accuracy - GFLOPs - |MB - 3|, all weights 1, by the first paper's genetic algorithm. In it accuracy is
drowned: FLOPs and size differ by whole units where accuracies differ by hundredths. `repaired`: the same idea with
shares of the budget as units, inside the exact feasible set and by enumeration.

Source: Avatar history deb9c39; SPEC 2.5, 2.6, 4.2 item 18.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

import numpy as np

from codewren.core.errors import InputError
from codewren.core.pareto import ParetoFront
from codewren.core.student_config import StudentConfig
from codewren.search.candidates import predicted, succeeded
from codewren.search.explore import EFFECTIVENESS, predicted_front
from codewren.search.papers.compressor import GENES, papers_candidate, papers_fitness, papers_megabytes
from codewren.search.papers.genetic import GeneticAlgorithm, Genome
from codewren.search.papers.v1_surrogates import SPLITS, Regression, compare, radial_network
from codewren.search.search_result import Belief, search_result
from codewren.search.space.features import Matrix
from codewren.search.space.points import Points
from codewren.search.space.sampling import adaptive_random, distinct
from codewren.search.space.space import SearchSpace
from codewren.search.strategy import Mode, Problem, SearchResult
from codewren.search.surrogate import Surrogate
from codewren.search.trainings import Trainings, effectiveness_of
from codewren.search.trials.trial import Request


@dataclass(frozen=True, slots=True)
class AvatarV1:
    """The first version's strategy.

    Attributes:
        mode: as released, or mended.
        sample: students trained for the regression.
        epochs: of each training.
        target_mb: size the faithful fitness aims at.
        population: of the genetic algorithm, faithful mode.
        generations: of it.
        splits: random splits on which the paper's five regressions are compared, faithful mode; 0 skips that.
        size_weight: effectiveness that the whole budget of bytes must be worth, repaired mode.
        flops_weight: effectiveness that the most FLOPs within the budget must be worth, repaired mode.
    """

    name: ClassVar[str] = "avatar-v1"
    trains: ClassVar[bool] = True
    mode: Mode = Mode.REPAIRED
    sample: int = 50
    epochs: int = 5
    target_mb: float = 3.0
    population: int = 50
    generations: int = 100
    splits: int = SPLITS
    size_weight: float = 0.01
    flops_weight: float = 0.01

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search.

        Raises:
            InfeasibleError: repaired mode only: no point keeps the budget.
            TrainingError: every training failed.
        """
        if self.sample < 5 or self.epochs < 1:
            raise InputError(f"sample {self.sample} and epochs {self.epochs} must be at least 5 and 1")
        return self._faithful(problem, seed) if self.mode is Mode.FAITHFUL else self._repaired(problem, seed)

    def _faithful(self, problem: Problem, seed: int) -> SearchResult:
        rng = Random(seed)
        configs = random_sizes(problem.space, self.sample, rng)
        trials = problem.run_trials([Request(config, seed, self.epochs) for config in configs])
        done = succeeded(trials)
        rows, target = sizes(problem.space, [trial.config for trial in done]), effectiveness_of(done)
        regression = radial_network(rows, target, seed)  # SPEC 2.5: the one its comparison chose
        # SPEC 2.6, v1: the first paper's genetic algorithm on accuracy - GFLOPs - |MB - target|.
        best = GeneticAlgorithm(self.population, self.generations).best(
            [problem.space.values(gene) for gene in GENES],
            lambda genome: v1_fitness(genome, _predict(problem.space, regression, genome), self.target_mb),
            rng,
            legal=lambda genome: genome[1] % genome[0] == 0,
        )
        config = student(problem.space, best)
        effectiveness = _predict(problem.space, regression, best)
        candidate = papers_candidate(config, problem.task)
        candidate = replace(candidate, scores=replace(candidate.scores, effectiveness=effectiveness), name=self.name)
        details = {"fitness": v1_fitness(best, effectiveness, self.target_mb)}
        if self.splits and len(done) >= 5:
            details |= compare(rows, target, seed=seed, splits=self.splits).to_dict()
        notes = (f"one fitness drowns accuracy in GFLOPs and MB; {self.target_mb:g} MB is a target, not a limit",)
        return SearchResult(ParetoFront((candidate,)), trials=tuple(trials), notes=notes, details=details)

    def _repaired(self, problem: Problem, seed: int) -> SearchResult:
        trainings = Trainings.begin(problem, (EFFECTIVENESS, "size_bytes", "flops"), seed=seed)
        trainings.train(adaptive_random(trainings.feasible.points, self.sample, trainings.rng), self.epochs)
        seen = trainings.measured()
        surrogate = Surrogate.fit(seen, trainings.validation, seed=seed)
        expected = predicted_front(trainings.feasible, surrogate)  # the best of any weighted sum lies on the front
        amounts = expected.feasible.amounts
        fitness = (
            expected.effectiveness
            - self.size_weight * amounts["size_bytes"] / trainings.feasible.amounts["size_bytes"].max()
            - self.flops_weight * amounts["flops"] / trainings.feasible.amounts["flops"].max()
        )
        top = int(np.argmax(fitness))
        config = expected.feasible.points.config(top)
        effectiveness, doubt = float(expected.effectiveness[top]), float(expected.uncertainty[top])
        candidate = predicted(problem, config, effectiveness=effectiveness, uncertainty=doubt)
        belief = Belief.of(trainings, trainings.validation.sampling_error(float(seen.effectiveness.max())))
        result = search_result(trainings, epochs=self.epochs, belief=belief)
        details = {**result.details, "fitness": float(fitness[top])}
        return SearchResult(ParetoFront((candidate,)), belief.difference, result.trials, result.notes, details)


def v1_fitness(genome: Genome, effectiveness: float, target_mb: float) -> float:
    """Accuracy less GFLOPs less the distance to the target in MB, all weights 1.

    Source: SPEC 2.6.
    """
    megabytes = papers_megabytes(genome)
    gflops = papers_fitness(genome, target_mb) + abs(megabytes - target_mb)
    return effectiveness - gflops - abs(megabytes - target_mb)


def random_sizes(space: SearchSpace, count: int, rng: Random) -> list[StudentConfig]:
    """Distinct students with uniform genes whose heads divide the hidden size; fewer where there are no more."""
    drawn: list[StudentConfig] = []
    for _ in range(200 * count):
        genome = tuple(rng.choice(space.values(gene)) for gene in GENES)
        if genome[1] % genome[0] == 0:
            drawn = distinct([*drawn, student(space, genome)])
        if len(drawn) == count:
            break
    return drawn


def student(space: SearchSpace, genome: Genome) -> StudentConfig:
    """The student of five genes; other fields stand at the first value of their domain."""
    fixed = {domain.field: domain.values[0] for domain in space.domains if domain.field not in GENES}
    return space.base.replace(**fixed, **dict(zip(GENES, genome, strict=True)))


def sizes(space: SearchSpace, configs: list[StudentConfig]) -> Matrix:
    """The five genes of each student, scaled to [0, 1] by their domains."""
    points = Points.of(space, configs)
    columns = []
    for gene in GENES:
        low, high = min(space.values(gene)), max(space.values(gene))
        columns.append(np.broadcast_to((points.numbers(gene) - low) / max(high - low, 1), (len(configs),)))
    return np.column_stack(columns)


def _predict(space: SearchSpace, regression: Regression, genome: Genome) -> float:
    lows = np.array([min(space.values(gene)) for gene in GENES])
    highs = np.array([max(space.values(gene)) for gene in GENES])
    row = (np.array(genome) - lows) / np.maximum(highs - lows, 1)
    return float(regression.predict(row[None, :])[0])
