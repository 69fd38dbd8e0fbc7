"""The first paper's search: the greatest GFLOPs at a given size, no data and no training.

`faithful` is the released genetic algorithm, seedable; `exact_optimum` is what it looks for, by enumeration;
`repaired` asks for the greatest honest FLOPs under a hard cap of shipped bytes, also by enumeration.

Source: Compressor `searcher.py`; SPEC 1.2-1.6.
"""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InfeasibleError
from codewren.core.formulas import PAPERS_LENGTH, papers_flops, papers_size_bytes
from codewren.core.pareto import MEGABYTE, Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.core.task import VULNERABILITY, Task
from codewren.search.papers.genetic import GeneticAlgorithm, Genome
from codewren.search.space import costs
from codewren.search.space.enumerate import best_point, feasible_points
from codewren.search.space.points import Points
from codewren.search.space.space import SearchSpace
from codewren.search.strategy import Mode, Problem, SearchResult

GENES = ("num_attention_heads", "hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
"""In the alphabetical order of the paper's own names, in which its crossover cuts."""


@dataclass(frozen=True, slots=True)
class Compressor:
    """The first paper's strategy.

    Attributes:
        mode: faithful genetic algorithm, or exact and under the budget.
        target_mb: size the faithful fitness aims at (the paper's 3, 25, 50); the repaired mode uses the budget.
        population: members kept, faithful mode.
        generations: rounds, faithful mode.
        crossover: chance of crossover, faithful mode.
    """

    name: ClassVar[str] = "compressor"
    trains: ClassVar[bool] = False
    mode: Mode = Mode.REPAIRED
    target_mb: float = 3.0
    population: int = 50
    generations: int = 100
    crossover: float = 0.6

    def search(self, problem: Problem, *, seed: int) -> SearchResult:
        """Search; trains nothing, and `seed` matters in faithful mode only, which knows no budget either."""
        if self.mode is Mode.REPAIRED:
            return _largest_within_budget(problem)
        # SPEC 1.1 step 3: one architecture for a target size, without data or training.
        algorithm = GeneticAlgorithm(self.population, self.generations, self.crossover)
        domains = [problem.space.values(gene) for gene in GENES]
        best = algorithm.best(
            domains,
            lambda genome: papers_fitness(genome, self.target_mb),
            Random(seed),
            legal=lambda genome: genome[1] % genome[0] == 0,
        )
        return self._reported(best, problem)

    def _reported(self, best: Genome, problem: Problem) -> SearchResult:
        config = problem.space.base.replace(**dict(zip(GENES, best, strict=True)))
        candidate = papers_candidate(config, problem.task)
        fitness = papers_fitness(best, self.target_mb)
        optimum, greatest = exact_optimum(problem.space, target_mb=self.target_mb)
        notes = (
            f"fitness {fitness:.4f}; the exact optimum of the space has {greatest:.4f}",
            f"{candidate.scores.size_bytes / MEGABYTE:.4f} MB by the paper's formula: its target is no cap",
        )
        details = {"fitness": fitness, "optimum": optimum.to_dict(), "optimum_fitness": greatest}
        return SearchResult(ParetoFront((candidate,)), notes=notes, details=details)


def papers_megabytes(genome: Genome) -> float:
    """Size by the paper's formula.

    Source: SPEC 1.3.
    """
    _, hidden, inner, layers, vocab = genome
    size = papers_size_bytes(vocab_size=vocab, hidden_size=hidden, num_hidden_layers=layers, intermediate_size=inner)
    return float(size / MEGABYTE)


def papers_fitness(genome: Genome, target_mb: float) -> float:
    """GFLOPs less the distance to the target size, both by the paper's formulas.

    Source: SPEC 1.5.

    >>> round(papers_fitness((8, 96, 64, 12, 1000), 3), 4)
    2.1915
    """
    heads, hidden, inner, layers, vocab = genome
    flops = papers_flops(
        vocab_size=vocab,
        hidden_size=hidden,
        num_hidden_layers=layers,
        intermediate_size=inner,
        num_attention_heads=heads,
    )
    return float(flops / 1e9 - abs(papers_megabytes(genome) - target_mb))


def exact_optimum(space: SearchSpace, *, target_mb: float, hard: bool = False) -> tuple[StudentConfig, float]:
    """The configuration of greatest fitness in the whole space, by looking at every point.

    `hard` makes the target a cap: fitness is then the GFLOPs of the points that keep it.

    Raises:
        InfeasibleError: with `hard`, no point is small enough.
    """
    size, flops = costs.papers_size(_ANY_TASK, PAPERS_LENGTH), costs.papers_flops(_ANY_TASK, PAPERS_LENGTH)

    def fitness(points: Points) -> NDArray[np.float64]:
        megabytes, gflops = size.of(points) / MEGABYTE, flops.of(points) / 1e9
        return np.asarray(
            np.where(megabytes <= target_mb, gflops, -np.inf) if hard else gflops - np.abs(megabytes - target_mb)
        )

    best, value = best_point(space, GENES, fitness)
    if value == -np.inf:
        raise InfeasibleError(f"search space {space.name!r} has no point of at most {target_mb} MB; raise the target")
    return best.config(0), value


def papers_candidate(config: StudentConfig, task: Task) -> Candidate:
    """A configuration with the paper's own bytes and FLOPs; nothing is known of its effectiveness."""
    size = costs.papers_size(task, PAPERS_LENGTH)(config)
    flops = costs.papers_flops(task, PAPERS_LENGTH)(config)
    return Candidate(config, Scores(None, int(size), flops=float(flops)))


def random_of_equal_size(
    space: SearchSpace, *, target_mb: float, seed: int, tolerance_mb: float = 0.05
) -> StudentConfig:
    """The paper's ablation: the first randomly drawn architecture about as large as the target.

    Raises:
        InfeasibleError: none among 100 populations of 50.

    Source: Compressor history fb93b3e, `rand.py`; SPEC 1.6.
    """
    rng = Random(seed)
    size = costs.papers_size(_ANY_TASK, PAPERS_LENGTH)
    for _ in range(100 * 50):
        genome = tuple(rng.choice(space.values(gene)) for gene in GENES)
        if genome[1] % genome[0]:
            continue
        config = space.base.replace(**dict(zip(GENES, genome, strict=True)))
        if abs(size(config) / MEGABYTE - target_mb) < tolerance_mb:
            return config
    raise InfeasibleError(
        f"search space {space.name!r}: none of 5,000 random architectures is within {tolerance_mb} MB of "
        f"{target_mb} MB; widen the tolerance"
    )


def _largest_within_budget(problem: Problem) -> SearchResult:
    amounts = problem.costs()
    points = feasible_points(problem.space.only(GENES), problem.limits(), fields=GENES)
    work, size = amounts["flops"].of(points), amounts["size_bytes"].of(points)
    config = points.config(int(np.lexsort((size, -work))[0]))
    notes = (f"the greatest FLOPs of all {len(points):,} architectures that keep the budget",)
    front = ParetoFront((Candidate(config, problem.cheap_scores(config), name=Compressor.name),))
    return SearchResult(front, notes=notes, details={"feasible": len(points)})


_ANY_TASK = VULNERABILITY  # with the length fixed, no formula of this paper depends on the task
