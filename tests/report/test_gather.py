"""`codewren report` from files on disk: everything shown, gaps named, malformed and hostile files told in one line."""

import json
import tomllib

import numpy as np
import pytest

from bench_file import bench
from codewren.core.recipe import Recipe
from codewren.core.task import VULNERABILITY
from codewren.data.load import load_split
from codewren.measure.calibration import cross_fit
from codewren.measure.intervals import mcnemar
from codewren.measure.quality import quality
from codewren.predict.predictor import load
from codewren.report.gather.run_facts import run_facts
from codewren.train.teachers.logits_file import write_logits
from commands import fails, run
from html_pages import check, data_of, text_of
from students import CONFIG, write_student

N = 120


@pytest.fixture
def folder(tmp_path):
    """A run as `compress` leaves it, with an untrained student and a made-up teacher, beside its data."""
    rng = np.random.default_rng(3)
    rows = [{"idx": k, "func": _function(rng), "target": int(k % 3 == 0)} for k in range(N)]
    (tmp_path / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    recipe = Recipe.load(tmp_path / "recipe.toml")
    out = tmp_path / "devign"
    (out / "student").mkdir(parents=True)
    dump(out / "recipe.json", recipe.to_dict())
    made = {"epoch": 2, "source": "made up", "data_sha256": {"valid": "x"}}
    write_student(out / "student.wren", provenance=made)
    lines = [{"epoch": k, "loss": 1 / k, "score": 0.5 + 0.01 * k, "seconds": 1.0} for k in (1, 2)]
    (out / "student/log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    dataset = load_split(recipe, "valid")
    truth = np.asarray(dataset.known_labels())
    logits = np.where(rng.random(N) < 0.8, 1, -1) * (2 * truth - 1)
    write_logits(
        out / "logits-valid.npz", np.stack([-logits, logits], 1).astype(np.float32), dataset, teacher_sha256="t"
    )
    return out


def _function(rng):
    return " ".join(f"w{k}" for k in rng.integers(4, 60, rng.integers(3, 120)))


RECIPE = """
[task]
name = "vulnerability"
[data]
valid = { path = "valid.jsonl", label = "target" }
[teacher]
path = "teacher"
[distil]
train_on = ["labelled"]
"""


def dump(path, value):
    path.write_text(json.dumps(value))


def report(*arguments):
    """The tree of the page that `codewren report` writes."""
    out = arguments[0].parent / "page.html"
    assert run("report", *arguments, "--out", out).splitlines()[0] == str(out)
    return check(out.read_text(encoding="utf-8"))


def expected(folder):
    """Labels, the teacher's and the student's answers, worked out apart from the report."""
    dataset = load_split(Recipe.load(folder.parent / "recipe.toml"), "valid")
    predictor = load(folder / "student.wren")
    labels = np.asarray(dataset.known_labels())
    taught = np.load(folder / "logits-valid.npz")["logits"].argmax(1)
    return labels, taught, np.asarray(predictor.predict(dataset.sources())), dataset, predictor


def test_a_run_is_judged_now_and_compared_with_its_teacher(folder):
    labels, taught, predicted, dataset, predictor = expected(folder)
    tree = report(folder)
    text, figures = text_of(tree), data_of(tree)
    found = quality(labels, np.asarray(predictor.predict_proba(dataset.sources())), positive=1, predictions=predicted)
    assert all(found[name].value in figures for name in ("accuracy", "f1", "mcc", "auc"))
    assert run_facts(str(folder)).tables[-1].rows[0][1:] == tuple(map(str, found.confusion[0]))
    assert (taught == labels).mean() in figures
    assert (folder / "student.wren").stat().st_size in figures
    test = mcnemar(labels, predicted, taught)
    assert f"exact McNemar p = {test.p_value:.2g}; {test.only_first_right:,} items only devign has right" in text


def test_the_page_shows_training_lengths_recipe_and_hashes(folder):
    tree = report(folder)
    text = text_of(tree)
    assert "Epoch 2 was kept (ringed)" in text
    assert load(folder / "student.wren").bundle.sha256 in text
    lengths = [len(code.split()) + 2 for code in expected(folder)[3].functions]
    cut = sum(length > CONFIG.max_sequence_length for length in lengths)
    assert f"the student reads the first 80, {cut} functions are cut" in text
    shown = next(one.text for one in tree.iter("pre") if "[task]" in one.text)
    assert tomllib.loads(shown)["data"]["valid"] == {"path": "valid.jsonl", "label": "target"}


def test_gaps_name_commands_that_parse(folder):
    text = text_of(report(folder))
    for words in ("codewren bench recipe.toml", "--edits --json", "codewren baseline recipe.toml", "codewren search"):
        assert words in text
    assert text.count("not measured") >= 4


def test_an_evaluation_gives_latency_and_sizes(folder):
    measure = {"name": "median_s", "value": 0.0123, "low": 0.011, "high": 0.013, "n": 20}
    rows = [{"name": "teacher", "size_bytes": 90_000_001, "quality": _quality(0.75), "latency": {"median_s": measure}}]
    rows.append({"name": "student", "size_bytes": 1, "quality": _quality(0.5), "latency": {"median_s": measure}})
    dump(folder / "evaluation.json", {"split": "valid", "seconds": 1.0, "rows": rows})
    figures = data_of(report(folder))
    assert {0.0123, 90_000_001.0, 0.75} <= set(figures)


def _quality(accuracy):
    figure = {"name": "accuracy", "value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1, "n": N}
    return {"n": N, "measures": {"accuracy": figure}, "undefined": {}, "majority": {**figure, "value": 0.66}}


def test_a_bench_gives_times_energy_and_the_machine(folder):
    sha256 = load(folder / "student.wren").bundle.sha256
    dump(folder / "bench.json", bench(sha256))
    tree = report(folder)
    text, figures = text_of(tree), data_of(tree)
    for figure in (4.2e-5, 0.0315, 0.3151, 7.5e-6, 1.25e9):
        assert pytest.approx(figure, rel=1e-3) in figures
    for words in (
        "A processor",
        "[0.0945, 1.04]",
        "may be off by a factor of 3",
        "earned back after 12,345 predictions",
    ):
        assert words in text, words
    assert "Latency: not measured" not in text
    assert len([one for one in tree.iter("path") if "curve" in (one.get("class") or "")]) == 4  # two of training


def test_a_bench_of_another_bundle_is_not_taken_for_this_one(folder):
    dump(folder / "bench.json", bench("0" * 64))
    tree = report(folder)
    (ours,) = [row for row in tree.iter("tr") if row.get("class") == "ours"]
    assert "4.2e-05" not in [one.get("value") for one in ours.iter("data")]


def test_flips_and_slices_come_from_the_fidelity_file(folder):
    rate = {"edited": 90, "flipped": 9, "rate": 0.1, "low": 0.05, "high": 0.2}
    piece = {"by": "length", "name": "long ones", "n": 30, "accuracy": 0.4, "low": 0.2, "high": 0.6, "rest": 0.7}
    test = {"items": 40, "only_first": 2, "only_second": 9, "p_value": 0.031}
    teacher = {
        "flips": {"rename": {**rate, "flipped": 18, "rate": 0.2}},
        "tests": {"rename": test},
    }
    found = {"seed": 0, "flips": {"rename": rate}, "slices": [piece], "teacher": teacher, "kappa": None}
    dump(folder / "fidelity.json", {"fidelity": found})
    text = text_of(report(folder))
    for words in ("9 of 90, 0.1000 [0.0500, 0.2000]", "18 of 90, 0.2000", "0.031", "length long ones 30 0.4000"):
        assert words in text, words


def test_relations_and_attacks_are_told_where_they_were_measured(folder):
    figure = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 50}
    names = ("agreement", "divergence", "similarity", "high_confidence", "discrepancies")
    relation = {**dict.fromkeys(names, figure), "calibration_gap": None}
    fell = {key: {**figure, "value": 0.25} for key in ("before", "after", "success")}
    test = {"items": 40, "only_first": 1, "only_second": 9, "p_value": 0.021}
    attack = {**fell, "budget": {"queries": 60, "identifiers": 5}, "rivals": {"published": {**fell, "test": test}}}
    flips = {"seed": 0, "flips": {}, "slices": []}
    dump(folder / "fidelity.json", {"fidelity": flips, "relations": {"as written": relation}, "attack": attack})
    text = text_of(report(folder))
    for words in (
        "output agreement 0.9000 [0.8000, 0.9500], n = 50",
        "60 judgements and 5 names",
        "published",
        "0.021",
    ):
        assert words in text, words
    assert "calibration alignment" not in text


def test_a_bilstm_baseline_has_its_row_and_says_how_long_it_was_trained(folder):
    labels, *_, dataset, _ = expected(folder)
    baseline = folder / "bilstm-repaired"
    baseline.mkdir()
    dump(baseline / "bilstm.json", {"size_bytes": 7_461_608})
    lines = [{"epoch": k, "loss": 1 / k, "score": 0.5, "seconds": 1.0} for k in (1, 2, 3)]
    (baseline / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    constant = np.tile(np.float32([2, -2]), (N, 1))
    write_logits(baseline / "logits-valid.npz", constant, dataset, teacher_sha256="b")
    tree = report(folder)
    assert f"on the valid split, n = {N}, trained for 3 epochs" in text_of(tree)
    assert (labels == 0).mean() in data_of(tree)
    assert 7_461_608 in data_of(tree)


@pytest.mark.parametrize(("mode", "role"), [("avatar", "Avatar"), ("compressor", "Compressor"), ("wren", "codewren")])
def test_a_fixed_student_belongs_to_whose_tokenizer_it_has(folder, mode, role):
    recipe = Recipe.load(folder.parent / "recipe.toml", ["search.strategy=fixed", f"distil.tokenizer_mode={mode}"])
    dump(folder / "recipe.json", recipe.to_dict())
    write_student(folder / "student.wren", provenance={})
    student = run_facts(str(folder)).models[-1]
    assert student.role == role


def test_energy_of_the_stages_is_added_up(folder):
    stage = {
        "joules": 1500.0,
        "processor_s": 100.0,
        "seconds": 100.0,
        "meter": "modelled: x",
        "factor": 2.0,
        "kwh": 0.1,
    }
    dump(folder / "energy.json", {"joules": 3000.0, "stages": [{"stage": "distil", **stage}] * 2})
    assert "distil 3,000 0.000833 200 modelled: x (a factor of 2 either way)" in text_of(report(folder))


def test_a_lone_bundle_is_told_by_its_own_scores_and_judged_where_a_recipe_lends_data(folder):
    scores = {"split": "valid", "measures": {"accuracy": {"value": 0.515, "low": 0.5, "high": 0.53, "n": 9}}}
    alone = write_student(folder.parent / "alone.wren", scores=scores)
    assert 0.515 in data_of(report(alone))
    lent = data_of(report(alone, "--recipe", folder.parent / "recipe.toml"))
    labels, _, predicted, *_ = expected(folder)
    assert (predicted == labels).mean() in lent
    assert 0.515 not in lent


def test_a_bundle_of_one_data_set_judged_on_another_belongs_to_the_other(folder):
    there = folder.parent / "reveal"
    there.mkdir()
    (there / "valid.jsonl").write_bytes((folder.parent / "valid.jsonl").read_bytes())
    own, lent = (
        Recipe.load(folder.parent / "recipe.toml", [f'data.valid={{path="{name}/valid.jsonl",label="target"}}'])
        for name in ("devign", "reveal")
    )
    alone = write_student(folder.parent / "alone.wren", provenance={"recipe": own.to_dict()})
    assert run_facts(str(alone)).dataset == "Devign"
    facts = run_facts(str(alone), data=lent)
    assert facts.dataset == "ReVeal"
    assert "accuracy" in facts.models[-1].measures


def test_two_runs_are_tested_against_each_other_on_the_first_ones_data(folder):
    other = write_student(folder.parent / "other.wren", seed=1)
    tree = report(folder, other)
    dataset = expected(folder)[3]
    labels, first = (
        np.asarray(dataset.known_labels()),
        np.asarray(load(folder / "student.wren").predict(dataset.sources())),
    )
    test = mcnemar(labels, first, np.asarray(load(other).predict(dataset.sources())))
    assert f"{test.only_first_right} items only devign has right, {test.only_second_right} only other" in text_of(tree)


def test_without_data_the_page_still_stands(folder):
    (folder.parent / "valid.jsonl").unlink()
    text = text_of(report(folder))
    assert "the data are not where the recipe says" in text


def test_a_search_without_a_bundle_shows_its_front(folder):
    (folder / "student.wren").unlink()
    scores = {"effectiveness": 0.6, "size_bytes": 5000, "measured": True}
    candidates = [
        {"name": f"t{k}", "config": CONFIG.to_dict(), "scores": {**scores, "size_bytes": k}} for k in (10, 90)
    ]
    dump(folder / "front.json", {"candidates": candidates, "noise": 0.004})
    tree = report(folder)
    points = [one for one in tree.iter("circle") if "front" in (one.get("class") or "").split()]
    assert [one.find("title").text for one in points] == ["t10: 10 bytes, 0.6000", "t90: 90 bytes, 0.6000"]
    assert "Seeds differ by 0.40 points" in text_of(tree)
    dump(folder / "front.json", {"candidates": candidates, "noise": 0.0})  # of a strategy that knows none
    assert "Seeds differ" not in text_of(report(folder))


def test_a_search_without_a_bundle_knows_how_good_its_teacher_is(folder):
    labels, taught, *_ = expected(folder)
    (folder / "student.wren").unlink()
    tree = report(folder)
    assert (taught == labels).mean() in data_of(tree)
    assert "not of the validation split" not in text_of(tree)


def test_the_card_is_written_beside_the_page(folder):
    card = folder.parent / "MODEL_CARD.md"
    run("report", folder, "--out", folder.parent / "page.html", "--card", card)
    labels, _, predicted, *_ = expected(folder)
    assert f"{(predicted == labels).mean():.4f}" in card.read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("evaluation.json", '{"rows": 3}', "rows is 3, wanted a list"),
        (
            "evaluation.json",
            '{"rows": [{"name": "student", "quality": {"measures": {"f1": {"value": NaN}}}}]}',
            "finite",
        ),
        ("evaluation.json", "[]", "an object was wanted"),
        ("evaluation.json", '{"rows": [{"name": "teacher", "size_bytes": -1}]}', "wanted a count"),
        ("bench.json", "{}", "not a bench of schema 1"),
        ("bench.json", '{"kind": "codewren bench", "schema_version": 99}', "not a bench of schema 1"),
        ("bench.json", '{"kind": "codewren bench", "schema_version": 1, "task": {}, "data": {}}', "not a task"),
        ("fidelity.json", '{"fidelity": {"flips": {"rename": {}}}}', "rename"),
        ("fidelity.json", "{}", "codewren evaluate --edits"),
        ("front.json", '{"candidates": [{}]}', "not a front"),
        ("student/log.jsonl", "{}\n{", "line 2: not JSON"),
        ("energy.json", '{"stages": [{"stage": 1}]}', "stage is 1, wanted text"),
        ("chosen.json", '{"config": 1}', "config is int"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_it(folder, capsys, name, content, words):
    (folder / name).write_text(content)
    if name == "chosen.json":
        (folder / "student.wren").unlink()
    line = fails(capsys, "report", folder, "--out", folder / "page.html")
    assert line.startswith("codewren: ")
    assert words in line
    assert name.rsplit("/", 1)[-1] in line
    assert not (folder / "page.html").exists()


def test_an_empty_folder_and_a_card_of_two_runs_are_refused(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "holds neither student.wren nor a recipe.json" in fails(capsys, "report", tmp_path / "empty")
    assert "about one model" in fails(capsys, "report", folder, folder.parent, "--card", tmp_path / "card.md")


def test_a_hub_id_is_never_fetched(folder):
    raw = json.loads((folder / "recipe.json").read_text())
    raw["data"]["valid"]["path"] = "hub:somebody/something"
    dump(folder / "recipe.json", raw)
    assert "the data are not where the recipe says" in text_of(report(folder))


def test_hostile_strings_in_a_run_stay_text(folder):
    nasty = "</title><script>alert(1)</script>"
    raw = json.loads((folder / "recipe.json").read_text())
    raw["teacher"]["path"] = nasty
    dump(folder / "recipe.json", raw)
    dump(folder / "overlap.json", {"warnings": [f"valid: {nasty}"]})
    write_student(folder / "student.wren", provenance={"source": nasty, nasty: nasty})
    tree = report(folder)
    assert text_of(tree).count("alert(1)") >= 4
    assert VULNERABILITY.name in text_of(tree)


def test_a_bench_without_the_teacher_does_not_break_up_a_pair_timed_together(folder):
    test_an_evaluation_gives_latency_and_sizes(folder)
    timed = bench(load(folder / "student.wren").bundle.sha256)
    dump(folder / "bench.json", timed | {"models": timed["models"][1:]})
    assert "1 times faster than the teacher in the same session" in text_of(report(folder))


def test_a_bench_in_one_run_tells_the_times_of_the_other_bundles_too(folder):
    other = write_student(folder.parent / "other.wren", seed=1)
    dump(folder / "bench.json", bench(load(other).bundle.sha256))
    tree = report(folder, other)
    lines = [row for row in tree.find(".//table").iter("tr") if "".join(row[0].itertext()).startswith("other")]
    assert len(lines) == 1
    assert {4.2e-5, 0.3151} <= {float(one.get("value")) for one in lines[0].iter("data")}


def test_a_decision_fitted_on_these_items_is_reported_out_of_fold(folder):
    labels, _, _, dataset, predictor = expected(folder)
    fitted = {"calibrate": True, "threshold": "accuracy", "fitted_on_sha256": dataset.sha256()}
    write_student(folder / "student.wren", provenance={"decision": fitted})
    logits = np.asarray(predictor.logits(dataset.sources()))
    crossed = cross_fit(logits, labels, positive=1, metric="accuracy")
    tree = report(folder)
    assert (crossed.predictions == labels).mean() in data_of(tree)
    assert "the figures are out of fold" in text_of(tree)


@pytest.mark.parametrize(
    "scores",
    [
        {"effectiveness": 0.5, "size_bytes": 0},
        {"effectiveness": 0.5, "size_bytes": 9, "latency_s": -1.0},
        {"effectiveness": 0.5, "size_bytes": 9, "uncertainty": "wide"},
        {"effectiveness": float("nan"), "size_bytes": 9},
        {"effectiveness": 10**400, "size_bytes": 9},
    ],
    ids=["no bytes", "negative time", "text", "not a number", "huge"],
)
def test_a_front_that_cannot_be_drawn_is_refused(folder, capsys, scores):
    dump(folder / "front.json", {"candidates": [{"config": CONFIG.to_dict(), "scores": scores}]})
    assert "front.json" in fails(capsys, "report", folder, "--out", folder / "page.html")
