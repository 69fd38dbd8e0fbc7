"""From a logits file to one file that predicts, through the command line."""

import json

import numpy as np
import pytest

import codewren
from codewren.core.recipe import Recipe
from codewren.data.load import load_split, load_test_split
from commands import fails, run


@pytest.fixture(scope="session")
def finished(clone_task, tmp_path_factory):
    """A finished compress run."""
    out = tmp_path_factory.mktemp("run")
    table = run("compress", clone_task / "recipe.toml", "--out", out, "--quiet")
    return out, table


def test_compress_leaves_every_stage_and_a_table(finished):
    out, table = finished
    for name in ("recipe.json", "overlap.json", "logits-unlabelled.npz", "chosen.json", "student.wren", "report.md"):
        assert (out / name).exists(), name
    assert "accuracy" in table
    assert "student - teacher" in table


def test_the_bundle_has_learnt_what_the_teacher_knows(finished, clone_task):
    predictor = codewren.load(finished[0] / "student.wren")
    test = load_test_split(Recipe.load(clone_task / "recipe.toml"))
    hits = [int(label) == truth for label, truth in zip(predictor.predict(test.sources()), test.labels, strict=True)]
    assert np.mean(hits) > 0.85


def test_the_scores_inside_are_those_of_the_file_itself(finished, clone_task):
    bundle = finished[0] / "student.wren"
    target = finished[0] / "again.json"
    run("evaluate", bundle, clone_task / "recipe.toml", "--json", target)
    again = json.loads(target.read_text())
    inside = codewren.load(bundle).manifest["scores"]
    assert inside["measures"]["accuracy"] == again["measures"]["accuracy"]


def test_a_finished_run_is_not_trained_again(finished, clone_task):
    out, table = finished
    before = (out / "student" / "log.jsonl").read_text(), (out / "student.wren").read_bytes()
    again = run("compress", clone_task / "recipe.toml", "--out", out, "--quiet")
    assert ((out / "student" / "log.jsonl").read_text(), (out / "student.wren").read_bytes()) == before
    assert [line for line in again.splitlines() if line.startswith("| accuracy")] == [
        line for line in table.splitlines() if line.startswith("| accuracy")
    ]


def test_stages_one_by_one_equal_the_whole_path(finished, clone_task, tmp_path):
    for verb in ("label", "search", "distil", "export"):
        run(verb, clone_task / "recipe.toml", "--out", tmp_path, "--quiet")
    whole, parts = (codewren.load(path / "student.wren") for path in (finished[0], tmp_path))
    items = load_split(Recipe.load(clone_task / "recipe.toml"), "valid").sources()
    assert whole.predict_proba(items) == parts.predict_proba(items)


def test_later_verbs_take_up_the_recipe_that_the_run_was_begun_with(clone_task, tmp_path, capsys):
    run("label", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", "distil.epochs=1")
    for verb in ("search", "distil", "export"):
        run(verb, "--out", tmp_path, "--quiet")
    assert len((tmp_path / "student/log.jsonl").read_text().splitlines()) == 1
    assert codewren.load(tmp_path / "student.wren").manifest["provenance"]["recipe"]["distil"]["epochs"] == 1
    assert "run is not begun; give its recipe" in fails(capsys, "export", "--out", tmp_path / "none")


def test_evaluate_opens_the_test_split_and_compares(finished, clone_task):
    bundle = finished[0] / "student.wren"
    recipe = clone_task / "recipe.toml"
    out = run(
        "evaluate", bundle, recipe, "--split", "test", "--versus", bundle, "--logits", clone_task / "logits-test.npy"
    )
    assert "agreement" in out
    assert "within noise" in out


def test_info_and_predict_read_only_the_file(finished, tmp_path):
    bundle = finished[0] / "student.wren"
    out = run("info", bundle)
    assert "clone: different | clone" in out
    assert f"{bundle.stat().st_size:,} bytes" in out
    assert json.loads(run("info", bundle, "--json"))["schema_version"] == 1
    assert "Limits" in run("info", bundle, "--card")
    (tmp_path / "a").write_text("void f() { open1(x) ; }")
    line = json.loads(run("predict", bundle, tmp_path / "a", tmp_path / "a", "--format", "json"))
    assert sum(line["probabilities"].values()) == pytest.approx(1)
    assert line["label"] in ("different", "clone")


def test_a_student_over_the_budget_is_not_called_done(clone_task, tmp_path, capsys):
    arguments = ("compress", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", "distil.epochs=1")
    error = fails(capsys, *arguments, "--set", "budget.max_bytes=5000")
    assert "the budget is 5,000" in error
    assert not (tmp_path / "student.wren").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("distil.epoch=3", "did you mean 'epochs'?"),
        ("data.valid.path=nowhere.tsv", "nowhere.tsv"),
        ("data.valid.label=lable", "label"),
        ("teacher.path=nowhere.npy", "nowhere.npy"),
        ("teacher.path=logits-valid.npy", "150"),
        ("student.num_attention_heads=5", "try 30 or 35"),
        ("search.strategy=magic", "is not one of"),
        ("task.name=clones", "did you mean 'clone'?"),
    ],
)
def test_bad_input_is_one_line_with_a_way_out(clone_task, tmp_path, capsys, setting, said):
    error = fails(capsys, "compress", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", setting)
    assert error.startswith("codewren: ")
    assert said in error


def test_missing_recipe_and_foreign_bundle_are_clear(clone_task, tmp_path, capsys):
    assert "no such file" in fails(capsys, "compress", tmp_path / "none.toml", "--out", tmp_path)
    (tmp_path / "x.wren").write_text("hello")
    assert "x.wren" in fails(capsys, "info", tmp_path / "x.wren")
    assert "did you mean" in fails(capsys, "compres")
