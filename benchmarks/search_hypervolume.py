"""How much of the exact front each search finds with the same surrogate: `python benchmarks/search_hypervolume.py`.

The papers' stepped space under 3 MB by the papers' formula, objectives bytes, FLOPs and predicted effectiveness. The
surrogate is a Bayesian ridge on raw codes fitted to 20 real trials: it adds the effects of its fields, so the front
over all 2.4e10 feasible points is exact. Hypervolume over the exact front's range, reference 1.1. Needs
../shared/data/trials.
"""

import argparse
import time
from random import Random

import numpy as np
import search_quality

from codewren.core.pareto import MEGABYTE, Budget
from codewren.core.task import CLONE
from codewren.search.explore import EFFECTIVENESS, predicted_front
from codewren.search.fronts import hypervolume, scaled
from codewren.search.papers.avatar import Avatar, evolved_points
from codewren.search.papers.avatar_released import ReleasedSearch
from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.points import Points
from codewren.search.space.space import papers_box_space, papers_space
from codewren.search.strategy import Problem
from codewren.search.surrogate import EffectivenessModel, PapersSurrogate
from codewren.search.trainings import Trainings

OBJECTIVES = (EFFECTIVENESS, "size_bytes", "flops")
CAP = 3 * MEGABYTE


def problem() -> Problem:
    return Problem(CLONE, papers_space(CLONE), Budget(max_bytes=CAP), papers_size(CLONE), flops=papers_flops(CLONE))


def surrogate(seed: int) -> PapersSurrogate:
    seen = search_quality.trained_students(search_quality.TRIALS / "clone_codebert.csv", CLONE)
    return PapersSurrogate.fit(seen.take(np.random.default_rng(seed).permutation(len(seen))[: search_quality.SHOWN]))


def objectives(points: Points, predictor: EffectivenessModel) -> np.ndarray:
    columns = papers_size(CLONE).of(points), papers_flops(CLONE).of(points), -predictor.predict(points)[0]
    return np.column_stack(columns).astype(float)


def searches(predictor: EffectivenessModel, seed: int) -> dict[str, tuple[np.ndarray, float]]:
    """Objectives and seconds of each search: exact first."""
    fronts, options = {}, Avatar()

    def timed(name, search):
        start = time.process_time()
        table = search()
        fronts[name] = table, time.process_time() - start

    def wren():
        trainings = Trainings.begin(problem(), OBJECTIVES, seed=seed)
        front = predicted_front(trainings.feasible, predictor)
        return front.feasible.objectives(front.effectiveness)

    def repaired():
        trainings = Trainings.begin(problem(), OBJECTIVES, seed=seed)
        points = evolved_points(trainings, predictor, population=options.population, generations=options.generations)
        return objectives(points, predictor)

    def faithful():
        released = ReleasedSearch(papers_box_space(CLONE, released=True), CLONE, 3.0, Random(seed))
        archive = released.evolve(released.sample(20), lambda points: predictor.predict(points)[0])
        configs = [released.config(member.genes) for member in archive.members]
        return objectives(Points.of(released.space, configs), predictor)

    timed("wren", wren)
    timed("avatar repaired", repaired)
    timed("avatar faithful", faithful)
    return fronts


def share(table: np.ndarray, exact: np.ndarray) -> float:
    """Hypervolume of the points that keep the budget, as a share of the exact front's."""
    low, high = exact.min(axis=0), exact.max(axis=0)
    legal = scaled(table[table[:, 0] <= CAP], low, high)
    reference = [1.1] * 3
    inside = legal[(legal <= 1.1).all(axis=1)]
    return hypervolume(inside, reference) / hypervolume(scaled(exact, low, high), reference) if len(inside) else 0.0


def exact_front(predictor: EffectivenessModel) -> np.ndarray:
    """By brute force: every feasible architecture with the best setting of the free fields, found field by field."""
    from codewren.search.fronts import nondominated
    from codewren.search.space.enumerate import Limit, feasible_points

    points = feasible_points(papers_space(CLONE), [Limit(papers_size(CLONE), CAP)])
    for domain in points.space.domains:
        if domain.field not in points.codes:
            settings = points.take(slice(0, 1)).times(domain.field)
            points = points.with_code(domain.field, int(np.argmax(predictor.predict(settings)[0])))
    table = objectives(points, predictor)
    return table[nondominated(table)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    rows: dict[str, list[tuple[float, float, int, int]]] = {}
    for seed in range(parser.parse_args().seeds):
        predictor = surrogate(seed)
        exact = exact_front(predictor)
        for name, (table, seconds) in searches(predictor, seed).items():
            legal = int((table[:, 0] <= CAP).sum())
            rows.setdefault(name, []).append((share(table, exact), seconds, len(table), legal))
    print(f"{'search':<18}{'share of exact hypervolume':>28}{'least':>10}{'CPU s':>8}{'points':>8}{'in budget':>11}")
    for name, values in rows.items():
        shares, seconds, points, legal = np.array(values).T
        print(
            f"{name:<18}{shares.mean():>28.4%}{shares.min():>10.2%}{seconds.max():>8.1f}{points.mean():>8.0f}"
            f"{legal.sum() / points.sum():>11.1%}"
        )


if __name__ == "__main__":
    main()
