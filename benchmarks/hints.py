"""What a hint is worth on packages it was not trained on: one bundle for each package left out, read by the runtime.

    python benchmarks/hints.py recipes/shipped/hints-c-mini.toml --out runs/hints-left-out --seeds 0 1 2

Every bundle and its scores are kept in OUT, so that a broken run goes on. The table compares with the number of lines.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from codewren.bundle.write_hint import HintText
from codewren.compress.hint_path import write_fitted
from codewren.compress.hint_run import HintRun, run_features
from codewren.core.files import read_json, write_json
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe_files import recipe_tables
from codewren.measure.review import auc, equal_length_auc, flagged
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.train.hint.examples import source_rows
from codewren.train.hint.hint_fit import Material, fit_hint
from codewren.train.hint.line_fit import with_line_trees
from codewren.train.processes import one_thread

Floats = NDArray[np.float64]
FOLDS = 2  # of the calibrations: more change no rank but cost a fit each
SHARE = 0.9  # of every source, drawn by the seed
FLAGGED = 0.02
DRAWS = 2000


class Judged(NamedTuple):
    """A function, whether it was patched (1 or 0), and what it was then; empty: not known."""

    text: str
    label: int
    fixed: str


def left_out_bundles(recipe: HintRecipe, out: Path, seed: int, packages: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """A bundle for each package, fitted without it."""
    folder = out / f"seed-{seed}"
    missing = [package for package in packages if not (folder / f"{package}.wren").exists()]
    fit = replace(recipe.fit, seed=seed, share=SHARE, folds=FOLDS)
    drawn = replace(recipe, fit=fit, own_heads=())
    read = run_features(HintRun(drawn, folder)) if missing else None
    for package in packages:
        path = folder / f"{package}.wren"
        if read is not None and package in missing:
            examples, bags, lines = read
            without = replace(drawn, fit=replace(fit, leave_out=(package,)))
            with one_thread():
                fitted = fit_hint(without, Material.of(without, examples, bags), told)
                fitted = with_line_trees(without, fitted, lines, told)
            write_fitted(path, fitted, HintText())
        yield package, path


def told(line: str) -> None:
    """Say what is done."""
    print(line, flush=True)


def package_scores(recipe: HintRecipe, package: str, bundle: Path) -> dict[str, Any]:
    """Scores of a package's functions by a bundle, kept beside it."""
    path = bundle.with_suffix(".json")
    if path.exists():
        return dict(read_json(path))
    predictor, source = load(bundle), recipe.sources[recipe.review]
    assert isinstance(predictor, HintPredictor)
    rows = [row for row in source_rows(recipe, source, source.path) if row.value(source.project) == package]
    functions = [
        Judged(row.text(source.text), int(row.value(source.label)), str(row.values.get(source.fixed) or ""))
        for row in rows
    ]
    scores = scores_of(predictor, functions)
    write_json(path, scores)
    return scores


def scores_of(predictor: HintPredictor, functions: Sequence[Judged]) -> dict[str, Any]:
    """What a hint says of the functions of one package, and what their length says."""
    texts = [one.text for one in functions]
    pairs = [(k, one.fixed) for k, one in enumerate(functions) if one.fixed]
    fixed = [text for _, text in pairs]
    return {
        "labels": [one.label for one in functions],
        "lines": [text.count("\n") + 1 for text in texts],
        "review": predictor.review_first(texts),
        "suspicion": [row[1] for row in predictor.logits(texts)],
        "pairs": [k for k, _ in pairs],
        "fixed": [row[1] for row in predictor.logits(fixed)],
        "shorter": [_sign(len(_tokens(text)) - len(_tokens(texts[k]))) for k, text in pairs],
        "same_tokens": [_tokens(texts[k]) == _tokens(text) for k, text in pairs],
    }


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _tokens(text: str) -> list[str]:
    from codewren.train.similarity.source_lexer import lex

    return [token.text for token in lex(text, python=False)]


def table(packages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of one seed, over all packages."""
    arrays = {name: {key: np.array(value) for key, value in own.items()} for name, own in packages.items()}
    labels = np.concatenate([own["labels"] == 1 for own in arrays.values()])
    review, lines = (np.concatenate([own[key] for own in arrays.values()]).astype(float) for key in ("review", "lines"))
    groups = [(own["suspicion"], own["labels"] == 1, own["lines"].astype(float)) for own in arrays.values()]
    steps = np.concatenate([own["suspicion"][own["pairs"]] - own["fixed"] for own in arrays.values()])
    same = np.concatenate([own["same_tokens"] for own in arrays.values()])
    above, told = int((steps > 0).sum()), int((steps != 0).sum())
    return {
        "review_auc": auc(review, labels),
        "lines_auc": auc(lines, labels),
        "review_minus_lines": _bootstrap(review, lines, labels),
        "review_auc_of_packages": _mean(auc(own["review"], own["labels"] == 1) for own in arrays.values()),
        "lines_auc_of_packages": _mean(auc(own["lines"], own["labels"] == 1) for own in arrays.values()),
        "suspicion_auc_of_equal_length": equal_length_auc(groups),
        "vulnerable_above_fixed": above / len(steps),
        "shorter_above_fixed": float(np.mean((np.concatenate([own["shorter"] for own in arrays.values()]) + 1) / 2)),
        "p_against_half": float(binomtest(above, told).pvalue),
        "ties_of_different_tokens": int(((steps == 0) & ~same).sum()),
        "ties_of_same_tokens": int(((steps == 0) & same).sum()),
        "recall_at_2_percent": _recall(arrays, "review"),
        "lines_recall_at_2_percent": _recall(arrays, "lines"),
    }


def _recall(arrays: dict[str, dict[str, NDArray[Any]]], key: str) -> float:
    """Share of the vulnerable functions among the 2 % of each package that come first."""
    taken = [flagged(own[key].astype(float), FLAGGED)[own["labels"] == 1] for own in arrays.values()]
    return float(np.concatenate(taken).mean())


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


def _bootstrap(first: Floats, second: Floats, labels: NDArray[np.bool_]) -> list[float]:
    """95 % interval of the difference of two areas under the curve, functions drawn again by label."""
    rng, differences = np.random.default_rng(0), []
    positive, negative = np.flatnonzero(labels), np.flatnonzero(~labels)
    for _ in range(DRAWS // 4):
        drawn = np.concatenate([rng.choice(positive, len(positive)), rng.choice(negative, len(negative))])
        differences.append(auc(first[drawn], labels[drawn]) - auc(second[drawn], labels[drawn]))
    return [float(value) for value in np.quantile(differences, [0.025, 0.975])]


def main() -> None:
    """Fit, predict, print the table of each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    recipe = HintRecipe.from_dict(recipe_tables(arguments.recipe, ()), arguments.recipe.parent)
    source = recipe.sources[recipe.review]
    packages = sorted({str(row.value(source.project)) for row in source_rows(recipe, source, source.path)})
    for seed in arguments.seeds:
        bundles = left_out_bundles(recipe, arguments.out, seed, packages)
        figures = table({package: package_scores(recipe, package, path) for package, path in bundles})
        print(json.dumps({"seed": seed, **figures}, indent=1), flush=True)


if __name__ == "__main__":
    main()
