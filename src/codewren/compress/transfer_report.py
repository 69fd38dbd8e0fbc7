"""`codewren evaluate --transfer`: a bundle beside lexical baselines on functions that solve problems."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from codewren.core.errors import InputError
from codewren.core.files import write_json
from codewren.core.recipe_files import recipe_tables
from codewren.core.similarity_recipe import SimilarityRecipe, SimilaritySource, is_similarity
from codewren.core.task import Unit
from codewren.data.readers import Row, read_rows
from codewren.measure.lexical_baselines import SubtokenTfidf
from codewren.measure.transfer import (
    Figures,
    Pair,
    Solution,
    TransferRow,
    baseline_figures,
    summary,
    transfer_sets,
)
from codewren.predict.predictor import AnyPredictor, load
from codewren.report.table import markdown
from codewren.train.similarity.project_functions import language_of, rows_of

Tell = Callable[[str], None]


def evaluate_transfer(bundle: str, paths: Sequence[Path], *, split: str, json_path: Path | None = None) -> str:
    """The transfer table of a bundle, over all data sets given.

    Args:
        bundle: name or path.
        paths: recipes of similarity encoders, whose `objective.valid` is read, or files of functions with columns
            func, problem, language and, if they like, source and split.
        split: rows of a file to read, where it has that column.
        json_path: where all figures are written too.

    Raises:
        InputError: the bundle does not judge pairs, or the data hold no set of 20 clone pairs.
    """
    predictor = load(bundle)
    if predictor.task.unit is not Unit.PAIR:
        raise InputError(f"{bundle} judges single functions; --transfer wants one that judges pairs")
    solutions = [solution for path in paths for solution in _solutions(path, split)]
    rows = transfer_rows(predictor, solutions)
    if json_path is not None:
        write_json(json_path, {"bundle": bundle, "summary": summary(rows), "sets": [row.to_dict() for row in rows]})
    return transfer_table(rows)


def transfer_rows(predictor: AnyPredictor, solutions: Sequence[Solution]) -> list[TransferRow]:
    """Figures of a bundle and of the baselines on every set; frequencies of TF-IDF are those of all the functions.

    Raises:
        InputError: there is no set of 20 clone pairs.
    """
    tfidf = SubtokenTfidf.of(solution.text for solution in solutions)
    figures = bundle_figures(predictor, solutions)
    rows = [
        TransferRow(each_set.name, len(each_set.clones), figures[each_set.name], baseline_figures(each_set, tfidf))
        for each_set in transfer_sets(solutions)
    ]
    if not rows:
        raise InputError(f"{len(solutions)} functions make no set of 20 clone pairs; give more of each problem")
    return rows


def bundle_figures(predictor: AnyPredictor, solutions: Sequence[Solution]) -> dict[str, Figures]:
    """Figures of a bundle by set, without those of baselines."""
    return {
        each_set.name: Figures.of(*(_probabilities(predictor, pairs) for pairs in (each_set.clones, each_set.others)))
        for each_set in transfer_sets(solutions)
    }


def transfer_table(rows: Sequence[TransferRow]) -> str:
    """Markdown: AUC and recall at one false alarm in 1,000 for each set, and a line that sums up."""
    baselines = list(rows[0].baselines)
    header = ["set", "clone pairs", "bundle", *baselines]
    cells = [
        [row.name, f"{row.clone_pairs:,}", *map(_cell, (row.bundle, *(row.baselines[name] for name in baselines)))]
        for row in rows
    ]
    total = summary(rows)
    return "\n".join(
        (
            markdown([header, *cells]),
            "",
            "AUC / recall at one false alarm in 1,000. "
            f"{total['sets_below']} of {total['sets']} sets below the best lexical baseline; "
            f"mean gain in AUC {total['mean_auc_gain']:+.4f}, mean ratio of recalls {total['mean_recall_ratio']:.2f}",
        )
    )


def _cell(figures: Figures) -> str:
    return f"{figures.auc:.3f} / {figures.recall:.2f}"


def _probabilities(predictor: AnyPredictor, pairs: Sequence[Pair]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    positive = predictor.task.positive_index
    items = [(first.text, second.text) for first, second in pairs]
    return np.array([row[positive] for row in predictor.predict_proba(items)], np.float64)


def _solutions(path: Path, split: str) -> Iterator[Solution]:
    if path.suffix != ".toml":
        yield from (_solution(row, path.stem) for row in read_rows(path) if row.values.get("split", split) == split)
        return
    raw = recipe_tables(path)
    recipe = SimilarityRecipe.from_tables(raw, path) if is_similarity(raw) else None
    if recipe is None or recipe.valid is None:
        raise InputError(f"{path}: has no [objective.valid]; give a recipe that has, or a file of functions")
    yield from valid_solutions(recipe, recipe.valid)


def valid_solutions(recipe: SimilarityRecipe, source: SimilaritySource) -> Iterable[Solution]:
    """Functions of the recipe that measure transfer."""
    for row in rows_of(recipe, source):
        origin = str(row.values.get("source", "valid"))
        yield Solution(row.text(source.text), str(row.value(source.problem)), language_of(row, source), origin)


def _solution(row: Row, name: str) -> Solution:
    origin = str(row.values.get("source", name.partition(".")[0]))
    return Solution(row.text("func"), str(row.value("problem")), str(row.value("language")), origin)
