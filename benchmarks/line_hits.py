"""Whether the lines that speak for a finding are those that a security patch changed.

    python benchmarks/line_hits.py [BUNDLE...] [--data ../shared/data/debian_cve] [--top 5] [--left-out FOLDER]
    python benchmarks/line_hits.py --recipe recipes/shipped/hints-c-micro.toml --seeds 0 1 2

For each function that a Debian package patched for a CVE: its lines on which a word, a number or a string begins are
ranked by what they carry, the first `--top` are taken, and it is a hit if the patch changes one of them. A changed line
is one that the difference to the fixed function deletes or replaces; where only lines are added, it is the line before
and the line behind them. Beside it: lines drawn at random (the exact expectation), the longest lines, and those with
most calls. Differences are paired by function: the interval is that of a bootstrap, p that of a sign-flipping test,
both over functions. `shift` reads each text again without the line, so that later tokens move up, in place of hiding
it. `--left-out` names a folder with a bundle PACKAGE.wren for each package, trained without it; each then explains that
package's functions. `--recipe` fits the trees of a hint without each package in turn, nine tenths of the other
functions drawn by the seed, and ranks the lines of that package by them in the runtime. What a shipped hint says of
these functions is no measure: it has learned from them, and only its scores are ranked here, not its likelihoods.
"""

import argparse
import json
import lzma
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codewren import _native
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe import recipe_tables
from codewren.measure import line_hits
from codewren.measure.line_hits import hit_by_chance
from codewren.predict.predictor import Predictor, load
from codewren.train.hint.examples import training_examples
from codewren.train.hint.line_trees import ChangedLines, changed_lines, fit_line_trees, line_measures

SHARED = Path(__file__).parents[2] / "shared/data/debian_cve"
BUNDLES = ("vulnerability-c-micro", "vulnerability-c-mini", "vulnerability-c-standard")
SHARE = 0.9
_FEWEST_LINES = 8
_DRAWS = 10_000
_CALL = re.compile(r"\w\s*\(")
Floats = npt.NDArray[np.float64]
Scores = Callable[[Sequence[str]], list[list[float]]]


class Patched(NamedTuple):
    """A function, its lines that may be ranked, and those that the patch changes, both counted from 0."""

    package: str
    text: str
    lines: tuple[int, ...]
    changed: frozenset[int]


def main() -> None:
    """Read, rank, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", help="default: the vulnerability bundles, none with --recipe")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--left-out", type=Path, metavar="FOLDER", help="bundles that have not seen a package each")
    parser.add_argument("--shift", action="store_true", help="also with later tokens moved up")
    parser.add_argument("--recipe", type=Path, help="of a hint: fit its trees without each package in turn")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    if arguments.recipe and not arguments.bundles:
        arguments.bundles = ()
    functions = list(patched(arguments.data))
    if arguments.left_out:
        functions = [one for one in functions if (arguments.left_out / f"{one.package}.wren").exists()]
    texts = [one.text for one in functions]
    share = sum(len(one.changed) for one in functions) / sum(len(one.lines) for one in functions)
    print(f"{len(functions)} functions, {share:.1%} of their lines changed, top {arguments.top}")
    chance = np.array([by_chance(one, arguments.top) for one in functions])
    longest = hits(functions, [[float(len(line.strip())) for line in lines_of(text)] for text in texts], arguments.top)
    calls = hits(
        functions, [[float(len(_CALL.findall(line))) for line in lines_of(text)] for text in texts], arguments.top
    )
    print(f"{'ranking':32}{'hits':>7}{'ms':>7}   against random{'':18}against longest lines")
    for name, values in (("random", chance), ("longest lines", longest), ("most calls", calls)):
        print(f"{name:32}{values.mean():7.3f}{'':7}   {compared(values, chance)}   {compared(values, longest)}")
    if arguments.left_out:
        values = hits(functions, left_out_scores(functions, arguments.left_out), arguments.top)
        figures = f"{compared(values, chance)}   {compared(values, longest)}"
        print(f"{str(arguments.left_out)[-32:]:32}{values.mean():7.3f}{'':7}   {figures}")
    for seed in arguments.seeds if arguments.recipe else ():
        values = hits(functions, tree_scores(functions, arguments.recipe, seed), arguments.top)
        figures = f"{compared(values, chance)}   {compared(values, longest)}"
        print(f"{f'trees left out, seed {seed}':32}{values.mean():7.3f}{'':7}   {figures}", flush=True)
    for bundle in arguments.bundles or (() if arguments.recipe else BUNDLES):
        predictor = load(bundle)
        predictor.threads = 1
        rankings: dict[str, Scores] = {bundle: lambda texts, predictor=predictor: explained(predictor, texts)}
        if arguments.shift:
            rankings[f"{bundle}, shift"] = lambda texts, predictor=predictor: shifted(predictor, texts)
        scores_of: dict[str, list[list[float]]] = {}
        for name, ranking in rankings.items():
            before = time.process_time()
            scores_of[name] = ranking(texts)
            cost_ms = 1e3 * (time.process_time() - before) / len(texts)
            values = hits(functions, scores_of[name], arguments.top)
            print(
                f"{name:32}{values.mean():7.3f}{cost_ms:7.2f}   {compared(values, chance)}   "
                f"{compared(values, longest)}"
            )
        if arguments.shift:
            hidden, moved = scores_of.values()
            shared = agreement(functions, hidden, moved, arguments.top)
            print(f"  hidden against shifted: {shared:.2f} of the top shared")


def patched(folder: Path) -> Iterator[Patched]:
    """Functions with a patch, and at least `_FEWEST_LINES` lines that may be ranked."""
    with lzma.open(folder / "functions.jsonl.xz", "rt") as rows:
        yield from patched_of(map(json.loads, rows))


def patched_of(rows: Iterable[dict[str, Any]]) -> Iterator[Patched]:
    """Those of some rows."""
    for row in rows:
        if not row["target"] or not row["fixed"]:
            continue
        lines = lines_of(row["func"])
        telling = tuple(line_measures(row["func"])[0].tolist())
        changed = frozenset(changed_lines(lines, lines_of(row["fixed"]), telling)) & frozenset(telling)
        if changed and len(telling) >= _FEWEST_LINES:
            yield Patched(row["package"], row["func"], telling, changed)


def lines_of(text: str) -> list[str]:
    """Lines as explanations count them."""
    return text.split("\n")


def by_chance(function: Patched, top: int) -> float:
    """The probability that one of `top` lines drawn at random is changed."""
    return hit_by_chance(len(function.lines), len(function.changed), top)


def hits(functions: Sequence[Patched], scores: Sequence[Sequence[float]], top: int) -> Floats:
    """For each function whether a changed line is among the first; equal ones share the places that are left."""
    rows = [np.array([row[line] for line in one.lines]) for one, row in zip(functions, scores, strict=True)]
    return line_hits.hits(rows, [np.array([line in one.changed for line in one.lines]) for one in functions], top)


def tree_scores(functions: Sequence[Patched], path: Path, seed: int) -> list[list[float]]:
    """What trees that have not seen its package say of each line, in the runtime."""
    recipe = HintRecipe.from_dict(recipe_tables(path, ()), path.parent)
    examples = training_examples(of_review(recipe))
    lines, rng = ChangedLines.of(examples), np.random.default_rng(seed)
    drawn = rng.random(len(lines.projects)) < SHARE
    native = {}
    for package in sorted({one.package for one in functions}):
        taught = lines.kept(drawn & (lines.projects != package))
        native[package] = _native.HintLines(fit_line_trees(taught, recipe.fit.line_trees, rng).ravel().tolist())
    rows = (native[one.package].scores([one.text], 1)[0] for one in functions)
    return [[-np.inf if score is None else float(score) for score in row] for row in rows]


def of_review(recipe: HintRecipe) -> HintRecipe:
    """The recipe with the sources that have fixed versions."""
    return replace(recipe, sources={name: source for name, source in recipe.sources.items() if source.fixed})


def left_out_scores(functions: Sequence[Patched], folder: Path) -> list[list[float]]:
    """What ranks each line by the bundle that has not seen its package."""
    predictors = {package: load(folder / f"{package}.wren") for package in {one.package for one in functions}}
    explanations = (predictors[one.package].explain([one.text])[0] for one in functions)
    return [[line.rank for line in one.lines] for one in explanations]


def explained(predictor: Any, texts: Sequence[str]) -> list[list[float]]:
    """What each line carries."""
    return [[line.score for line in one.lines] for one in predictor.explain(texts)]


def shifted(predictor: Predictor, texts: Sequence[str]) -> list[list[float]]:
    """What is lost when the text is read again without the line."""
    rows = []
    for text in texts:
        left_out = predictor._reread(text, None)
        whole, *without = left_out.log_odds
        row = [0.0] * len(lines_of(text))
        for number, odds in zip(left_out.numbers, without, strict=True):
            row[number - 1] = whole - odds
        rows.append(row)
    return rows


def agreement(functions: Sequence[Patched], first: list[list[float]], second: list[list[float]], top: int) -> float:
    """The share of the first lines of one ranking that are among those of the other."""
    shares = []
    for one, a, b in zip(functions, first, second, strict=True):
        tops = [set(sorted(one.lines, key=lambda line: -scores[line])[:top]) for scores in (a, b)]
        shares.append(len(tops[0] & tops[1]) / top)
    return float(np.mean(shares))


def compared(values: Floats, other: Floats) -> str:
    """The difference of two rates with its interval, their ratio, and p of no difference."""
    rng = np.random.default_rng(0)
    differences = values - other
    if not differences.any():
        return f"{'-':29}"
    means = np.array(
        [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(_DRAWS // 5)]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    flips = rng.choice([-1.0, 1.0], (_DRAWS, len(differences))) @ differences / len(differences)
    p = (1 + np.sum(np.abs(flips) >= abs(differences.mean()) - 1e-12)) / (1 + _DRAWS)
    return f"x{values.mean() / other.mean():.2f} {differences.mean():+.3f} [{low:+.3f}, {high:+.3f}] p {p:.4f}"


if __name__ == "__main__":
    main()
