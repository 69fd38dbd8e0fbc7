"""Choosing short trainings by a surrogate against spreading them, replayed on real ones.

    python benchmarks/search_replay.py --pool RUN [--draws 200]

The students of a random search (docs/ablations.md has its command) stand for the feasible set; their journal and logs
know what each was worth after one epoch and after all, and what that took. Each draw leaves out a quarter of them.
A rule trains some for one epoch, trains on the most promising of them, and ends with the best: its validation score,
the share of the (log bytes, score) plane its fully trained students dominate, epochs and seconds.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from search_pool import finished

from codewren.bundle.size import bundle_size_bytes
from codewren.compress.run import Run
from codewren.compress.stage_distil import trial_folder
from codewren.core.pareto import Budget
from codewren.core.recipe import Recipe
from codewren.core.run_folder import LOG, RECIPE
from codewren.core.student_config import StudentConfig
from codewren.search.explore import Feasible
from codewren.search.fronts import hypervolume, nondominated
from codewren.search.octaves import octaves
from codewren.search.space.points import Points
from codewren.search.space.sampling import spread_by_cost
from codewren.search.space.space import named_space
from codewren.search.strategy import Problem
from codewren.search.surrogate import Surrogate
from codewren.search.trainings import Trainings
from codewren.search.trials.trial import Request, Trial

FLOOR = 0.7
"""Score below which the dominated plane does not count."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Fully trained students, and for each the score and the seconds after every epoch."""

    problem: Problem
    trials: list[Trial]
    scores: dict[StudentConfig, list[float]]
    seconds: dict[StudentConfig, list[float]]
    epochs: int

    def train(self, requests: Sequence[Request]) -> list[Trial]:
        by_config = {trial.config: trial for trial in self.trials}
        return [self._at(by_config[request.config], request) for request in requests]

    def _at(self, trial: Trial, request: Request) -> Trial:
        assert trial.scores is not None
        worth = self.scores[trial.config][request.fidelity - 1]
        scores = replace(trial.scores, effectiveness=worth)
        return replace(trial, fidelity=request.fidelity, seed=request.seed, scores=scores)


def read_pool(folder: Path) -> Pool:
    """The pool that a random search left."""
    recipe, trials = Recipe.load(folder / RECIPE), finished(folder)
    run = Run(recipe, folder, quiet=True)
    space = named_space(recipe.search.space, recipe.task, recipe.student)
    logs = {t.config: _log(trial_folder(folder, run.inputs(), t.config, t.seed) / LOG) for t in trials}
    problem = Problem(
        recipe.task,
        space,
        Budget(max_bytes=recipe.budget.max_bytes),
        lambda config: bundle_size_bytes(config, recipe.task),
        chance=0.5,
        validation_items=len(run.dataset("valid")),
    )
    return Pool(
        problem,
        trials,
        {config: [line["score"] for line in log] for config, log in logs.items()},
        {config: [line["seconds"] for line in log] for config, log in logs.items()},
        recipe.search.trial_epochs,
    )


def _log(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def begun(pool: Pool, seed: int) -> Trainings:
    """A search among three quarters of the pool."""
    rng = np.random.default_rng(seed)
    kept = rng.permutation(len(pool.trials))[: 3 * len(pool.trials) // 4]
    points = Points.of(pool.problem.space, [pool.trials[index].config for index in kept])
    problem = replace(pool.problem, run_trials=pool.train)
    costs = problem.costs()
    amounts = {name: costs[name].of(points).astype(float) for name in ("size_bytes", "flops")}
    return Trainings(problem, 0, problem.validation(), rng, Feasible(points, amounts, ()), by_effectiveness=True)


def spread(trainings: Trainings, count: int) -> list[StudentConfig]:
    points = trainings.feasible.points
    rows = spread_by_cost(points, trainings.bytes_of(trainings.feasible), count, trainings.rng)
    left = [row for row in range(len(points)) if row not in rows]  # a band of bytes may hold none of the pool
    rows += trainings.rng.permutation(left)[: count - len(rows)].tolist()
    return points.take(np.array(rows)).configs()


def proposed(trainings: Trainings, count: int) -> list[StudentConfig]:
    """Those of the greatest upper confidence bound that were not trained, the least tried octaves of bytes first."""
    points = trainings.feasible.points
    surrogate = Surrogate.fit(trainings.measured(), trainings.validation, seed=trainings.seed)
    bound = np.add(*surrogate.predict(points))
    group = octaves(trainings.bytes_of(trainings.feasible), trainings.most_bytes)
    configs, chosen = points.configs(), list[int]()
    tried = [row for row, config in enumerate(configs) if Request(config, 0, 1) in trainings.trials]
    for _ in range(count):
        left = [row for row in range(len(configs)) if row not in (*tried, *chosen)]
        seen = [int(group[row]) for row in (*tried, *chosen)]
        chosen.append(min(left, key=lambda row: (seen.count(int(group[row])), -bound[row])))
    return [configs[row] for row in chosen]


Rule = Callable[[Trainings, int], None]
"""Trains on, given the epochs of a full training."""


def rule(short: int, guided: int, full: int) -> Rule:
    def search(trainings: Trainings, epochs: int) -> None:
        trainings.train(spread(trainings, short), 1)
        for count in (guided - guided // 2, guided // 2):
            if count:
                trainings.train(proposed(trainings, count), 1)
        trainings.train(trainings.promising(full, 1), epochs)

    return search


RULES: dict[str, Rule] = {
    "6 spread, 5 by surrogate, 7 trained on": rule(6, 5, 7),
    "6 spread, 5 by surrogate, 5 trained on": rule(6, 5, 5),
    "6 spread, 5 by surrogate, 4 trained on": rule(6, 5, 4),
    "5 spread, 4 by surrogate, 4 trained on": rule(5, 4, 4),
    "11 spread, 7 trained on": rule(11, 0, 7),
    "11 spread, 4 trained on": rule(11, 0, 4),
    "8 spread, 4 trained on": rule(8, 0, 4),
}


def outcome(pool: Pool, trainings: Trainings) -> list[float]:
    """Best score, share of the plane, epochs, seconds."""
    full = [trial for trial in trainings.trials.values() if trial.fidelity == pool.epochs]
    sizes = {trial.config: bundle_size_bytes(trial.config, pool.problem.task) for trial in pool.trials}
    low, high = np.log(min(sizes.values())), np.log(max(sizes.values()))
    table = np.array(
        [[(np.log(sizes[t.config]) - low) / (high - low), (1 - (t.effectiveness or 0)) / (1 - FLOOR)] for t in full]
    )
    inside = table[(table <= 1).all(axis=1)]
    share = hypervolume(inside[nondominated(inside)], [1.0, 1.0]) if len(inside) else 0.0
    longest: dict[StudentConfig, int] = {}
    for trial in trainings.trials.values():
        longest[trial.config] = max(trial.fidelity, longest.get(trial.config, 0))
    seconds = sum(pool.seconds[config][epochs - 1] for config, epochs in longest.items())
    return [max(trial.effectiveness or 0.0 for trial in full), share, float(sum(longest.values())), seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    given = parser.parse_args()
    pool = read_pool(given.pool)
    results: dict[str, np.ndarray] = {}
    for name, search in RULES.items():
        rows = []
        for draw in range(given.draws):
            trainings = begun(pool, draw)
            search(trainings, pool.epochs)
            rows.append(outcome(pool, trainings))
        results[name] = np.array(rows)
    first = next(iter(results.values()))
    print("| rule | best score | less than the first, points | share of the plane | less | epochs | time |")
    print("|---|---|---|---|---|---|---|")
    for name, table in results.items():
        lost = first[:, :2] - table[:, :2]
        error = 1.96 * lost.std(axis=0) / np.sqrt(len(lost))
        print(
            f"| {name} | {table[:, 0].mean():.4f} | {100 * lost[:, 0].mean():.2f} ± {100 * error[0]:.2f} "
            f"| {table[:, 1].mean():.3f} | {lost[:, 1].mean():.3f} ± {error[1]:.3f} | {table[:, 2].mean():.1f} "
            f"| {table[:, 3].sum() / first[:, 3].sum():.2f} |"
        )


if __name__ == "__main__":
    main()
