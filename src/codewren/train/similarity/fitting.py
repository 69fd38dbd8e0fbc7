"""Calibration of a similarity: probability lines for each idea of a clone, and the alert threshold."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.similarity import GENERAL, SQUARE, Calibration
from codewren.core.errors import InputError
from codewren.core.similarity_recipe import AlertSection, SimilarityRecipe, SimilaritySource
from codewren.predict.similarity import SimilarityPredictor
from codewren.train.similarity.corpus import labelled_pairs, name_donors
from codewren.train.similarity.project_functions import (
    ProjectFunction,
    Use,
    language_of,
    project_functions,
    rows_of,
    same_name,
)
from codewren.train.similarity.related_projects import ProjectPairs, related_projects
from codewren.train.similarity.text_edits import add_statement, edited, rename

Similarities = NDArray[np.float64]
TextPair = tuple[ProjectFunction, ProjectFunction]
EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class Background:
    """Functions of projects put aside.

    Attributes:
        functions: some of each project.
        names: what renamed copies are made with.
        same_name: groups of functions of one name.
        related: pairs of projects that descend from one another.
    """

    functions: Sequence[ProjectFunction]
    names: Sequence[str]
    same_name: Sequence[Sequence[ProjectFunction]]
    related: ProjectPairs = frozenset()


def backgrounds(recipe: SimilarityRecipe) -> dict[Use, Background]:
    """Functions of projects put aside: to fit thresholds, and to measure false alarms.

    Raises:
        InputError: a source cannot be read, or no project is put aside.
    """
    rng = random.Random(recipe.contrast.seed)
    by_use = project_functions(recipe, rng=rng)
    names = name_donors(by_use[Use.TRAIN], rng)
    gathered = {}
    for use in (Use.FIT, Use.TEST):
        functions = list(_some_of_each(by_use[use], recipe.alert.functions, rng))
        if len({function.project for function in functions}) < 2:
            raise InputError(f"two projects or more must be put aside to {use}; set split_projects or {use}_projects")
        gathered[use] = Background(
            functions, names, same_name(by_use[use], rng=rng, most=3), related_projects(by_use[use])
        )
    return gathered


def _some_of_each(functions: Sequence[ProjectFunction], most: int, rng: random.Random) -> list[ProjectFunction]:
    by_project: dict[str, list[ProjectFunction]] = defaultdict(list)
    for function in functions:
        by_project[function.project].append(function)
    return [f for _, own in sorted(by_project.items()) for f in rng.sample(own, min(len(own), most))]


def similarities(predictor: SimilarityPredictor, pairs: Sequence[TextPair]) -> Similarities:
    """Similarity of each pair, by the vectors that the runtime makes (pairs,)."""
    functions = list(dict.fromkeys(function for pair in pairs for function in pair))
    rows = {function: row for row, function in enumerate(functions)}
    vectors = _vectors(predictor, functions)
    index = np.array([[rows[first], rows[second]] for first, second in pairs], np.int64).reshape(-1, 2)
    return _products(vectors, index)


def _vectors(predictor: SimilarityPredictor, functions: Sequence[ProjectFunction]) -> NDArray[np.int8]:
    texts, languages = [function.text for function in functions], [function.language for function in functions]
    return np.asarray(predictor.encode(texts, languages=languages), np.int8).reshape(-1, predictor.vector_bytes)


def _products(vectors: NDArray[np.int8], index: NDArray[np.int64]) -> Similarities:
    chunks = [
        np.einsum("ij,ij->i", *(vectors[side].astype(np.int32) for side in index[start : start + 20_000].T))
        for start in range(0, len(index), 20_000)
    ]
    return np.concatenate([np.zeros(0), *chunks]) / SQUARE


def random_similarities(
    predictor: SimilarityPredictor, background: Background, settings: AlertSection, *, seed: int
) -> dict[str, Similarities]:
    """Similarities of random pairs of unrelated projects: of each language with two projects or more, and of all.

    Raises:
        InputError: all projects are related.
    """
    functions = background.functions
    vectors, rng = _vectors(predictor, functions), np.random.default_rng(seed)
    projects = np.array([function.project for function in functions])
    languages = np.array([function.language for function in functions])
    names, numbers = np.unique(projects, return_inverse=True)
    is_related = np.array(
        [[a == b or frozenset((a, b)) in background.related for b in names.tolist()] for a in names.tolist()]
    )
    drawn = {}
    for language in (*sorted(set(languages.tolist())), EVERYWHERE):
        members = np.flatnonzero((languages == language) | (language == EVERYWHERE))
        if len(set(projects[members].tolist())) > 1:
            index = rng.choice(members, (settings.pairs, 2))
            drawn[language] = _products(vectors, index[~is_related[numbers[index[:, 0]], numbers[index[:, 1]]]])
    if not drawn.get(EVERYWHERE, np.zeros(0)).size:
        raise InputError("all projects put aside share copied functions; put projects aside that are not related")
    return {language: values for language, values in drawn.items() if len(values)}


def alert_similarity(background: Mapping[str, Similarities], rate: float) -> float:
    """The similarity that `rate` of the random pairs exceed, in the language where it is highest.

    >>> alert_similarity({"c": np.arange(101) / 100, "go": np.arange(101) / 200}, 0.1)
    0.9
    """
    languages = [values for language, values in background.items() if language != EVERYWHERE]
    return max(float(np.quantile(values, 1 - rate)) for values in languages or background.values())


def fitted_line(positives: Sequence[Similarities], negatives: Sequence[Similarities]) -> tuple[float, float]:
    """Slope and offset of the log odds; every set counts alike, clones as much as others.

    Raises:
        InputError: clones are no more alike than others.
    """
    from sklearn.linear_model import LogisticRegression

    kinds = [(values, 1, len(positives)) for values in positives] + [
        (values, 0, len(negatives)) for values in negatives
    ]
    values = np.concatenate([values for values, _, _ in kinds])
    labels = np.concatenate([np.full(len(values), label) for values, label, _ in kinds])
    weights = np.concatenate([np.full(len(values), 1e4 / len(values) / sets) for values, _, sets in kinds])
    line = LogisticRegression(C=1e4, max_iter=500).fit(values[:, None], labels, sample_weight=weights)
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if not slope > 0:
        raise InputError(f"clones are no more alike than other functions (slope {slope:.3f}); the training failed")
    return slope, offset


def calibrations(
    recipe: SimilarityRecipe, predictor: SimilarityPredictor, background: Background
) -> dict[str, Calibration]:
    """The general calibration, with its alert threshold, and one for each source of labelled pairs, by its name."""
    seed = recipe.contrast.seed
    random_pairs = random_similarities(predictor, background, recipe.alert, seed=seed)
    clones = [similarities(predictor, pairs) for pairs in _general_clones(background, seed) if pairs]
    slope, offset = fitted_line(clones, [random_pairs[EVERYWHERE]])
    general = Calibration(slope, offset)
    alert = general.probability(round(alert_similarity(random_pairs, recipe.alert.rate) * SQUARE))
    fitted = {GENERAL: Calibration(slope, offset, 0.5, alert)}
    for name, source in sorted(recipe.sources.items()):
        if source.kind == "pairs" and source.labelled is not None:
            pairs, labels = read_labelled(recipe, source, source.labelled)
            values = similarities(predictor, pairs)
            fitted[name] = Calibration(*fitted_line([values[labels]], [values[~labels]]))
    return fitted


def _general_clones(background: Background, seed: int) -> list[list[TextPair]]:
    """Edited copies, and functions of one name, each a set of its own."""
    copies = edited_pairs(background, seed=seed)["edited"]
    named = [(group[0], group[1]) for group in background.same_name if group[0].language == group[1].language]
    return [copies, named]


def edited_pairs(background: Background, *, seed: int) -> dict[str, list[TextPair]]:
    """Functions beside themselves, renamed, with a statement more, and edited in several ways."""
    rng, functions = random.Random(seed), background.functions
    pairs: dict[str, list[TextPair]] = {"itself": [], "renamed": [], "statement added": [], "edited": []}
    for function in functions:
        donor = rng.choice(functions).text
        copies = (
            function.text,
            rename(function.text, rng, background.names),
            add_statement(function.text, rng, donor),
            edited(function.text, rng, background.names, donor),
        )
        for name, text in zip(pairs, copies, strict=True):
            pairs[name].append((function, ProjectFunction(text, "", function.project, function.language)))
    return pairs


def read_labelled(
    recipe: SimilarityRecipe, source: SimilaritySource, path: str
) -> tuple[list[TextPair], NDArray[np.bool_]]:
    """Pairs of a file, and whether each is a clone."""
    functions = {
        row.name(source.id): ProjectFunction(row.text(source.text), "", "", language_of(row, source))
        for row in rows_of(recipe, source)
    }
    rows = list(labelled_pairs(recipe, path))
    pairs = [(functions[first], functions[second]) for first, second, _ in rows]
    return pairs, np.array([label > 0.5 for *_, label in rows])
