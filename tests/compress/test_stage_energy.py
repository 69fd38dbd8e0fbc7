"""What a run and a search took, written where a person finds it."""

import json

import pytest

from codewren.bench.spending import read_spent
from codewren.compress.run import Run
from codewren.compress.stage_distil import DistilTrial
from codewren.compress.stage_energy import run_meter, stage_energy
from codewren.core.recipe import Recipe
from codewren.measure.energy.cpu_model import processor_seconds
from codewren.search.trials.journal import Journal, read_journal
from codewren.search.trials.runner import TrialRunner
from codewren.search.trials.trial import Request
from commands import run


def test_a_stage_adds_its_joules_to_the_runs_file_and_a_resumed_one_adds_more(tmp_path):
    for _ in range(2):
        with stage_energy(tmp_path, "distil"):
            sum(range(200_000))
    found = json.loads((tmp_path / "energy.json").read_text())
    assert [one["stage"] for one in found["stages"]] == ["distil", "distil"]
    assert all(one["joules"] > 0 and one["processor_s"] > 0 for one in found["stages"])
    assert found["joules"] == sum(one["joules"] for one in found["stages"])
    assert found["kwh"] == found["joules"] / 3.6e6
    assert found["stages"][0]["meter"].startswith(("modelled:", "measured by"))


def test_a_stopped_stage_has_cost_what_it_has_cost(tmp_path):
    with pytest.raises(KeyboardInterrupt), stage_energy(tmp_path, "search"):
        raise KeyboardInterrupt
    assert json.loads((tmp_path / "energy.json").read_text())["stages"][0]["stage"] == "search"


def test_each_process_of_torchrun_has_a_file_of_its_own(tmp_path, monkeypatch):
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        with stage_energy(tmp_path, "distil"):
            pass
    assert sorted(path.name for path in tmp_path.glob("energy*.json")) == ["energy-1.json", "energy.json"]


def test_a_trial_inside_a_stage_has_a_meter_of_its_own():
    assert run_meter("stage") is not run_meter("trial")
    assert run_meter("trial") is run_meter("trial")


def test_a_trial_leaves_its_joules_in_the_journal_and_they_are_what_the_search_took(clone_task, tmp_path):
    recipe = Recipe.load(clone_task / "recipe.toml", ["distil.epochs=1", "search.trial_epochs=1"])
    run("label", clone_task / "recipe.toml", "--out", tmp_path, "--quiet")
    journal, before = tmp_path / "journal.jsonl", processor_seconds()
    request = Request(recipe.student, seed=0, fidelity=1)
    TrialRunner(DistilTrial(recipe, tmp_path, Run(recipe, tmp_path).inputs()), Journal(journal, context="x"))([request])
    (trial,) = read_journal(journal)[1]
    assert trial.energy_meter is not None
    if trial.energy_meter.startswith("modelled"):  # watts a core x processor seconds
        assert 0 < trial.energy_j <= (processor_seconds() - before) * 1000
    assert read_spent(tmp_path).stages == {"search": trial.energy_j}
