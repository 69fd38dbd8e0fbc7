"""Findings of any label of a task that has three or more, against the model asked directly."""

import json
import re
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from codewren.core.errors import InputError
from codewren.core.task import Kind, Task, Unit
from codewren.predict.predictor import Predictor, load
from codewren.scan.library import scan
from codewren.scan.record import MOST_LABELS_KEPT
from codewren.scan.result import ScanOptions
from commands import fails, run
from students import write_student

LEVELS = ("debug", "info", "warning", "error")
TASKS = {kind: Task("levels", Unit.FUNCTION, LEVELS, "warning", "c", kind) for kind in Kind}


def texts() -> list[str]:
    rng = np.random.default_rng(1)
    return [f"void f{k}(void)\n{{\n    {' '.join(f'w{n}();' for n in rng.integers(4, 60, 2))}\n}}" for k in range(60)]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.c").write_text("\n".join(texts()))
    return tmp_path


def model(tree: Path, kind: Kind) -> Predictor:
    thresholds = {"thresholds": (0.3, 0.5, 0.4, 0.6)} if kind is Kind.MULTI_LABEL else {}
    predictor = load(write_student(tree / "m.wren", task=TASKS[kind], seed=8, **thresholds))
    assert isinstance(predictor, Predictor)
    return predictor


def found(predictor: Predictor, *labels: str, **options: float) -> dict[tuple[str, str], float]:
    report = scan("a.c", model=predictor, options=ScanOptions(jobs=1, labels=labels, **options))
    return {(one.location.name, one.label): one.probability for one in report.findings}


def names() -> list[str]:
    return [f"f{k}" for k in range(60)]


def test_the_likeliest_label_is_the_finding(tree: Path) -> None:
    predictor = model(tree, Kind.SINGLE_LABEL)
    rows = dict(zip(names(), predictor.predict_proba(texts()), strict=True))
    likeliest = {(name, LEVELS[row.index(max(row))]): max(row) for name, row in rows.items()}
    assert len({label for _, label in likeliest}) == len(LEVELS)  # or nothing would be told apart
    assert found(predictor, *LEVELS) == pytest.approx(likeliest)
    assert found(predictor) == pytest.approx({key: p for key, p in likeliest.items() if key[1] == "warning"})
    assert found(predictor, "error", "info").keys() == {key for key in likeliest if key[1] in {"error", "info"}}


def test_with_a_threshold_every_label_above_it_is_one(tree: Path) -> None:
    predictor = model(tree, Kind.SINGLE_LABEL)
    rows = zip(names(), predictor.predict_proba(texts()), strict=True)
    wanted = {(name, LEVELS[k]) for name, row in rows for k in (0, 3) if row[k] > 0.2}
    assert found(predictor, "debug", "error", threshold=0.2).keys() == wanted


def test_each_of_several_labels_has_its_own_threshold(tree: Path) -> None:
    predictor = model(tree, Kind.MULTI_LABEL)
    answers = zip(names(), predictor.predict(texts()), strict=True)
    wanted = {(name, label) for name, answer in answers for label in LEVELS if predictor.labels[label] in answer}
    assert found(predictor, *LEVELS).keys() == wanted
    assert max(sum(one == name for one, _ in wanted) for name in names()) > 1


def test_of_an_order_the_highest_label_that_is_reached_is_one(tree: Path) -> None:
    predictor = model(tree, Kind.ORDINAL)
    rows = dict(zip(names(), predictor.predict_proba(texts()), strict=True))
    reached = {name: list(accumulate(reversed(row)))[::-1] for name, row in rows.items()}
    wanted = {}
    for name, row in reached.items():
        levels = [k for k in (2, 3) if row[k] > 0.5]
        wanted |= {(name, LEVELS[levels[-1]]): row[levels[-1]]} if levels else {}
    assert found(predictor, "warning", "error") == pytest.approx(wanted)


def test_a_finding_is_explained_by_its_own_label(tree: Path) -> None:
    predictor = model(tree, Kind.SINGLE_LABEL)
    report = scan("a.c", model=predictor, explain=True, options=ScanOptions(jobs=1, labels=LEVELS))
    by_name = dict(zip(names(), texts(), strict=True))
    for finding in report.findings:
        (wanted,) = predictor.about(finding.label).explain([by_name[finding.location.name]])
        assert finding.explanation is not None and finding.explanation.evidence == wanted.evidence
        assert finding.label in finding.explanation.evidence


def test_what_a_scan_knew_of_one_label_serves_for_the_others(tree: Path) -> None:
    predictor = model(tree, Kind.SINGLE_LABEL)
    for number in range(30):
        (tree / f"b{number}.c").write_text("\n".join(texts()).replace("w", f"w{number}") + "\n" * 4_000)
    options = ScanOptions(jobs=1, cache=tree / "cache")
    fresh = scan(".", model=predictor, options=ScanOptions(jobs=1, labels=("debug",)))
    scan(".", model=predictor, options=options)
    cached = scan(".", model=predictor, options=ScanOptions(jobs=1, labels=("debug",), cache=tree / "cache"))
    assert fresh.findings and cached.findings == fresh.findings


def test_every_format_says_which_label_a_finding_has(tree: Path) -> None:
    model(tree, Kind.SINGLE_LABEL)
    options = ["--model", "m.wren", "--no-cache", "--exit-zero", "--label", "debug", "--label", "error"]
    written = {
        style: run("scan", "a.c", *options, "--format", style) for style in ("text", "json", "sarif", "markdown")
    }
    page = run("scan", "a.c", *options, "--format", "html")
    value = json.loads(written["json"])
    labels = [finding["label"] for finding in value["findings"]]
    assert value["labels"] == ["debug", "error"] and set(labels) == {"debug", "error"}
    assert re.findall(r": (\w+) \d", written["text"]) == labels
    (log,) = json.loads(written["sarif"])["runs"]
    rules = log["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["codewren/levels/debug", "codewren/levels/error"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in log["results"])
    assert all(
        f"judged {result['ruleId'].rpartition('/')[2]} " in result["message"]["text"] for result in log["results"]
    )
    assert written["markdown"].count("| `debug` ") == labels.count("debug") > 0
    assert page.count('<span class="tag label">error</span>') == labels.count("error") > 0
    assert "Functions judged debug or error" in page


def test_a_label_that_there_is_not_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model(tree, Kind.SINGLE_LABEL)
    words = fails(capsys, "scan", "a.c", "--model", "m.wren", "--label", "eror")
    assert "label 'eror' is not one of the model's" in words and "'error'" in words
    two = fails(capsys, "scan", "a.c", "--model", "vulnerability-c-micro", "--label", "safe")
    assert "reports 'vulnerable' only" in two


def test_of_very_many_labels_only_the_positive_one_is_kept(tree: Path) -> None:
    task = Task("many", Unit.FUNCTION, tuple(f"l{k}" for k in range(MOST_LABELS_KEPT + 1)), "l3", "c")
    predictor = load(write_student(tree / "many.wren", task=task))
    assert isinstance(predictor, Predictor)
    rows = zip(names(), predictor.predict_proba(texts()), strict=True)
    assert found(predictor).keys() == {(name, "l3") for name, row in rows if row[3] == max(row)}
    with pytest.raises(InputError, match="reports 'l3' only"):
        found(predictor, "l4")


def test_of_two_labels_at_once_each_has_findings(tree: Path) -> None:
    task = replace(TASKS[Kind.MULTI_LABEL], labels=("left", "right"), positive="left")
    predictor = load(write_student(tree / "two.wren", task=task, seed=8, thresholds=(0.0, 0.0)))
    rows = predictor.predict_proba(texts())
    for number, label in enumerate(task.labels):
        wanted = {(name, label): pytest.approx(row[number], abs=1e-5) for name, row in zip(names(), rows, strict=True)}
        assert found(predictor, label) == wanted
