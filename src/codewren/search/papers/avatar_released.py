"""The second paper's search as its code was released, defects included.

What is wrong with it is the point of keeping it (SPEC 4.2): the crossover only swaps the parents; a child that was
not crossed is its parent, so that mutating it rewrites archived members; dominance asks for better in all three
objectives; the size is no limit but a distance to 3 MB; points come from a box, not from the feasible set.

Source: Avatar `MOO.py`; SPEC 2.4-2.6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

import numpy as np

from codewren.core.errors import InfeasibleError
from codewren.core.pareto import MEGABYTE
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.features import papers_codes
from codewren.search.space.points import Points
from codewren.search.space.space import SearchSpace

POPULATION, ITERATIONS = 20, 50
TOURNAMENT, CROSSOVER, MUTATION = 10, 0.6, 0.1

_SAMPLES = 20  # candidates of a step of adaptive random sampling
Genes: TypeAlias = list[Any]


@dataclass(slots=True, eq=False)
class Individual:
    """A chromosome and its objectives: distance to 3 MB, loss of effectiveness, GFLOPs, all to be made small.

    Individuals are compared by identity and changed in place, as in the released code.
    """

    genes: Genes
    objectives: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def dominates(self, other: "Individual") -> bool:
        """Better in every objective; better in two and equal in one does not count."""
        return all(mine < theirs for mine, theirs in zip(self.objectives, other.objectives, strict=True))


@dataclass(slots=True)
class Archive:
    """Members that no later one dominated. `overwritten` counts members changed after they were archived."""

    members: list[Individual] = field(default_factory=list)
    overwritten: int = 0

    def add(self, individual: Individual) -> None:
        """Keep the individual unless a member dominates it; drop members it dominates or equals."""
        if any(member.dominates(individual) for member in self.members):
            return
        self.members = [
            member
            for member in self.members
            if not individual.dominates(member) and member.objectives != individual.objectives
        ]
        self.members.append(individual)


@dataclass(frozen=True, slots=True)
class ReleasedSearch:
    """The operators, over the domains of a space."""

    space: SearchSpace
    task: Task
    target_mb: float
    rng: Random

    def sample(self, count: int) -> list[Genes]:
        """Adaptive random sampling with Euclidean distances between raw codes, 99.5 % of which is the vocabulary.

        Source: SPEC 2.5, 4.2 item 6.
        """
        chosen = [self.random_genes()]
        while len(chosen) < count:
            pool = [self.random_genes() for _ in range(_SAMPLES)]
            table = papers_codes(Points.of(self.space, [self.config(genes) for genes in [*chosen, *pool]]))
            gaps = np.linalg.norm(table[len(chosen) :, None, :] - table[None, : len(chosen), :], axis=2)
            chosen.append(pool[int(np.argmax(gaps.min(axis=1)))])
        return chosen

    def evolve(
        self, sample: Sequence[Genes], predict: Callable[[Points], Any], iterations: int = ITERATIONS
    ) -> Archive:
        """The archive after all iterations, starting from the sample."""
        population = [Individual(list(genes)) for genes in sample]
        archive = Archive()
        self._evaluate(population, predict)
        for individual in population:
            archive.add(individual)
        for _ in range(iterations):
            population = self._offspring(population, len(sample), archive)
            self._evaluate(population, predict)
            for individual in population:
                archive.add(individual)
        return archive

    def random_genes(self) -> Genes:
        """A point of the box, repaired."""
        return self.repaired([self._drawn(field) for field in self.space.field_names])

    def repaired(self, genes: Genes) -> Genes:
        """Another hidden size where the heads do not divide it; in place."""
        heads, hidden = self._gene_of("num_attention_heads"), self._gene_of("hidden_size")
        count = genes[heads] if heads is not None else self.space.base.num_attention_heads
        size = genes[hidden] if hidden is not None else self.space.base.hidden_size
        if size % count:
            fitting = [width for width in self.space.values("hidden_size") if width % count == 0]
            if not fitting or hidden is None:
                raise InfeasibleError(
                    f"search space {self.space.name!r}: {count} heads divide no hidden_size; widen it"
                )
            genes[hidden] = self.rng.choice(fitting)
        return genes

    def config(self, genes: Genes) -> StudentConfig:
        """The student of a chromosome."""
        return self.space.config(genes)

    def _offspring(self, population: Sequence[Individual], count: int, archive: Archive) -> list[Individual]:
        children: list[Individual] = []
        while len(children) < count:
            first, second = self._winner(population), self._winner(population)
            crossed = self.rng.random() < CROSSOVER
            # Without crossover there are no copies: what happens to the children happens to the parents.
            for child in partially_mapped(first, second) if crossed else (first, second):
                if self._mutate(child) and any(child is member for member in archive.members):
                    archive.overwritten += 1
                children.append(child)
        return children[:count]

    def _winner(self, population: Sequence[Individual]) -> Individual:
        """Of a tournament a member that dominates some other one, else the first."""
        drawn = [self.rng.choice(population) for _ in range(TOURNAMENT)]
        for contender in drawn:
            if any(contender.dominates(other) for other in drawn):
                return contender
        return drawn[0]

    def _mutate(self, individual: Individual) -> bool:
        """Redraw each gene with a small chance, in place; whether any changed."""
        before = list(individual.genes)
        for gene, name in enumerate(self.space.field_names):
            if self.rng.random() < MUTATION:
                individual.genes[gene] = self._drawn(name)
        self.repaired(individual.genes)
        return individual.genes != before

    def _drawn(self, name: str) -> Any:
        values = self.space.values(name)
        if name.endswith("dropout_prob"):  # rounded from a uniform number, so both ends are half as likely
            return values[round(self.rng.uniform(0, len(values) - 1))]
        return self.rng.choice(values)

    def _evaluate(self, population: Sequence[Individual], predict: Callable[[Points], Any]) -> None:
        points = Points.of(self.space, [self.config(individual.genes) for individual in population])
        megabytes = papers_size(self.task).of(points) / MEGABYTE
        gflops = papers_flops(self.task).of(points) / 1e9
        columns = zip(abs(megabytes - self.target_mb), -predict(points), gflops, strict=True)
        for individual, (distance, loss, work) in zip(population, columns, strict=True):
            individual.objectives = float(distance), float(loss), float(work)

    def _gene_of(self, name: str) -> int | None:
        names = self.space.field_names
        return names.index(name) if name in names else None


def partially_mapped(first: Individual, second: Individual) -> tuple[Individual, Individual]:
    """What the released crossover amounts to: child one is parent two, child two is parent one.

    Partially mapped crossover is for permutations; on these vectors it exchanged the parents in 5,000 of 5,000 tries.

    Source: SPEC 4.2 item 1.
    """
    return Individual(list(second.genes)), Individual(list(first.genes))
