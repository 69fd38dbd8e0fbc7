"""Several seeds of one recipe: their spread is reported, the best is shipped, nothing is trained twice."""

import json
import statistics

import pytest

from codewren.bundle.read import Bundle
from codewren.compress.run import Run
from codewren.compress.seeds import compress_seeds
from codewren.core.errors import InputError
from codewren.core.recipe import Recipe


@pytest.fixture(scope="module")
def studied(clone_task, tmp_path_factory):
    out = tmp_path_factory.mktemp("seeds")
    recipe = Recipe.load(clone_task / "recipe.toml", ["distil.epochs=2"])
    return out, recipe, compress_seeds(Run.start(recipe, out, quiet=True), 2)


def test_the_summary_is_that_of_the_seeds(studied):
    out, _, _ = studied
    found = json.loads((out / "seeds.json").read_text())
    values = [scores["accuracy"] for scores in found["seeds"].values()]
    assert len(values) == 2
    assert found["summary"]["accuracy"]["mean"] == pytest.approx(statistics.mean(values))
    assert found["summary"]["accuracy"]["sd"] == pytest.approx(statistics.stdev(values))


def test_the_best_seed_is_the_one_that_ships(studied):
    out, _, table = studied
    found = json.loads((out / "seeds.json").read_text())
    best = max(found["seeds"], key=lambda seed: found["seeds"][seed]["accuracy"])
    assert str(found["best"]) == best
    shipped, seed = Bundle.read(out / "student.wren"), Bundle.read(out / f"seed-{best}" / "student.wren")
    assert bytes(shipped.weights) == bytes(seed.weights)
    assert shipped.manifest["scores"] == seed.manifest["scores"]
    assert shipped.card.startswith(seed.card)
    assert f"{best} (shipped)" in table
    assert table in shipped.card
    assert shipped.manifest["provenance"]["seeds"]["summary"] == found["summary"]


def test_seeds_differ_in_training_only(studied):
    out, _, _ = studied
    logits = [(out / f"seed-{seed}" / "logits-unlabelled.npz").read_bytes() for seed in (0, 1)]
    weights = [(out / f"seed-{seed}" / "student.wren").read_bytes() for seed in (0, 1)]
    assert logits[0] == logits[1]
    assert weights[0] != weights[1]


def test_a_second_call_trains_nothing(studied):
    out, recipe, table = studied
    before = {path: path.stat().st_mtime_ns for path in out.glob("seed-*/student/checkpoint.pt")}
    assert compress_seeds(Run.start(recipe, out, quiet=True), 2) == table
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("seed-*/student/checkpoint.pt")}


def test_one_seed_is_no_study(studied):
    out, recipe, _ = studied
    with pytest.raises(InputError, match="wanted 2 or more"):
        compress_seeds(Run.start(recipe, out, quiet=True), 1)
