"""A tiny similarity encoder is trained, calibrated and shipped, and ranks copies above other functions."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from codewren.compress.similarity_path import compress_similarity
from codewren.compress.similarity_run import SimilarityRun
from codewren.core.errors import InfeasibleError, InputError, RecipeError
from codewren.core.files import read_json
from codewren.core.similarity_recipe import SimilarityRecipe, is_similarity
from codewren.predict.predictor import load
from codewren.train.similarity.contrast import Lessons
from codewren.train.similarity.corpus import Corpus
from codewren.train.similarity.feature_bags import features_of
from codewren.train.similarity.function_features import features
from codewren.train.similarity.project_functions import ProjectFunction, Use, same_name, use_of
from train.similarity.made_functions import made_function, tiny_recipe, write_data

FILES = ("features.npz", "rows.npz", "evaluation.json", "student.wren", "recipe.json", "report.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data")
    write_data(path)
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> SimilarityRun:
    run = SimilarityRun(tiny_recipe(folder), folder / "run", quiet=True)
    compress_similarity(run)
    return run


def test_renamed_copies_rank_above_other_functions(run: SimilarityRun) -> None:
    model = load(run.path("student.wren"))
    left = [made_function(k) for k in range(100, 140)]
    right = [made_function(k, variant=2) for k in range(100, 140)]
    nearest = model.neighbours(model.encode(left), model.encode(right), 1)
    assert np.mean([row[0].index == k for k, row in enumerate(nearest)]) >= 0.95
    (same,) = model.predict_proba([(left[0], left[0])])
    assert same[1] > model.bundle.calibration.alert_threshold


def test_equal_seeds_give_equal_bytes(run: SimilarityRun, folder: Path) -> None:
    compress_similarity(SimilarityRun(tiny_recipe(folder), folder / "again", quiet=True))
    assert (folder / "again/student.wren").read_bytes() == run.path("student.wren").read_bytes()
    other = SimilarityRun(tiny_recipe(folder, seed=1), folder / "other", quiet=True)
    compress_similarity(other)
    assert other.path("student.wren").read_bytes() != run.path("student.wren").read_bytes()


def test_stages_are_taken_up_and_made_again_where_the_recipe_says_otherwise(run: SimilarityRun, folder: Path) -> None:
    copy = SimilarityRun(run.recipe, folder / "copy", quiet=True)
    shutil.copytree(run.out, copy.out)
    stamps = {name: copy.path(name).stat().st_mtime_ns for name in FILES[:3]}
    compress_similarity(copy)
    assert all(copy.path(name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    longer = SimilarityRun(tiny_recipe(folder, steps=31), copy.out, quiet=True)
    compress_similarity(longer)
    changed = {name for name, stamp in stamps.items() if copy.path(name).stat().st_mtime_ns != stamp}
    assert changed == {"rows.npz", "evaluation.json"}


def test_what_was_measured_is_in_the_bundle_its_card_and_the_folder(run: SimilarityRun) -> None:
    bundle, figures = load(run.path("student.wren")).bundle, read_json(run.path("evaluation.json"))["figures"]
    assert set(FILES) <= {path.name for path in run.out.iterdir()}
    assert bundle.manifest["scores"] == figures
    assert figures["transfer_summary"]["sets"] == 1
    assert figures["copies_above_alert"]["itself"] == 1.0
    assert "| made java |" in bundle.card
    assert str(run.recipe.folder) not in str(bundle.manifest)


def test_a_smaller_encoder_starts_from_the_rows_of_a_larger_one(run: SimilarityRun, folder: Path) -> None:
    raw = tiny_recipe(folder, steps=0, initial="run/rows.npz")
    compress_similarity(SimilarityRun(raw, folder / "start", quiet=True))
    with np.load(folder / "start/rows.npz") as small, np.load(run.path("rows.npz")) as large:
        assert np.array_equal(small["names_rows"], large["names_rows"])
    with pytest.raises(InputError, match="not those of a larger encoder"):
        other = tiny_recipe(folder, steps=0, initial="run/rows.npz", originals=3)
        compress_similarity(SimilarityRun(other, folder / "misfit", quiet=True))


def test_tables_above_the_budget_are_refused_before_anything_is_read(folder: Path) -> None:
    raw = {
        "objective": {"kind": "similarity", "sources": {"p": {"kind": "problems", "path": "nowhere.jsonl"}}},
        "student": {"names": {"entries": 9000, "rows": 9000}, "structure": {"entries": 9000, "rows": 9000}},
        "budget": {"max_bytes": 1_000_000},
    }
    with pytest.raises(InfeasibleError, match="need 1,818,000 bytes, the budget is 1,000,000"):
        compress_similarity(SimilarityRun(SimilarityRecipe.from_dict(raw, folder), folder / "none", quiet=True))


def test_bags_hold_what_each_function_has_by_itself() -> None:
    texts = [made_function(k) for k in range(5)] + ["def f(x):\n    return x + 1\n", "", "int g();"]
    is_python = [False] * 5 + [True, False, False]
    read = features_of(texts, is_python)
    for index, (text, python) in enumerate(zip(texts, is_python, strict=True)):
        for bags, hashes in zip((read.names, read.structure), features(text, python=python), strict=True):
            own = slice(bags.starts[index], bags.starts[index + 1])
            distinct, counts = np.unique(hashes, return_counts=True)
            assert np.array_equal(bags.hashes[own], distinct)
            assert np.array_equal(bags.counts[own], counts)


def test_a_corpus_without_anything_alike_is_refused(folder: Path) -> None:
    corpus = Corpus(["int f();"], ["c"], 1)
    with pytest.raises(InputError, match="no source gives a lesson"):
        Lessons.of(corpus, np.array([4]), tiny_recipe(folder).contrast)


def test_projects_are_split_by_name_then_by_hash(folder: Path) -> None:
    source = tiny_recipe(folder).sources["projects"]
    assert [use_of(f"project-{k}", source) for k in (0, 2, 7)] == [Use.FIT, Use.TEST, Use.TRAIN]
    hashed = SimilarityRecipe.from_dict(
        {
            "objective": {
                "kind": "similarity",
                "sources": {"f": {"kind": "functions", "path": "", "split_projects": True}},
            },
            "student": {"names": {"entries": 1, "rows": 1}, "structure": {"entries": 1, "rows": 1}},
        }
    ).sources["f"]
    uses = [use_of(f"library-{k}", hashed) for k in range(2000)]
    shares = [uses.count(use) / 2000 for use in Use]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.03)


def test_functions_of_one_name_come_from_two_projects_and_hide_it() -> None:
    import random

    def made(name: str, project: str) -> ProjectFunction:
        return ProjectFunction(f"int {name}(int x) {{ return {name}(x - 1); }}", name, project, "c")

    functions = [made("read_line", "a"), made("readLine", "b"), made("read_line", "a"), made("alone", "a")]
    (group,) = same_name([*functions, made("main", "a"), made("main", "b")], rng=random.Random(0))
    assert {function.project for function in group} == {"a", "b"}
    assert group[0].masked == "int solution(int x) { return solution(x - 1); }"


def test_an_objective_of_another_kind_is_refused() -> None:
    assert is_similarity({"objective": {"kind": "similarity"}})
    assert not is_similarity({"task": {"name": "clone"}})
    with pytest.raises(RecipeError, match=r"objective\.kind: 'ranking' is not known"):
        is_similarity({"objective": {"kind": "ranking"}})
