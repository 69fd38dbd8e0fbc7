"""The search stage: really trained students, a front within the budget, one choice, nothing repeated."""

import json
import shutil

import pytest

from codewren.core.pareto import ParetoFront
from codewren.core.student_config import StudentConfig
from codewren.predict.predictor import load
from commands import fails, run

BUDGET = 120_000


@pytest.fixture(scope="module")
def searched(clone_task, tmp_path_factory):
    out = tmp_path_factory.mktemp("search")
    run("label", clone_task / "recipe.toml", "--out", out, "--quiet")
    run("search", clone_task / "recipe.toml", "--out", out, "--quiet", *settings("wren"))
    return out


def settings(strategy, **more):
    chosen = {"strategy": strategy, "trials": 6, "trial_epochs": 2, **more}
    words = [f"search.{name}={value}" for name, value in chosen.items()] + [f"budget.max_bytes={BUDGET}"]
    return [part for word in words for part in ("--set", word)]


def test_wren_leaves_journal_front_and_choice(searched):
    lines = [json.loads(line) for line in (searched / "journal.jsonl").read_text().splitlines()[1:]]
    assert lines
    assert all(line["status"] in ("done", "collapsed", "failed") for line in lines)
    assert any(line["status"] == "done" for line in lines)
    front = ParetoFront.from_dict(json.loads((searched / "front.json").read_text()))
    assert front.candidates
    for candidate in front.candidates:
        assert candidate.scores.measured
        assert candidate.scores.size_bytes <= BUDGET
        assert candidate.scores.latency_s > 0
    chosen = json.loads((searched / "chosen.json").read_text())
    assert StudentConfig.from_dict(chosen["config"]) in [c.config for c in front.candidates]
    assert chosen["reason"]


def test_a_finished_search_trains_nothing_again_and_another_rule_reuses_its_trials(searched, clone_task):
    before = (searched / "journal.jsonl").read_bytes()
    recipe = clone_task / "recipe.toml"
    run("search", recipe, "--out", searched, "--quiet", *settings("wren"))
    run("search", recipe, "--out", searched, "--quiet", *settings("wren", pick="smallest-within 5 points"))
    assert (searched / "journal.jsonl").read_bytes() == before


def test_rivals_and_the_teacher_are_drawn_beside_the_front_and_nothing_is_trained_for_it(searched, clone_task):
    before = (searched / "journal.jsonl").read_bytes()
    recipe, rival = clone_task / "recipe.toml", searched / "a-rival.wren"
    run("export", recipe, "--out", searched, "--quiet", *settings("wren"), "--set", "distil.epochs=2")
    shutil.copy(searched / "student.wren", rival)
    run("search", recipe, "--out", searched, "--quiet", *settings("wren", rivals=json.dumps([str(rival)])))
    assert (searched / "journal.jsonl").read_bytes() == before
    drawn = (searched / "front.svg").read_text()
    assert ">a-rival<" in drawn
    assert ">teacher 1.0000<" in drawn


def test_a_rival_that_is_not_there_costs_no_search(clone_task, tmp_path, capsys):
    recipe = clone_task / "recipe.toml"
    run("label", recipe, "--out", tmp_path, "--quiet")
    error = fails(capsys, "search", recipe, "--out", tmp_path, "--quiet", *settings("wren", rivals='["no.wren"]'))
    assert "no.wren" in error
    assert not (tmp_path / "journal.jsonl").exists()


def test_a_pick_rule_that_is_none_costs_no_search(clone_task, tmp_path, capsys):
    recipe = clone_task / "recipe.toml"
    run("label", recipe, "--out", tmp_path, "--quiet")
    assert "no number" in fails(
        capsys, "search", recipe, "--out", tmp_path, "--quiet", *settings("wren", pick="best-under much")
    )
    assert not (tmp_path / "journal.jsonl").exists()


@pytest.mark.parametrize("strategy", ["wren", "avatar-v1", "avatar", "random"])
def test_a_budget_that_nothing_keeps_is_refused_before_anything_is_timed(clone_task, tmp_path, capsys, strategy):
    recipe = clone_task / "recipe.toml"
    run("label", recipe, "--out", tmp_path, "--quiet")
    tiny = (*settings(strategy), "--set", "budget.max_bytes=10", "--set", "budget.max_latency_s=1e-9")
    assert "10" in fails(capsys, "search", recipe, "--out", tmp_path, "--quiet", *tiny)
    assert not [*tmp_path.glob("latency-*"), *tmp_path.glob("pace-*")]


def test_the_chosen_trial_is_not_trained_again_when_it_was_the_same_training(searched, clone_task, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(searched, out)
    recipe = clone_task / "recipe.toml"
    run("distil", recipe, "--out", out, "--quiet", *settings("wren"), "--set", "distil.epochs=2")
    trained = (out / "student" / "log.jsonl").read_text()
    assert trained in [log.read_text() for log in (out / "trials").glob("*/log.jsonl")]
    assert len(trained.splitlines()) == 2


def test_the_whole_front_is_exported_from_its_trials(searched, clone_task):
    recipe = clone_task / "recipe.toml"
    written = run("export", recipe, "--out", searched, "--quiet", "--front", *settings("wren")).split()
    front = ParetoFront.from_dict(json.loads((searched / "front.json").read_text())).candidates
    assert len(written) == len(front)
    for path, candidate in zip(written, front, strict=True):
        bundle = load(path)
        assert bundle.manifest["scores"]["measures"]["accuracy"]["value"] == pytest.approx(
            candidate.scores.effectiveness,
            abs=0.02,  # int8 against the float32 weights that the trial judged
        )
        assert bundle.path.stat().st_size == pytest.approx(candidate.scores.size_bytes, rel=0.1)


def test_a_front_without_its_trials_is_one_clear_error(searched, clone_task, tmp_path, capsys):
    for name in ("front.json", "logits-unlabelled.npz"):
        (tmp_path / name).write_bytes((searched / name).read_bytes())
    arguments = ["export", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--front", *settings("wren")]
    assert "holds 0 of 2 epochs" in fails(capsys, *arguments)
    (tmp_path / "front.json").unlink()
    assert "front.json is not there" in fails(capsys, *arguments)
    assert "--onnx" in fails(capsys, *arguments, "--onnx")


def test_the_front_of_a_search_with_another_seed_than_the_final_training_is_found(searched, clone_task):
    arguments = ["export", clone_task / "recipe.toml", "--out", searched, "--quiet", "--front", *settings("wren")]
    shutil.rmtree(searched / "front", ignore_errors=True)
    first, *_ = run(*arguments, "--set", "distil.seed=7").split()
    assert load(first).manifest["provenance"]["recipe"]["distil"]["seed"] == 0


def test_nested_tokenizers_are_trained_once_and_cut(searched):
    kept = [path.name.split("-")[:2] for path in (searched / "tokenizers").glob("*.json")]
    assert all(size == "16000" for kind, size in kept if kind in ("bpe", "word"))
    tried = [json.loads(line)["config"] for line in (searched / "journal.jsonl").read_text().splitlines()[1:]]
    assert {config["tokenizer"] for config in tried} == {kind for kind, _ in kept}
    assert any(config["vocab_size"] < 16000 for config in tried)


def test_a_search_before_labelling_is_one_clear_error(clone_task, tmp_path, capsys):
    error = fails(capsys, "search", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", *settings("wren"))
    assert "logits-unlabelled.npz" in error
    assert not (tmp_path / "journal.jsonl").exists()


def test_an_impossible_budget_names_the_limits(clone_task, searched, capsys):
    arguments = ["search", clone_task / "recipe.toml", "--out", searched / "none", "--quiet", *settings("compressor")]
    (searched / "none").mkdir(exist_ok=True)
    error = fails(capsys, *arguments, "--set", "budget.max_bytes=1000")
    assert "1,000" in error or "1000" in error


def test_morph_measures_flips_of_every_trial_and_takes_the_steadiest(clone_task, searched, tmp_path, capsys):
    recipe, out = clone_task / "recipe.toml", tmp_path / "run"
    out.mkdir()
    (out / "logits-unlabelled.npz").write_bytes((searched / "logits-unlabelled.npz").read_bytes())
    wishes = settings("morph", trials=4, population=8, generations=3, pick="steadiest-within 50 points")
    wishes += ("--set", 'search.objectives=["effectiveness", "size_bytes", "flops", "flips"]')
    assert "flip_edit" not in fails(
        capsys, "search", recipe, "--out", out, "--quiet", *settings("avatar", objectives='["flips"]')
    )
    assert "'rename'" in fails(
        capsys, "search", recipe, "--out", out, *wishes, "--set", 'search.flip_edits=["renames"]'
    )
    run("search", recipe, "--out", out, *wishes)
    trials = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()[1:]]
    assert trials  # so small a budget holds few students
    assert all(0 <= trial["scores"]["flips"] <= 1 for trial in trials)
    front = ParetoFront.from_dict(json.loads((out / "front.json").read_text())).candidates
    chosen = StudentConfig.from_dict(json.loads((out / "chosen.json").read_text())["config"])
    steadiest = min(candidate.scores.flips for candidate in front)
    assert next(c for c in front if c.config == chosen).scores.flips == steadiest
    assert "flips" in (out / "front.md").read_text().splitlines()[0]
