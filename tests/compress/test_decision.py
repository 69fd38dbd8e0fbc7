"""What a bundle decides by is fitted on validation items, and never reported in sample."""

import json

import numpy as np
import pytest

import codewren
from codewren.bundle.container import Decision
from codewren.compress.decision import fit_decision
from codewren.core.dataset import Dataset
from codewren.core.errors import RecipeError
from codewren.core.recipe import Recipe
from codewren.core.task import CLONE, VULNERABILITY
from codewren.measure.calibration import softmax
from codewren.measure.out_of_fold import OUT_OF_FOLD, out_of_fold
from commands import fails, run
from students import write_student

TASKS = {"vulnerability": VULNERABILITY, "clone": CLONE}


@pytest.fixture(scope="module")
def predictors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("students")
    return {name: codewren.load(write_student(folder / f"{name}.wren", task=task)) for name, task in TASKS.items()}


def texts(rng, count):
    return [" ".join(f"w{number}" for number in rng.integers(4, 60, 12)) for _ in range(count)]


def functions(predictor, count=600, *, heat=1.0, seed=0):
    """Items whose labels are as sure as the student's logits divided by `heat`."""
    rng = np.random.default_rng(seed)
    found = tuple(texts(rng, count))
    sure = softmax(np.asarray(predictor.logits(list(found))), temperature=heat)[:, 1]
    labels = tuple(int(one) for one in rng.random(count) < sure)
    ids = tuple(str(index) for index in range(count))
    return Dataset(VULNERABILITY, "valid", found, ids, tuple((index,) for index in range(count)), labels, ids)


def recipe(folder, task="vulnerability", **decision):
    return Recipe.from_dict({"task": {"name": task}, "decision": decision}, folder)


def background(folder, count):
    path = folder / "background.jsonl"
    found = texts(np.random.default_rng(5), count)
    path.write_text("\n".join(json.dumps({"func": text}) for text in found))
    return found, {"path": path.name}


def test_nothing_is_fitted_unless_asked_for(predictors, tmp_path):
    predictor = predictors["vulnerability"]
    found = fit_decision(recipe(tmp_path), predictor, functions(predictor, 20))
    assert (found.decision, found.provenance) == (Decision(0.5, 1.0), {})


def test_the_temperature_that_made_the_labels_is_found(predictors, tmp_path):
    predictor = predictors["vulnerability"]
    found = fit_decision(recipe(tmp_path, calibrate=True), predictor, functions(predictor, 3000, heat=3.0))
    assert found.decision.temperature == pytest.approx(3.0, rel=0.25)
    assert found.decision.threshold == 0.5
    assert found.decision.alert_threshold is None


@pytest.mark.parametrize("metric", ["accuracy", "f1", "mcc"])
def test_no_other_threshold_is_better_on_the_items_it_was_fitted_on(predictors, tmp_path, metric):
    predictor = predictors["vulnerability"]
    dataset = functions(predictor, 200, heat=5.0)
    chosen = fit_decision(recipe(tmp_path, threshold=metric), predictor, dataset).decision
    assert chosen.temperature == 1.0
    sure = np.asarray(predictor.predict_proba(dataset.sources()))[:, 1]
    labels = np.asarray(dataset.known_labels())

    def score(threshold):
        said = sure > threshold
        tp, fp = int((said & (labels == 1)).sum()), int((said & (labels == 0)).sum())
        fn, tn = int((~said & (labels == 1)).sum()), int((~said & (labels == 0)).sum())
        if metric == "accuracy":
            return (tp + tn) / 200
        if metric == "f1":
            return 2 * tp / (2 * tp + fp + fn)
        below = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
        return (tp * tn - fp * fn) / below if below else 0.0

    assert score(chosen.threshold) == pytest.approx(max(score(t) for t in (*sure, 0.0, *(sure - 1e-9).clip(0))))


@pytest.mark.parametrize("budget", [0.001, 0.05, 0.3])
def test_an_alert_budget_is_kept_on_the_background_and_used_up(predictors, tmp_path, budget):
    predictor = predictors["vulnerability"]
    found, source = background(tmp_path, 400)
    wanted = recipe(tmp_path, calibrate=True, alert_budget=budget, background=source)
    made = fit_decision(wanted, predictor, functions(predictor))
    alert, temperature = made.decision.alert_threshold, made.decision.temperature
    sure = softmax(np.asarray(predictor.logits(found)), temperature=temperature)[:, 1]
    assert (sure > alert).mean() <= budget
    assert alert == made.decision.threshold or (sure >= alert).mean() > budget
    assert alert >= made.decision.threshold
    assert made.provenance["background_flagged"] == (sure > alert).mean()


def test_of_a_pair_task_the_background_is_random_pairs(predictors, tmp_path):
    predictor = predictors["clone"]
    found, source = background(tmp_path, 60)
    ids = tuple(str(index) for index in range(60))
    items = tuple((index, (index + 7) % 60) for index in range(60))
    dataset = Dataset(CLONE, "valid", tuple(found), ids, items, tuple(index % 2 for index in range(60)), ids)
    made = fit_decision(recipe(tmp_path, "clone", alert_budget=0.1, background=source), predictor, dataset)
    pairs = [(a, b) for a in found for b in found if a != b]
    rows = np.asarray(predictor.predict_proba(pairs))
    assert (rows[:, 1] > made.decision.alert_threshold).mean() <= 0.1 + 0.01  # the budget holds of a sample of these
    assert made.provenance["background_items"] == 200_000


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"alert_budget": 0.1}, "belong together"),
        ({"background": {"path": "x"}}, "belong together"),
        ({"alert_budget": 1.5, "background": {"path": "x"}}, "no share"),
        ({"threshold": "auc"}, "not one of"),
        ({"calibrated": True}, "did you mean 'calibrate'"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(tmp_path, decision, message):
    with pytest.raises(RecipeError, match=message):
        recipe(tmp_path, **decision)


def test_thresholds_are_for_two_labels(predictors, tmp_path):
    raw = {"name": "t", "unit": "function", "labels": ["a", "b", "c"], "positive": "c"}
    three = Recipe.from_dict({"task": raw, "decision": {"threshold": "mcc"}}, tmp_path)
    with pytest.raises(RecipeError, match="3 labels; thresholds are for two"):
        fit_decision(three, predictors["vulnerability"], functions(predictors["vulnerability"], 20))


def test_items_that_a_bundle_was_fitted_on_are_known_again_and_judged_out_of_fold(tmp_path):
    plain = codewren.load(write_student(tmp_path / "plain.wren"))
    dataset = functions(plain, 300, heat=3.0)
    fitted = fit_decision(recipe(tmp_path, calibrate=True, threshold="f1"), plain, dataset)
    options = {"threshold": fitted.decision.threshold, "temperature": fitted.decision.temperature}
    path = write_student(tmp_path / "fitted.wren", provenance={"decision": fitted.provenance}, **options)
    predictor = codewren.load(path)
    crossed = out_of_fold(predictor, dataset)
    assert len(crossed.temperatures) == 5
    assert all(one != fitted.decision.temperature for one in crossed.temperatures)
    assert out_of_fold(predictor, dataset.subset(range(299))) is None
    assert out_of_fold(plain, dataset) is None


def test_an_exported_bundle_ships_its_decision_and_is_reported_out_of_fold(clone_task, tmp_path):
    fit = {"calibrate": "true", "threshold": "accuracy", "alert_budget": "0.05", "background.path": "functions.jsonl"}
    settings = [part for key, value in fit.items() for part in ("--set", f"decision.{key}={value}")]
    run("compress", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", "distil.epochs=1", *settings)
    bundle = tmp_path / "student.wren"
    decision = codewren.load(bundle).bundle.decision
    assert decision.temperature != 1.0
    assert decision.threshold <= decision.alert_threshold <= 1
    assert "scans alert above" in run("info", bundle)
    path = tmp_path / "valid.json"
    assert OUT_OF_FOLD in run("evaluate", bundle, clone_task / "recipe.toml", "--json", path)
    valid, inside = json.loads(path.read_text()), codewren.load(bundle).manifest["scores"]
    assert valid["note"] == inside["note"] == OUT_OF_FOLD
    assert valid["measures"] == inside["measures"]
    assert OUT_OF_FOLD not in run("evaluate", bundle, clone_task / "recipe.toml", "--split", "test")


def test_a_background_that_is_not_there_is_one_line(clone_task, tmp_path, capsys):
    settings = ("--set", "decision.alert_budget=0.05", "--set", "decision.background.path=nowhere.jsonl")
    arguments = ("compress", clone_task / "recipe.toml", "--out", tmp_path, "--quiet", "--set", "distil.epochs=1")
    assert "nowhere.jsonl: no such file" in fails(capsys, *arguments, *settings)
