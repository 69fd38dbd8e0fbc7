import json
import os
from pathlib import Path

import pytest

from codewren.core.errors import InputError
from codewren.scan.finding import Finding, Location
from codewren.scan.known import Model, new_findings, write_baseline


def finding(fingerprint: str, path: str = "a.c", line: int = 1) -> Finding:
    return Finding("vulnerable", 0.9, Location(path, line, line + 3, "f"), fingerprint)


def test_known_findings_stay_known_when_their_lines_move(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("one"), finding("two")])
    assert new_findings(tmp_path / "b.json", [finding("two", line=7), finding("one", line=90)]) == []


def test_a_new_finding_is_new(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("one")])
    assert new_findings(tmp_path / "b.json", [finding("one"), finding("two")]) == [finding("two")]


def test_a_moved_function_stays_known_and_its_copy_is_new(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("one", "a.c")])
    assert new_findings(tmp_path / "b.json", [finding("one", "moved.c")]) == []
    both = [finding("one", "0.c"), finding("one", "a.c")]
    assert new_findings(tmp_path / "b.json", both) == [finding("one", "0.c")]
    assert new_findings(tmp_path / "b.json", both[::-1]) == [finding("one", "0.c")]


def test_an_empty_baseline_knows_nothing(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [])
    assert new_findings(tmp_path / "b.json", [finding("one")]) == [finding("one")]


def test_the_file_does_not_depend_on_the_order_of_findings(tmp_path: Path) -> None:
    write_baseline(tmp_path / "1.json", [finding("one"), finding("two", "b.c")])
    write_baseline(tmp_path / "2.json", [finding("two", "b.c"), finding("one")])
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a baseline"),
        ('{"format": "other"}', "not a baseline"),
        ('{"format": "codewren-baseline", "version": 3}', "version 3"),
        ('{"format": "codewren-baseline", "version": 1}', "write the baseline anew"),
        ('{"format": "codewren-baseline", "version": 1, "findings": [{"path": 1}]}', "write the baseline anew"),
        ('{"format": "codewren-baseline", "version": 1, "findings": 3}', "write the baseline anew"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(InputError, match=message):
        new_findings(tmp_path / "b.json", [])


def test_a_missing_baseline_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        new_findings(tmp_path / "b.json", [])


def test_a_baseline_is_readable_json(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("one")])
    assert json.loads((tmp_path / "b.json").read_text())["findings"] == [
        {"fingerprint": "one", "path": "a.c", "name": "f"}
    ]


MODEL = Model("x.wren", "0" * 64, "clone")


def clone_class(fingerprint: str, *members: str) -> Finding:
    others = tuple(Location(f"{member}.java", 1, 9, member) for member in members[1:])
    return Finding("clone", 1.0, Location("a.java", 1, 9, "f"), fingerprint, others, None, members)


@pytest.mark.parametrize(
    ("members", "is_known"),
    [
        (["b", "c"], True),
        (["a", "c", "d"], True),
        (["a", "b", "c", "d"], True),
        (["a", "new"], False),
        (["a", "a"], False),
        (["a", "b", "c", "d", "a"], False),
    ],
)
def test_a_part_of_a_known_class_is_known(tmp_path: Path, members: list[str], is_known: bool) -> None:
    write_baseline(tmp_path / "b.json", [clone_class("old", "a", "b", "c", "d")], MODEL)
    smaller = clone_class("edited", *members)
    assert new_findings(tmp_path / "b.json", [smaller], MODEL) == ([] if is_known else [smaller])


def test_a_baseline_names_its_model_and_task(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [], MODEL)
    assert json.loads((tmp_path / "b.json").read_text())["model"] == MODEL._asdict()
    remarks: list[str] = []
    new_findings(tmp_path / "b.json", [], MODEL._replace(sha256="1" * 64), remarks.append)
    assert "was written with another model (x.wren)" in remarks[0]
    for use in (
        lambda model: new_findings(tmp_path / "b.json", [], model),
        lambda model: write_baseline(tmp_path / "b.json", [], model),
    ):
        with pytest.raises(InputError, match="task 'clone', not 'vulnerability'"):
            use(MODEL._replace(task="vulnerability"))


def test_a_baseline_of_the_first_version_is_read(tmp_path: Path) -> None:
    row = {"fingerprint": "one", "path": "a.c", "name": "f"}
    (tmp_path / "b.json").write_text(json.dumps({"format": "codewren-baseline", "version": 1, "findings": [row]}))
    assert new_findings(tmp_path / "b.json", [finding("one"), finding("two")], MODEL) == [finding("two")]


def test_what_was_not_scanned_stays_known(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("one", "a.c"), finding("two", "b.c"), finding("three", "b.c")])
    write_baseline(tmp_path / "b.json", [finding("four", "b.c")], is_scanned=lambda path: path == "b.c")
    rows = json.loads((tmp_path / "b.json").read_text())["findings"]
    assert [row["fingerprint"] for row in rows] == ["one", "four"]


def test_a_file_name_that_is_not_utf_8_can_be_known(tmp_path: Path) -> None:
    odd = finding("one", os.fsdecode(b"caf\xe9.c"))
    write_baseline(tmp_path / "b.json", [odd])
    assert new_findings(tmp_path / "b.json", [odd]) == []
