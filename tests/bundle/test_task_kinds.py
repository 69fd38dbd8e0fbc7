"""Bundles of tasks with several labels an item, or with an order: what is written is read, and nothing else is."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import codewren
from codewren.bundle.container import Decision
from codewren.bundle.read import Bundle
from codewren.core.errors import BundleError, InputError
from codewren.core.task import Kind, Task, Unit
from codewren.predict.checked_items import alarm_probability, predicted_label
from students import CONFIG, write_student

LABELS = ("files", "network", "time")
SETS = Task("calls", Unit.FUNCTION, LABELS, "network", kind=Kind.MULTI_LABEL)
ORDER = replace(SETS, kind=Kind.ORDINAL)
TEXTS = ["w7 w9 w12", "w8", "", "w40 w41 w42 w43 w7 w7"]


def rewritten(path, target, change):
    """The bundle with another manifest; only the hashes of other members are in it, so they still fit."""
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(target, "w") as archive:
        for info, content in members.items():
            if info.filename == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                archive.writestr(info, json.dumps(manifest))
            else:
                archive.writestr(info, content)
    return target


def test_each_label_has_a_probability_and_a_threshold_of_its_own(tmp_path):
    path = write_student(tmp_path / "a.wren", task=SETS, thresholds=(0.2, 0.5, 0.8), temperature=1.7)
    predictor = codewren.load(path)
    logits, rows = np.array(predictor.logits(TEXTS)), np.array(predictor.predict_proba(TEXTS))
    np.testing.assert_allclose(rows, 1 / (1 + np.exp(-logits / 1.7)), atol=1e-12)
    wanted = (rows > [0.2, 0.5, 0.8]) @ [1, 2, 4]
    assert [int(found) for found in predictor.predict(TEXTS)] == wanted.tolist()
    assert predictor.manifest["schema_version"] == 4


def test_a_single_label_bundle_is_as_it_was(tmp_path):
    manifest = codewren.load(write_student(tmp_path / "a.wren", task=replace(SETS, kind=Kind.SINGLE_LABEL))).manifest
    assert manifest["schema_version"] == 1
    assert "kind" not in manifest["task"]
    assert "thresholds" not in manifest["decision"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(schema_version=1), "a multi-label task of this schema version never existed"),
        (lambda m: m["task"].update(kind="several"), "kind 'several' is not one of"),
        (lambda m: m["task"].pop("kind"), "a single-label task of this schema version never existed"),
        (lambda m: m["task"].update(unit="pair"), "a multi-label task judges functions"),
        (lambda m: m["decision"].update(thresholds=[0.5, 0.5]), "are not one for each label"),
        (lambda m: m["decision"].update(thresholds=[0.5, 0.5, 1.5]), "out of range"),
        (lambda m: m["decision"].update(thresholds=[0.5, 0.5, "x"]), "a number was wanted"),
        (lambda m: m.update(form="similarity"), "of schema version 4 never existed"),
        (lambda m: m.update(schema_version=5), "newer than this program's 4"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, change, message):
    path = write_student(tmp_path / "a.wren", task=SETS, thresholds=(0.2, 0.5, 0.8))
    with pytest.raises(BundleError, match=message):
        Bundle.read(rewritten(path, tmp_path / "b.wren", change))


@pytest.mark.parametrize(("task", "thresholds"), [(ORDER, (0.5,) * 3), (SETS, (0.5,) * 2), (SETS, (0.5, 0.5, 2.0))])
def test_impossible_thresholds_are_not_written(tmp_path, task, thresholds):
    with pytest.raises(InputError, match="thresholds; wanted one in"):
        write_student(tmp_path / "a.wren", task=task, thresholds=thresholds)


def test_an_order_is_decided_by_what_is_reached():
    rng = np.random.default_rng(0)
    for row in rng.dirichlet([0.5] * 5, 300):
        order = Task("grade", Unit.FUNCTION, tuple("abcde"), "d", kind=Kind.ORDINAL)
        expected = int(np.searchsorted(np.cumsum(row), 0.5))  # the median label
        assert predicted_label(row.tolist(), order, Decision(0.5, 1.0)) == expected
        assert alarm_probability(row.tolist(), order) == pytest.approx(row[3:].sum())


def test_labels_of_a_multi_label_task_are_sets():
    assert SETS.label_set(["time", "files"]) == SETS.label_set("files;time") == SETS.label_set('["files", 2]') == 5
    assert SETS.label_set([]) == SETS.label_set("[]") == 0
    assert SETS.in_words(5) == "files, time"
    for wrong, message in ((["files", "files"], "name one twice"), (["disk"], "'disk' is not one of"), (3, "no list")):
        with pytest.raises(InputError, match=message):
            SETS.label_set(wrong)
    with pytest.raises(InputError, match="at most 62"):
        Task("many", Unit.FUNCTION, tuple(f"l{k}" for k in range(63)), "l0", kind=Kind.MULTI_LABEL)


def test_numbers_of_a_student_do_not_depend_on_its_kind(tmp_path):
    sets, order = (codewren.load(write_student(tmp_path / f"{task.kind}.wren", CONFIG, task)) for task in (SETS, ORDER))
    assert sets.logits(TEXTS) == order.logits(TEXTS)
