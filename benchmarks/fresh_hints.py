"""What hints are worth on packages that no one looked at before: those of benchmarks/debian_patched.py.

    python benchmarks/fresh_hints.py runs/debian/confirm.jsonl.gz --hints hints-c-micro hints-c-mini
    python benchmarks/fresh_hints.py runs/debian/cpp.jsonl.gz

Rows whose text one of the recipe's sources has, white space and comments aside, are left out, and so are packages
without a patched function. The figures are those of benchmarks/hints.py and benchmarks/line_hits.py, with two intervals
of what a hint is above the number of lines: functions drawn again by label, and whole packages drawn again. Scores are
kept in `--out`, by the hash of the bundle and of the rows.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import line_hits
import numpy as np
from debian_patched import read_rows
from numpy.typing import NDArray

from codewren.compress.staged_run import content_key
from codewren.core.files import file_sha256, read_json, write_json
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe_files import recipe_tables
from codewren.measure.review import auc, equal_length_order
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.train.hint.examples import COMMENT, source_rows
from hints import Judged, scores_of, table

RECIPE = Path(__file__).parents[1] / "recipes/shipped/hints-c-micro.toml"
DRAWS = 500
TOP = 5
Rows = list[dict[str, Any]]
Arrays = dict[str, NDArray[Any]]


def fresh_rows(paths: Sequence[Path], recipe: HintRecipe) -> dict[str, Rows]:
    """Rows of some files by package, without those that a source of the recipe has."""
    seen, packages = set(seen_texts(recipe)), dict[str, Rows]()
    count = 0
    for row in (row for path in paths for row in read_rows(path)):
        if bare(row["func"]) in seen:
            count += 1
        else:
            packages.setdefault(row["package"], []).append(row)
    without = sorted(name for name, rows in packages.items() if not any(row["target"] for row in rows))
    print(f"{count} functions are known to {recipe.review} or another source; without a patched one: {without}")
    return {name: rows for name, rows in packages.items() if name not in without}


def seen_texts(recipe: HintRecipe) -> Iterator[str]:
    """All functions that a recipe learns from, and their fixed versions."""
    for source in recipe.sources.values():
        if source.kind != "kinds":
            for row in source_rows(recipe, source, source.path):
                yield bare(row.text(source.text))
                if source.fixed and row.values.get(source.fixed):
                    yield bare(row.text(source.fixed))


def bare(text: str) -> str:
    """A text without comments and white space.

    >>> bare("int f() { /* one */ return 1; }")
    'intf(){return1;}'
    """
    return re.sub(r"\s+", "", COMMENT.sub("", text))


def kept_scores(name: str, packages: dict[str, Rows], out: Path) -> dict[str, dict[str, Any]]:
    """Scores of each package by one bundle."""
    predictor = load(name)
    assert isinstance(predictor, HintPredictor)
    found, made = {}, file_sha256(predictor.path)
    for package, rows in packages.items():
        path = out / f"{content_key([made, rows])}.json"
        if not path.exists():
            functions = [Judged(row["func"], row["target"], row.get("fixed") or "") for row in rows]
            write_json(path, scores_of(predictor, functions))
        found[package] = dict(read_json(path))
    return found


def drawn_packages(packages: Sequence[Arrays], figure: Callable[[Sequence[Arrays]], float]) -> list[float]:
    """95 % interval of a figure, whole packages drawn again."""
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(packages), len(packages)) for _ in range(DRAWS))
    values = [figure([packages[k] for k in drawn]) for drawn in draws]
    return [round(float(value), 4) for value in np.quantile(values, [0.025, 0.975])]


def joined(packages: Sequence[Arrays], key: str) -> NDArray[np.float64]:
    """One column of all packages."""
    return np.concatenate([own[key] for own in packages]).astype(float)


def review_minus_lines(packages: Sequence[Arrays]) -> float:
    """How much larger the area under the curve of review first is than that of the number of lines."""
    labels = joined(packages, "labels") == 1
    return auc(joined(packages, "review"), labels) - auc(joined(packages, "lines"), labels)


def with_orders(own: Arrays) -> Arrays:
    """The package, with how many pairs of equal length suspicion and lines put in order, and of how many."""
    lengths, labels = own["lines"].astype(float), own["labels"] == 1
    orders = [equal_length_order(own[key].astype(float), labels, lengths) for key in ("suspicion", "lines")]
    return own | {"orders": np.array([orders[0][0], orders[1][0], orders[0][1]])}


def suspicion_minus_lines(packages: Sequence[Arrays]) -> float:
    """The same of suspicion, among functions of equal length."""
    suspicion, lines, pairs = np.sum([own["orders"] for own in packages], axis=0)
    return float((suspicion - lines) / pairs)


def figures(packages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What `hints.table` says, and more of the differences from lines."""
    arrays = [with_orders({key: np.array(value) for key, value in own.items()}) for own in packages.values()]
    _, lines, pairs = np.sum([own["orders"] for own in arrays], axis=0)
    return {
        "packages": len(packages),
        "functions": sum(len(own["labels"]) for own in arrays),
        "patched": int(sum(own["labels"].sum() for own in arrays)),
        **table(packages),
        "review_minus_lines_by_package": drawn_packages(arrays, review_minus_lines),
        "lines_auc_of_equal_length": float(lines / pairs),
        "suspicion_minus_lines_by_package": drawn_packages(arrays, suspicion_minus_lines),
    }


def print_line_hits(name: str, packages: dict[str, Rows]) -> None:
    """How often a line that the patch changes is among the first, beside longest lines and chance."""
    functions = list(line_hits.patched_of(row for rows in packages.values() for row in rows))
    chance = np.array([line_hits.by_chance(one, TOP) for one in functions])
    lengths = [[float(len(line.strip())) for line in one.text.split("\n")] for one in functions]
    longest = line_hits.hits(functions, lengths, TOP)
    predictor = load(name)
    assert isinstance(predictor, HintPredictor)
    hit = line_hits.hits(functions, predictor.line_likelihoods([one.text for one in functions]), TOP)
    print(f"{name}: a changed line among {TOP} of {len(functions)} functions")
    for title, values in (("likely lines", hit), ("longest lines", longest), ("random", chance)):
        against = f"{line_hits.compared(values, chance)}   {line_hits.compared(values, longest)}"
        print(f"{title:16}{values.mean():7.3f}   against random {against} against longest", flush=True)


def main() -> None:
    """Judge each hint, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--hints", nargs="+", default=["hints-c-micro", "hints-c-mini"])
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="whose sources have been seen")
    parser.add_argument("--out", type=Path, default=Path("runs/fresh-hints"))
    arguments = parser.parse_args()
    recipe = HintRecipe.from_dict(recipe_tables(arguments.recipe, ()), arguments.recipe.parent)
    packages = fresh_rows(arguments.rows, recipe)
    for name in arguments.hints:
        print(json.dumps({"hint": name, **figures(kept_scores(name, packages, arguments.out))}, indent=1), flush=True)
        if getattr(load(name).bundle, "line_trees", None):
            print_line_hits(name, packages)


if __name__ == "__main__":
    main()
