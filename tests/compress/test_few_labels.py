"""A student of a few dozen labelled functions: judged by rows it has not seen, never oversold."""

import csv
import json
import random

import pytest

import codewren
from codewren.compress import few_labels as teaching
from codewren.compress.few_labels import FOLDS, Lesson, distinct, read_lesson
from codewren.core.errors import InputError
from commands import fails, run


def write(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("code", "label"), *rows])
    return path


def functions(count, *, telling=True, seed=0):
    """Python functions; the label is a word of the body, or a coin."""
    rng = random.Random(seed)
    for index in range(count):
        word = rng.choice(["read", "write"])
        label = {"read": "reader", "write": "writer"}[word if telling else rng.choice(["read", "write"])]
        yield f"def f{index}(a):\n    b = {word}(a, {index})\n    return b\n", label


def test_folds_hold_every_row_once_and_each_label_evenly():
    texts, labels = zip(*functions(53), strict=True)
    lesson = Lesson(texts, labels)
    folds = lesson.folds()
    assert sorted(index for fold in folds for index in fold) == list(range(53))
    for name in lesson.names:
        counts = [sum(labels[index] == name for index in fold) for fold in folds]
        assert max(counts) - min(counts) <= 1
    assert set(lesson.without(folds[0]).texts) == {text for index, text in enumerate(texts) if index not in folds[0]}


def test_the_commonest_label_comes_first_and_the_rarest_is_what_a_scan_reports():
    assert Lesson(("a", "b", "c"), ("rare", "much", "much")).names == ("much", "rare")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("f", "a")] * 9, "1 functions"),
        ([(f"f{i}", "a") for i in range(9)], "2 to 50 labels"),
        ([(f"f{i}", "ab"[i > 5]) for i in range(9)], "at least 5 different functions each"),
        ([("f", "a"), ("f", "b")], "the same function is 'a' elsewhere and 'b' here"),
        ([("f", "")], "column 'label' is empty"),
        ([("", "a")], "column 'code' is empty"),
    ],
)
def test_rows_that_teach_nothing_are_one_line(tmp_path, rows, said):
    with pytest.raises(InputError, match=said):
        read_lesson(write(tmp_path / "l.csv", rows), code="code", label="label")


def test_unlabelled_functions_are_no_copies_of_the_labelled():
    assert distinct(["a  b", "c", "c ", "d", "e"], ["ab"], 2) == ("c", "d")


def test_a_student_of_fifty_rows_scans_and_is_not_oversold(tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "LEAST_STEPS", 120)
    labels = write(tmp_path / "labels.csv", functions(50))
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "more.py").write_text("".join(text for text, _ in functions(150, seed=1)))
    out = tmp_path / "run"
    table = run("teach", labels, sources, "--language", "python", "--out", out, "--quiet").splitlines()
    figures = {line[2:26].strip(): float(line[26:32]) for line in table[1:4]}
    assert figures["student"] >= 0.9
    assert figures["always " + Lesson(*zip(*functions(50), strict=True)).names[0]] < 0.7
    assert any("no better than words" in line for line in table) == (figures["student"] <= figures["words alone"])
    student = codewren.load(out / "student.wren")
    assert student.predict(["def g(x):\n    return write(x, 1)\n"])[0].name == "writer"
    assert len(json.loads((out / "teach.json").read_text())["table"]) == len(table)
    before = (out / "student.wren").read_bytes()
    folds = [out / f"fold-{number}/student/checkpoint.pt" for number in range(FOLDS)]
    trained = [path.stat().st_mtime_ns for path in folds]
    run("teach", labels, sources, "--language", "python", "--out", out, "--quiet")
    assert [path.stat().st_mtime_ns for path in folds] == trained, "what is finished is not trained again"
    assert (out / "student.wren").read_bytes() == before


def test_labels_that_are_noise_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "LEAST_STEPS", 10)
    labels = write(tmp_path / "labels.csv", functions(30, telling=False))
    assert "do not show that the student knows more" in run("teach", labels, "--out", tmp_path / "run", "--quiet")


def test_sources_need_their_language(tmp_path, capsys):
    labels = write(tmp_path / "labels.csv", functions(30))
    assert "add --language" in fails(capsys, "teach", labels, tmp_path, "--out", tmp_path / "run")


def test_a_language_that_no_scan_reads_is_refused_before_anything_is_taught(tmp_path, capsys):
    labels = write(tmp_path / "l.csv", list(functions(20)))
    said = fails(capsys, "teach", labels, "--language", "pyton", "--out", tmp_path / "run")
    assert said == "codewren: no language 'pyton'; did you mean 'python'?"
    assert not (tmp_path / "run").exists()
