"""What the editor says of a document is what a scan says of the file, judged function by function."""

import os
from pathlib import Path

import pytest

from codewren.editor.client_settings import ClientSettings
from codewren.editor.judging import Judgement, Judges
from codewren.editor.open_documents import Edit, OpenDocuments
from codewren.editor.positions import Position
from codewren.predict.predictor import load
from codewren.scan.finding import CloneKind
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan
from editor.language_client import LONELY, PAIR, RENAMED, REQUEST_C, SUM

EDITED = SUM.replace("summed", "gathered").replace("    return total\n", "    print(total, limit)\n    return total\n")
MANY = f"{SUM}\n\n{RENAMED}\n\n{LONELY}\n\n{EDITED}\n\n{SUM}"


def judges(root: Path, *models: str, **settings: object) -> Judges:
    made = Judges(ClientSettings(models=models, **settings), roots=(os.fspath(root),))
    assert made.load() == []
    return made


def judged(judge: Judges, path: Path, text: str, language: str = "python") -> Judgement:
    document = OpenDocuments().open(path.as_uri(), os.fspath(path), language, version=1, text=text)
    return judge.judge(document)


def relations(judgement: Judgement) -> dict[int, dict[int, CloneKind | None]]:
    """For each marked function, by its line, the kind of each other one."""
    return {
        one.finding.location.start_line: {other.start_line: other.kind for other in one.finding.others}
        for one in judgement.findings
    }


def test_alarms_are_those_of_a_scan(tmp_path: Path):
    path = tmp_path / "request.c"
    path.write_text(REQUEST_C)
    result = scan([os.fspath(path)], load("vulnerability-c"), ScanOptions(jobs=1))
    found = judged(judges(tmp_path, "vulnerability-c"), path, REQUEST_C, "c").findings
    key = {(one.location.start_line, one.fingerprint, round(one.probability, 6)) for one in result.findings}
    assert key
    assert {
        (one.finding.location.start_line, one.finding.fingerprint, round(one.finding.probability, 6)) for one in found
    } == key


def test_copies_are_those_of_a_scan(tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_text(MANY)
    result = scan([os.fspath(path)], load("clones"), ScanOptions(jobs=1))
    close = [one for one in result.findings if one.kind is not CloneKind.SEMANTIC]
    in_classes = {location.start_line for finding in close for location in finding.locations}
    marked = relations(judged(judges(tmp_path, "clones"), path, MANY))
    assert set(marked) == in_classes
    lines = [MANY[: MANY.index(f"def {name}")].count("\n") + 1 for name in ("summed", "added", "gathered")]
    last = MANY[: MANY.rindex("def summed")].count("\n") + 1
    assert marked[lines[0]] == {last: CloneKind.EXACT, lines[1]: CloneKind.RENAMED, lines[2]: CloneKind.EDITED}


def test_only_the_edited_function_is_judged_again(tmp_path: Path):
    judge, documents = judges(tmp_path, "clones"), OpenDocuments()
    first = documents.open("u", os.fspath(tmp_path / "a.py"), "python", version=1, text=MANY)
    judge.judge(first)
    asked = judge.models[0].judge.judged
    line = MANY[: MANY.index("def lonely")].count("\n") + 1
    second = documents.change("u", 2, [Edit("    a = 1\n", Position(line, 0), Position(line, 0))])
    assert second is not None
    again = judge.judge(second)
    assert judge.models[0].judge.judged == asked + 1
    assert relations(again) == relations(judged(judges(tmp_path, "clones"), tmp_path / "a.py", second.text.decode()))


def test_a_longer_list_of_kinds_adds_guesses_and_takes_nothing_away(tmp_path: Path):
    path = tmp_path / "a.py"
    counts = []
    for kind in CloneKind:
        told = relations(judged(judges(tmp_path, "clones", loosest_clone=kind, threshold=0.01), path, MANY))
        counts.append({(line, other) for line, others in told.items() for other in others})
    assert counts[0] < counts[1] < counts[2] <= counts[3]


def test_functions_inside_each_other_are_no_copies(tmp_path: Path):
    inner = "".join(f"    {line}\n" for line in SUM.splitlines())
    text = f"def around():\n{inner}    return summed\n"
    assert judged(judges(tmp_path, "clones"), tmp_path / "a.py", text).findings == ()


def test_a_model_that_judges_pair_by_pair_is_refused_with_another(tmp_path: Path):
    made = Judges(ClientSettings(models=("clone-java", "clones")), roots=(os.fspath(tmp_path),))
    (remark,) = made.load()
    assert "take a similarity encoder" in remark
    assert [model.name for model in made.models] == ["clones"]


@pytest.mark.parametrize("settings", [{"enable": False}, {"max_file_bytes": 10}])
def test_what_is_switched_off_or_too_large_is_not_judged(tmp_path: Path, settings: dict[str, object]):
    judgement = judged(judges(tmp_path, "clones", **settings), tmp_path / "a.py", PAIR)
    assert judgement.findings == ()
    assert ("maxFileBytes" in judgement.remark) == ("max_file_bytes" in settings)
