"""A search over the sizes of a hint: what it judges by, what it chooses, what it does not fit twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from codewren.cli.main import cli
from codewren.compress.hint_path import compress_hint
from codewren.compress.hint_run import HintRun, run_features
from codewren.compress.hint_search import hint_trial, searched_hint
from codewren.core.errors import InfeasibleError, InputError, RecipeError
from codewren.core.files import read_json
from codewren.core.hint_recipe import HintRecipe, HintSearch, HintSizes
from codewren.core.pareto import Budget, Scores
from codewren.core.recipe_files import recipe_tables
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.search.space.hint_space import described, hint_space
from codewren.train.hint.hint_fit import Material
from train.hint.made_packages import PACKAGES, made_recipe, write_packages

SEARCH = HintSearch("halving", trials=4, trial_steps=3, seed=1)


def recipe_of(folder: Path, **fit: Any) -> HintRecipe:
    recipe = made_recipe(folder, **{"iterations": 6, **fit})
    return replace(recipe, search=SEARCH, budget=Budget(max_bytes=60_000))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> HintRun:
    folder = tmp_path_factory.mktemp("search")
    write_packages(folder)
    run = HintRun(recipe_of(folder), folder / "run", quiet=True)
    compress_hint(run)
    return run


def test_the_chosen_sizes_are_shipped_within_the_budget(run: HintRun) -> None:
    chosen = read_json(run.path("chosen.json"))["sizes"]
    predictor = load(run.path("student.wren"))
    assert isinstance(predictor, HintPredictor)
    assert 0 < predictor.config.entries <= chosen["entries"]
    assert predictor.bundle.size_bytes <= 60_000
    assert read_json(run.path("recipe.json"))["student"] == chosen


def test_no_point_of_the_front_is_beaten_and_all_are_drawn(run: HintRun) -> None:
    front = [Scores(**raw["scores"]) for raw in read_json(run.path("front.json"))["candidates"]]
    assert front
    assert not any(one.dominates(other) for one in front for other in front)
    table, picture = run.path("front.md").read_text(), run.path("front.svg").read_text()
    assert table.count("| * ") == 1
    assert "equal length" in table
    assert "ms a function" not in table
    assert picture.count("point chosen") == 1


def test_a_search_goes_on_where_it_stopped(run: HintRun) -> None:
    lines = run.path("journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["steps"] for line in lines].count(3) == 4
    first = run.path("chosen.json").read_text()
    run.path("chosen.json").unlink()
    run.path("journal.jsonl").write_text("\n".join([*lines[:-1], lines[-1][:40]]) + "\n")  # as a killed run leaves it
    searched_hint(run)
    again = run.path("journal.jsonl").read_text().splitlines()
    assert len(again) == len(lines) + 1
    assert json.loads(again[-1]) == json.loads(lines[-1])
    assert run.path("chosen.json").read_text() == first


def test_packages_left_out_have_no_say(run: HintRun, tmp_path: Path) -> None:
    """With their labels turned round no trial changes: a search is nested where they are judged on."""
    left = PACKAGES[:2]
    examples, read, _ = run_features(run)
    nested = replace(run, recipe=replace(run.recipe, fit=replace(run.recipe.fit, leave_out=left)))
    sizes = HintSizes(1000, 100)
    with pytest.raises(InputError, match="no feature is left"):  # functions of other packages have the same names
        hint_trial(nested, examples, read, sizes, 4, 0)
    examples = replace(examples, names=[f"name_{number}" for number in range(len(examples.names))])
    turned = replace(
        examples,
        labels=[
            1 - label if project in left else label
            for label, project in zip(examples.labels, examples.projects, strict=True)
        ],
    )
    trials = [hint_trial(nested, each, read, sizes, 4, 0) for each in (examples, turned)]
    assert trials[0] == trials[1]
    everything = [hint_trial(run, each, read, sizes, 4, 0) for each in (examples, turned)]
    assert everything[0].sets != everything[1].sets


def test_order_one_has_no_feature_of_two_neighbours(run: HintRun) -> None:
    examples, read, _ = run_features(run)
    classes = {
        order: set((Material.of(_of_order(run, order), examples, read).entries & 31).tolist()) for order in (1, 2)
    }
    assert classes[2] - classes[1] == {5, 6}
    assert classes[1]


def _of_order(run: HintRun, order: int) -> HintRecipe:
    return replace(run.recipe, sizes=replace(run.recipe.sizes, order=order))


def test_the_space_reaches_every_octave_and_says_what_it_lacks() -> None:
    space = hint_space(2)
    drawn = space.spread(1_000_000, len(space.points), seed=0)
    sizes = [space.table_bytes(point) for point in drawn]
    assert max(sizes) <= 1_000_000
    assert min(sizes) < 20_000
    assert len({str(described(point)) for point in drawn}) == len(drawn)
    with pytest.raises(InfeasibleError, match="no hint of the space keeps 100 bytes"):
        space.spread(100, 1, seed=0)


def test_the_surrogate_proposes_what_was_not_tried(tmp_path: Path) -> None:
    write_packages(tmp_path)
    recipe = replace(recipe_of(tmp_path, iterations=3), search=replace(SEARCH, strategy="wren", trials=10))
    run = HintRun(replace(recipe, budget=Budget()), tmp_path / "run", quiet=True)
    searched_hint(run)
    lines = map(json.loads, run.path("journal.jsonl").read_text().splitlines())
    assert len({str(line["sizes"]) for line in lines}) == 10


def test_the_verb_prints_the_sizes(tmp_path: Path) -> None:
    write_packages(tmp_path)
    recipe, out = tmp_path / "recipe.json", tmp_path / "run"
    recipe.write_text(json.dumps(recipe_of(tmp_path).to_dict()))
    made = CliRunner().invoke(cli, ["search", str(recipe), "--out", str(out), "--quiet"])
    assert made.exit_code == 0, made.output
    assert [line.split(" = ")[0] for line in made.output.splitlines()] == ["entries", "order"]
    saved = HintRecipe.from_tables(recipe_tables(recipe), recipe)
    assert saved.search == SEARCH


def test_an_unknown_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="wanted 1 or 2"):
        HintSizes(10, 1, 3)
