"""A search over the sizes of a similarity encoder: its front, its choice, what it does not train twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codewren.compress.similarity_path import compress_similarity
from codewren.compress.similarity_run import SimilarityRun
from codewren.compress.similarity_search import EncoderTrial, search_sizes
from codewren.compress.size_search import front_of, promoted
from codewren.core.errors import InfeasibleError, InputError
from codewren.core.files import read_json
from codewren.core.pareto import Budget, Scores
from codewren.core.recipe_files import recipe_tables
from codewren.core.similarity_recipe import EncoderSearch, EncoderSizes, SimilarityRecipe
from codewren.predict.predictor import load
from codewren.search.space.encoder_space import described, encoder_space
from train.similarity.made_functions import tiny_recipe, write_data

SEARCH = EncoderSearch("halving", trials=3, trial_steps=3)


def recipe_of(folder: Path, **changes: Any) -> SimilarityRecipe:
    recipe = tiny_recipe(folder, steps=6)
    return replace(recipe, search=replace(SEARCH, **changes), budget=Budget(max_bytes=150_000))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimilarityRun:
    folder = tmp_path_factory.mktemp("search")
    write_data(folder)
    run = SimilarityRun(recipe_of(folder), folder / "run", quiet=True)
    compress_similarity(run)
    return run


def test_the_chosen_sizes_are_shipped_within_the_budget(run: SimilarityRun) -> None:
    chosen = read_json(run.path("chosen.json"))["sizes"]
    bundle = load(run.path("student.wren")).bundle
    assert bundle.config.names.width == chosen["names"]["width"]
    assert bundle.config.structure.sketch_width == chosen["structure"]["sketch_width"]
    assert bundle.size_bytes <= 150_000


def test_no_point_of_the_front_is_beaten_by_another(run: SimilarityRun) -> None:
    front = [Scores(**raw["scores"]) for raw in read_json(run.path("front.json"))["candidates"]]
    assert front
    assert not any(one.dominates(other) for one in front for other in front)
    table = run.path("front.md").read_text()
    assert table.count("| * ") == 1
    assert "made java" in table
    picture = run.path("front.svg").read_text()
    assert picture.count("point chosen") == 1
    assert all(f"{each.size_bytes:,} bytes" in picture for each in front)


def test_every_training_is_in_the_journal_once_and_none_is_repeated(run: SimilarityRun, tmp_path: Path) -> None:
    lines = run.path("journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["steps"] for line in lines].count(3) == 3
    stamps = {path: path.stat().st_mtime_ns for path in (run.out / "trials").iterdir()}
    for name in ("chosen.json", "student.wren"):
        run.path(name).unlink()
    run.path("journal.jsonl").write_text("\n".join([*lines, lines[0][:30]]))  # as a killed run leaves it
    compress_similarity(run)
    assert stamps == {path: path.stat().st_mtime_ns for path in (run.out / "trials").iterdir()}


def test_a_runs_recipe_makes_the_same_bundle(run: SimilarityRun) -> None:
    saved = run.path("recipe.json")
    again = SimilarityRecipe.from_tables(recipe_tables(saved), saved)
    assert again.search.strategy == "fixed"
    other = SimilarityRun(again, run.out.parent / "again", quiet=True)
    compress_similarity(other)
    assert other.path("student.wren").read_bytes() == run.path("student.wren").read_bytes()


def test_draws_keep_the_budget_and_reach_every_octave() -> None:
    base = tiny_recipe(Path()).sizes
    drawn = encoder_space(base).spread(1_000_000, 40, seed=0)
    sizes = [point.table_bytes for point in drawn]
    assert max(sizes) <= 1_000_000
    assert max(sizes) > 500_000
    assert min(sizes) < 125_000
    assert len({str(described(point)) for point in drawn}) == 40
    every = encoder_space(base).points
    assert all(point in every for point in drawn)
    with pytest.raises(InfeasibleError, match="the smallest has"):
        encoder_space(base).spread(10_000, 1, seed=0)


def test_wren_chooses_half_of_the_brief_trainings_by_what_it_has_seen(tmp_path: Path) -> None:
    recipe = replace(recipe_of(tmp_path), search=EncoderSearch("wren", trials=10, trial_steps=1))
    trained: list[tuple[dict[str, int], int]] = []

    def train(sizes: EncoderSizes, steps: int) -> EncoderTrial:
        trained.append((described(sizes), steps))
        return EncoderTrial(sizes, steps, Scores(sizes.names.width / 200, sizes.table_bytes, 1e-4), {"set": 0.5})

    search_sizes(recipe, tmp_path, context="", train=train)
    brief = [values for values, steps in trained if steps == 1]
    assert len(brief) == 10
    assert brief[:5] == [described(sizes) for sizes in encoder_space(recipe.sizes).spread(134_000, 5, seed=0)]
    assert len({str(values) for values in brief}) == 10
    assert {steps for _, steps in trained} == {1, recipe.contrast.steps}


def made(size_bytes: int, effectiveness: float, latency_s: float) -> EncoderTrial:
    return EncoderTrial(
        tiny_recipe(Path()).sizes, 1, Scores(effectiveness, size_bytes, latency_s), {"set": effectiveness}
    )


def test_the_better_half_of_every_octave_is_promoted() -> None:
    large, small = [made(900, k / 10, 1.0) for k in range(4)], [made(400, k / 20, 1.0) for k in range(3)]
    assert promoted([*large, *small]) == [large[3], large[2], small[2], small[1]]


def test_a_faster_encoder_stays_on_the_front() -> None:
    fast, good, bad = made(500, 0.8, 1e-4), made(500, 0.9, 2e-4), made(600, 0.8, 2e-4)
    assert front_of([fast, good, bad]) == [fast, good]


def test_a_search_needs_sets_to_judge_by_and_no_rows_to_start_from(run: SimilarityRun) -> None:
    unmeasured = replace(run.recipe, valid=None, search=SEARCH)
    with pytest.raises(InputError, match=r"add it, or set search\.strategy"):
        compress_similarity(replace(run, recipe=unmeasured))
    begun = replace(run.recipe, contrast=replace(run.recipe.contrast, initial="rows.npz"))
    with pytest.raises(InputError, match=r"contrast\.initial has sizes"):
        compress_similarity(replace(run, recipe=begun))
