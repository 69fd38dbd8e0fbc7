"""Projects that share several copied functions are related; one copy, or one word for many things, is not enough."""

import random

import numpy as np
import pytest

from codewren.core.errors import InputError
from codewren.core.similarity_recipe import AlertSection
from codewren.predict.predictor import load
from codewren.predict.similarity import SimilarityPredictor
from codewren.train.similarity.fitting import Background, random_similarities
from codewren.train.similarity.project_functions import ProjectFunction
from codewren.train.similarity.related_projects import related_projects
from train.similarity.made_functions import made_function


def functions_of(project: str, numbers: range, *, variant: int = 0) -> list[ProjectFunction]:
    texts = [made_function(number, variant=variant) for number in numbers]
    return [ProjectFunction(text, text.partition("(")[0].split()[-1], project, "java") for text in texts]


def test_three_copies_make_projects_related_and_two_do_not() -> None:
    own, fork, other = (
        functions_of("own", range(9)),
        functions_of("fork", range(6, 20)),
        functions_of("far", range(7, 9)),
    )
    assert related_projects([*own, *fork]) == {frozenset(("own", "fork"))}
    assert related_projects([*own, *other]) == frozenset()


def test_functions_of_one_name_that_do_something_else_are_no_copies() -> None:
    names = ("read", "write", "check", "count")
    first = [ProjectFunction(f"int {n}(A a) {{ return a.alpha + b.beta(c.gamma); }}", n, "a", "c") for n in names]
    second = [ProjectFunction(made_function(k), name, "b", "c") for k, name in enumerate(names)]
    assert related_projects([*first, *second]) == frozenset()


def test_pairs_of_related_projects_are_no_background() -> None:
    predictor = load("clones-micro")
    assert isinstance(predictor, SimilarityPredictor)
    functions = [*functions_of("own", range(12)), *functions_of("fork", range(12)), *functions_of("far", range(60, 72))]
    random.Random(0).shuffle(functions)
    settings = AlertSection(pairs=3000)
    every = random_similarities(predictor, Background(functions, [], []), settings, seed=0)["all"]
    related = related_projects(functions)
    unrelated = random_similarities(predictor, Background(functions, [], [], related), settings, seed=0)["all"]
    assert related == {frozenset(("own", "fork"))}
    assert np.max(every) > 0.98  # a copy
    assert np.max(unrelated) < 0.98
    assert 0 < len(unrelated) < len(every)


def test_a_background_of_related_projects_alone_is_refused() -> None:
    predictor = load("clones-micro")
    assert isinstance(predictor, SimilarityPredictor)
    functions = [*functions_of("own", range(12)), *functions_of("fork", range(12))]
    background = Background(functions, [], [], related_projects(functions))
    with pytest.raises(InputError, match="put projects aside that are not related"):
        random_similarities(predictor, background, AlertSection(pairs=100), seed=0)
