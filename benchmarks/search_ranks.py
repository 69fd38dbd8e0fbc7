"""Which surrogate ranks students it has not seen, after how many trainings: `python benchmarks/search_ranks.py`.

Some trainings are drawn and shown to a surrogate, it ranks the others; Spearman's and Kendall's rank correlation, mean
over the draws, and of Spearman's the middle 95 % of draws. On the 232 recorded trainings (../shared/data/trials),
collapsed ones included and without, and with `--pool RUN` on those of a search of our own, whose students are also
judged by their first tenth of the steps, their first epoch, and linear probes. What zero-cost scores and probes
computed is kept in --cache.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import search_quality
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from search_pool import pool_table, recorded_zero_cost
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import BayesianRidge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.features import features, papers_codes
from codewren.search.surrogate import fitted_quietly

Table = NDArray[np.float64]
Ranker = Callable[[Table, Table, Table], Table]
"""Features and effectiveness of the shown, features of the others: predictions for the others."""


def ranker(model: Callable[[int], object]) -> Ranker:
    def rank(seen: Table, effectiveness: Table, unseen: Table) -> Table:
        fitted = fitted_quietly(make_pipeline(StandardScaler(), model(len(seen))), seen, effectiveness)
        return np.asarray(fitted.predict(unseen))

    return rank


def process(_: int) -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.0) * Matern(4.0, nu=2.5) + WhiteKernel(0.3, (1e-2, 2.0))
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)


SINGLE: dict[str, Ranker] = {
    "ridge": ranker(lambda _: BayesianRidge()),
    "process": ranker(process),
    "trees": ranker(lambda _: ExtraTreesRegressor(50, min_samples_leaf=2, random_state=0)),
    "nearest": ranker(lambda count: KNeighborsRegressor(min(5, count), weights="distance")),
    "margin": ranker(lambda _: make_pipeline(SVR(epsilon=0.01))),
}


TOGETHER = "mean of five"
"""What `Surrogate` does with six."""


def recorded(name: str, cache: Path, *, sound: bool) -> tuple[dict[str, Table], Table]:
    """Features by kind, and effectiveness, of one file of recorded trainings."""
    task, validation = search_quality.SETS[name]
    seen = search_quality.trained_students(search_quality.TRIALS / f"{name}.csv", task)
    zero_cost = recorded_zero_cost(seen.points.configs(), task, cache / f"zero-cost-{name}.json")
    keep = np.flatnonzero(~validation.collapsed(seen.effectiveness) if sound else np.ones(len(seen), dtype=bool))
    points, zero_cost = seen.points.take(keep), zero_cost[keep]
    costs = [cost(task).of(points).astype(float) for cost in (papers_size, papers_flops)]
    sizes = np.log(np.column_stack([*costs, points.values("learning_rate")]))
    kinds = {
        "raw codes": papers_codes(points),
        "bytes, FLOPs, rate": sizes,
        "configuration": features(points),
        "zero-cost": zero_cost,
        "configuration, zero-cost": np.column_stack([features(points), zero_cost]),
    }
    return kinds, seen.effectiveness[keep]


def correlations(table: Table, worth: Table, *, shown: int, draws: int) -> dict[str, Table]:
    """Spearman's and Kendall's correlation of every draw, (draws, 2), for every model and their mean."""
    rows: dict[str, list[list[float]]] = {}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(worth))
        seen, unseen = order[:shown], order[shown:]
        guesses = {name: rank(table[seen], worth[seen], table[unseen]) for name, rank in SINGLE.items()}
        guesses[TOGETHER] = np.mean(list(guesses.values()), axis=0)
        for name, guess in guesses.items():
            flat = np.ptp(guess) < 1e-12
            found = [0.0 if flat else float(f(guess, worth[unseen]).statistic) for f in (spearmanr, kendalltau)]
            rows.setdefault(name, []).append(found)
    return {name: np.array(found) for name, found in rows.items()}


def lines(kinds: dict[str, Table], worth: Table, draws: int, shown: Sequence[int]) -> Iterator[str]:
    """The table of one set of trainings in Markdown."""
    yield "| what is known | ranked by | " + " | ".join(f"{count} shown" for count in shown) + " |"
    yield "|---" * (2 + len(shown)) + "|"
    for kind, table in kinds.items():
        found = [correlations(table, worth, shown=count, draws=draws) for count in shown]
        for name in found[0]:
            yield f"| {kind} | {name} | " + " | ".join(cell(one[name]) for one in found) + " |"


def cell(rows: Table) -> str:
    low, high = np.quantile(rows[:, 0], [0.025, 0.975])
    return f"{rows[:, 0].mean():.2f} [{low:.2f}, {high:.2f}], τ {rows[:, 1].mean():.2f}"


def unfitted(kinds: dict[str, Table], worth: Table) -> Iterator[str]:
    """Columns that rank without any training shown."""
    for name, column in kinds.items():
        values = [spearmanr(one, worth).statistic for one in column.T]
        yield f"{name}: " + ", ".join(f"{value:.2f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--shown", type=int, nargs="+", default=[15])
    parser.add_argument("--cache", type=Path, default=Path("runs/search-ranks"))
    parser.add_argument("--pool", type=Path, action="append", default=[], help="run folders of searches of our own")
    parser.add_argument("--sets", nargs="+", choices=search_quality.SETS, default=list(search_quality.SETS))
    given = parser.parse_args()
    for name in () if given.pool else given.sets:
        for sound in (False, True):
            kinds, worth = recorded(name, given.cache, sound=sound)
            print(f"\n{name}, {len(worth)} trainings{', without collapsed ones' if sound else ''}\n")
            print("\n".join(lines(kinds, worth, given.draws, given.shown)), flush=True)
    for folder in given.pool:
        kinds, alone, worth = pool_table(folder, given.cache)
        print(f"\n{folder}, {len(worth)} trainings\n")
        print("\n".join(lines(kinds, worth, given.draws, given.shown)))
        print("\nalone: " + "; ".join(unfitted(alone, worth)), flush=True)


if __name__ == "__main__":
    main()
