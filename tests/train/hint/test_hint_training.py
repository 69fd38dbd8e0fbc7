"""A hint is fitted, calibrated and shipped; it learns what the text shows, and a run of it resumes."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codewren.compress.hint_path import compress_hint
from codewren.compress.hint_run import HintRun
from codewren.core.errors import InfeasibleError, InputError, RecipeError
from codewren.core.files import read_json
from codewren.core.hint_recipe import HintRecipe
from codewren.core.pareto import Budget
from codewren.core.similarity_recipe import objective_kind
from codewren.measure.transfer import area_under_curve
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.train.hint.examples import KIND_OF_CWE, KINDS, is_taught, own_name, training_examples
from codewren.train.hint.hint_bags import HintBags, frequent_features, normalised
from codewren.train.hint.hint_fit import Material, outside_scores, review_calibrations
from codewren.train.hint.weights import class_factors
from train.hint.made_packages import PACKAGES, made_function, made_recipe, write_packages

FILES = ("features.npz", "weights.npz", "evaluation.json", "student.wren", "recipe.json", "report.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data")
    write_packages(path)
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> HintRun:
    run = HintRun(made_recipe(folder), folder / "run", quiet=True)
    compress_hint(run)
    return run


@pytest.fixture(scope="module")
def predictor(run: HintRun) -> HintPredictor:
    predictor = load(run.path("student.wren"))
    assert isinstance(predictor, HintPredictor)
    return predictor


def test_functions_without_a_check_rank_above_those_of_equal_length_with_one(predictor: HintPredictor) -> None:
    rng = random.Random(9)
    bad, good = ([made_function(rng, checked=c, lines=8) for _ in range(40)] for c in (False, True))
    scores = [np.array(predictor.suspicion(texts)) for texts in (bad, good)]
    assert area_under_curve(*scores) > 0.95


def test_long_functions_are_reviewed_first_where_long_ones_were_vulnerable(predictor: HintPredictor) -> None:
    rng = random.Random(9)
    short, long = (made_function(rng, checked=True, lines=lines) for lines in (2, 16))
    first, second = predictor.review_first([short, long])
    assert second > first


def test_the_mean_probability_is_the_rate_of_the_review_source(predictor: HintPredictor, run: HintRun) -> None:
    examples = training_examples(run.recipe)
    own = [k for k, source in enumerate(examples.sources) if source == "packages"]
    rate = np.mean([examples.labels[k] for k in own])
    for values in (predictor.review_first, predictor.suspicion):
        assert np.mean(values([examples.texts[k] for k in own])) == pytest.approx(rate, abs=0.1)


def test_kinds_are_learned_and_absent_ones_are_not_named(predictor: HintPredictor) -> None:
    copied, freed = predictor.kinds(
        ["void g(char *t) { char c[9]; strcpy(c, t); }", "void g(char *t) { free(t); t[0] = 2; }"]
    )
    assert max(copied, key=lambda kind: copied[kind]) == "memory bounds"
    assert max(freed, key=lambda kind: freed[kind]) == "use after free"
    assert copied["concurrency"] < 0.01


def test_the_lines_that_a_check_was_added_between_are_the_likeliest(predictor: HintPredictor) -> None:
    text = made_function(random.Random(9), checked=False, lines=12)
    copied = 1 + next(number for number, line in enumerate(text.split("\n")) if "memcpy" in line)
    (explanation,) = predictor.explain([text])
    assert {line.line for line in explanation.strongest(2)} == {copied - 1, copied}


def test_equal_seeds_give_equal_bytes(run: HintRun, folder: Path) -> None:
    compress_hint(HintRun(made_recipe(folder), folder / "again", quiet=True))
    assert (folder / "again/student.wren").read_bytes() == run.path("student.wren").read_bytes()


def test_stages_are_taken_up_and_made_again_where_the_recipe_says_otherwise(run: HintRun, folder: Path) -> None:
    copy = HintRun(run.recipe, folder / "copy", quiet=True)
    shutil.copytree(run.out, copy.out)
    stamps = {name: copy.path(name).stat().st_mtime_ns for name in FILES[:3]}
    compress_hint(copy)
    assert all(copy.path(name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    compress_hint(HintRun(made_recipe(folder, iterations=4), copy.out, quiet=True))
    changed = {name for name, stamp in stamps.items() if copy.path(name).stat().st_mtime_ns != stamp}
    assert changed == {"weights.npz", "evaluation.json"}


def test_what_was_measured_is_in_the_bundle_its_card_and_the_folder(run: HintRun, predictor: HintPredictor) -> None:
    figures = read_json(run.path("evaluation.json"))["figures"]
    assert {path.name for path in run.out.iterdir()} == set(FILES)
    outside = predictor.manifest["scores"]["packages"]
    assert predictor.manifest["scores"] == {"packages": outside, **figures}
    assert outside["suspicion_auc_of_equal_length"] > 0.9
    assert outside["vulnerable_above_fixed"] > 0.9
    assert outside["review_auc"] > outside["lines_auc"]
    assert outside["line_hits"] > max(outside["longest_line_hits"], outside["random_line_hits"])
    assert outside["rate"] == pytest.approx(0.3, abs=0.1)
    assert figures["other"]["accuracy"] > 0.9
    for word in ("reading order", "Trained on", "Limits", "accuracy", "Licence"):
        assert word in predictor.bundle.card
    assert str(run.recipe.folder) not in str(predictor.manifest)


def test_a_budget_that_is_broken_is_said(run: HintRun, folder: Path) -> None:
    tight = HintRun(replace(run.recipe, budget=Budget(max_bytes=5000)), folder / "tight", quiet=True)
    with pytest.raises(InfeasibleError, match="the budget is 5,000; give fewer entries"):
        compress_hint(tight)


def test_nothing_of_a_project_left_out_teaches(folder: Path) -> None:
    examples = training_examples(made_recipe(folder))
    taught = is_taught(examples, [PACKAGES[0], "lib"])
    assert {project for project, own in zip(examples.projects, taught, strict=True) if own} <= {*PACKAGES[1:], ""}
    names = {name for name, project in zip(examples.names, examples.projects, strict=True) if project == PACKAGES[0]}
    assert not any(own and name in names for name, own in zip(examples.names, taught, strict=True))


def test_every_source_with_projects_is_judged_by_fits_without_them(folder: Path) -> None:
    recipe = made_recipe(folder)
    more = replace(recipe, sources={**recipe.sources, "more": replace(recipe.sources["packages"], where={"target": 1})})
    assert (recipe.reviewed(), more.reviewed()) == (["packages"], ["more", "packages"])
    outside, slopes = [], []
    for one in (recipe, more):
        examples = training_examples(one)
        material = Material.of(one, examples, HintBags.of(examples.texts))
        scores = outside_scores(one, material, class_factors(material.entries), print)
        outside.append({name: np.isfinite(scores[material.sources == name]).all() for name in one.sources})
        slopes.append(review_calibrations(one, material, scores)["review"].counts)
    assert outside[0] == {"packages": True, "other": False, "ordinary": False, "kinds": False}
    assert outside[1] == {**outside[0], "more": True}
    assert slopes[0] != slopes[1]
    fitted = replace(more, fit=replace(more.fit, review_strength=1.0))
    counts = review_calibrations(fitted, material, scores)["review"].counts
    assert sum(slope != 0 for slope in slopes[1]) == 1 < sum(slope != 0 for slope in counts)


def test_features_of_functions_are_rows_of_length_one(folder: Path) -> None:
    texts = [made_function(random.Random(k), checked=True, lines=4) for k in range(20)]
    read = HintBags.of(texts)
    entries = frequent_features(read.bags, np.ones(20, bool), entries=50, least=2)
    matrix = normalised(read.bags, entries)
    assert matrix.shape == (20, 50)
    assert np.allclose(np.asarray(matrix.multiply(matrix).sum(axis=1)), 1, atol=1e-5)


def test_own_names_are_found_behind_comments() -> None:
    assert own_name("/* f(x) */ static int\nread_it (void) { g(); }") == "read_it"
    assert own_name("int x;") == ""


def test_every_kind_is_of_some_weakness() -> None:
    assert set(KIND_OF_CWE.values()) | {"other"} == set(KINDS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"review": "absent"}, "'absent' is no labelled source"),
        ({"review": "ordinary"}, "'ordinary' is no labelled source"),
        ({"review": "other"}, "project is missing"),
        ({"own_heads": ["kinds"]}, "'kinds' is no labelled source"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    sources = {
        "packages": {"kind": "labelled", "path": "functions.jsonl", "project": "package"},
        "other": {"kind": "labelled", "path": "other.jsonl"},
        "ordinary": {"kind": "ordinary", "path": "ordinary.jsonl"},
        "kinds": {"kind": "kinds", "path": "kinds.jsonl", "label": "cwe"},
    }
    objective = {"kind": "hint", "review": "packages", "sources": sources, **change}
    with pytest.raises(RecipeError, match=message):
        HintRecipe.from_dict({"objective": objective}, folder)


@pytest.mark.parametrize("trees", [-1, 4097])
def test_more_trees_than_a_bundle_holds_are_refused(folder: Path, trees: int) -> None:
    with pytest.raises(RecipeError, match=f"line_trees is {trees}; wanted 0 to 4096"):
        made_recipe(folder, line_trees=trees)


def test_a_label_that_is_none_is_refused(tmp_path: Path) -> None:
    write_packages(tmp_path)
    with (tmp_path / "other.jsonl").open("a") as stream:
        stream.write('{"target": "maybe", "func": "int f() {}"}\n')
    with pytest.raises(InputError, match=r"other\.jsonl.*label 'maybe' is neither 0 nor 1"):
        training_examples(made_recipe(tmp_path))


def test_an_unknown_objective_names_the_known_ones() -> None:
    assert objective_kind({"objective": {"kind": "hint"}}) == "hint"
    assert objective_kind({}) == ""
    with pytest.raises(RecipeError, match="wanted 'similarity', 'hint', or no"):
        objective_kind({"objective": {"kind": "hunch"}})
