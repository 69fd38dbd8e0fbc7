"""The genetic algorithm of the first paper, which the second paper's first version runs as well.

Source: Compressor `searcher.py`, Avatar history deb9c39 `sampling.py`; SPEC 1.5, 2.6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Genome: TypeAlias = tuple[int, ...]
Domains: TypeAlias = Sequence[Sequence[int]]

_PATIENCE = 100  # attempts at a genome not seen yet; a space smaller than the population has none


@dataclass(frozen=True, slots=True)
class GeneticAlgorithm:
    """Mu + lambda truncation: parents drawn without selection pressure, the best of both generations kept.

    No genome is looked at twice in a run: a duplicate is mutated until it is new.

    Attributes:
        population: members kept, and children made in a generation.
        generations: rounds.
        crossover: chance that two parents are crossed; otherwise both are mutated.
    """

    population: int = 50
    generations: int = 100
    crossover: float = 0.6

    def best(
        self,
        domains: Domains,
        fitness: Callable[[Genome], float],
        rng: Random,
        *,
        legal: Callable[[Genome], bool] = lambda _: True,
    ) -> Genome:
        """Return the genome of greatest fitness after all generations; illegal genomes are mutated until legal."""
        members: list[Genome] = []
        seen: set[str] = set()
        for _ in range(self.population):
            start = tuple(rng.choice(domain) for domain in domains)
            members.append(_until_new(start, domains, rng, seen=seen, legal=legal))
        for _ in range(self.generations):
            everyone = members + self._children(members, domains, rng, seen=seen, legal=legal)
            # SPEC 1.5: parents and children compete, the best stay (mu plus lambda truncation).
            members = sorted(everyone, key=fitness, reverse=True)[: self.population]
        return members[0]

    def _children(
        self,
        members: Sequence[Genome],
        domains: Domains,
        rng: Random,
        *,
        seen: set[str],
        legal: Callable[[Genome], bool],
    ) -> list[Genome]:
        children: list[Genome] = []
        while len(children) < self.population:
            first, second = rng.sample(members, 2)  # SPEC 1.5: drawn uniformly, no selection pressure here
            if rng.random() < self.crossover:
                pair = crossed(first, second, rng)
            else:
                pair = mutated(first, domains, rng), mutated(second, domains, rng)
            children.extend(_until_new(child, domains, rng, seen=seen, legal=legal) for child in pair)
        return children[: self.population]


def crossed(first: Genome, second: Genome, rng: Random) -> tuple[Genome, Genome]:
    """One-point crossover: both exchange their genes after a random place."""
    cut = rng.randint(1, len(first) - 1)
    return first[:cut] + second[cut:], second[:cut] + first[cut:]


def mutated(genome: Genome, domains: Domains, rng: Random) -> Genome:
    """Every gene from a random place to the end takes another value."""
    start = rng.randrange(len(genome))
    tail = zip(genome[start:], domains[start:], strict=True)
    return genome[:start] + tuple(_another(value, domain, rng) for value, domain in tail)


def gene_string(genome: Genome) -> str:
    """The papers' identity of an individual: the digits of its genes run together."""
    return "".join(map(str, genome))


def _another(value: int, domain: Sequence[int], rng: Random) -> int:
    drawn = value
    while drawn == value and len(domain) > 1:
        drawn = rng.choice(domain)
    return drawn


def _until_new(
    genome: Genome, domains: Domains, rng: Random, *, seen: set[str], legal: Callable[[Genome], bool]
) -> Genome:
    tries = 0
    while not legal(genome) or (gene_string(genome) in seen and tries < _PATIENCE):
        genome = mutated(genome, domains, rng)
        tries += 1
    seen.add(gene_string(genome))
    return genome
