import os
import random
import shutil
import subprocess
from array import array
from itertools import combinations
from pathlib import Path

import pytest

from codewren.bundle.read import Bundle
from codewren.core.task import CLONE
from codewren.predict.predictor import Predictor
from codewren.scan import clones as clones_module
from codewren.scan.changes import Changes
from codewren.scan.clones import SMALLEST_CLONE_TOKENS, SMALLEST_RENAMED_TOKENS
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.grouping import Pair
from codewren.scan.grouping import group as real_group
from codewren.scan.lexical import overlapping
from codewren.scan.result import ScanOptions, ScanResult
from codewren.scan.scan import scan
from codewren.syntax.tokens import span_tokens, tokens
from students import CONFIG, write_student

METHOD = """int {name}(int {arg}) {{
  int sum = {value};
  for (int i = 0; i < {arg}; i++) {{
    sum += {arg} * i;
    if (sum > 1000) {{
      sum -= 1000;
    }}
  }}
  return sum;
}}"""
BASE = METHOD.format(name="total", arg="n", value=0)
EXACT = BASE.replace("\n", "\n\n").replace("int sum", "int /* so far */ sum")
RENAMED = METHOD.format(name="other", arg="count", value=7)
EDITED = BASE.replace("return sum;", "log(sum);\n  return sum;")
DIFFERENT = """String greet(String who) {
  if (who == null) {
    throw new Error();
  }
  char[] all = who.toCharArray();
  return new String(all);
}"""


def write_class(path: Path, *methods: str) -> None:
    path.write_text("class A {\n" + "\n".join(methods) + "\n}\n")


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.chdir(tmp_path)
    return Predictor(Bundle.read(write_student(tmp_path / "pair.wren", CONFIG, CLONE)))


def found(predictor: Predictor, threshold: float = 1.0, **options: object) -> list[Finding]:
    return scan(["."], predictor, ScanOptions(threshold=threshold, jobs=1, all_clones=True, **options)).findings  # type: ignore[arg-type]


def shown(findings: list[Finding]) -> list[list[tuple[str, str | None]]]:
    return [[(place.name, place.kind) for place in finding.locations] for finding in findings]


def test_copies_are_clones_whatever_the_model_says(predictor: Predictor, tmp_path: Path) -> None:
    write_class(tmp_path / "A.java", BASE, DIFFERENT)
    write_class(tmp_path / "B.java", EXACT, RENAMED)
    assert shown(found(predictor)) == [[("A.total", None), ("A.total", "exact"), ("A.other", "renamed")]]
    (finding,) = found(predictor)
    assert (finding.label, finding.probability, finding.kind) == ("clone", 1.0, CloneKind.RENAMED)
    assert [(place.path, place.start_line) for place in finding.locations] == [
        ("A.java", 2),
        ("B.java", 2),
        ("B.java", 21),
    ]


def test_what_the_model_joins_is_labelled_by_its_tokens(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class(tmp_path / "A.java", BASE, EDITED, DIFFERENT)
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [(0, 1, 0.9), (0, 2, 0.8), (1, 2, 0.7)])
    close, far = sorted(found(predictor), key=lambda finding: str(finding.kind))
    assert shown([close]) == [[("A.total", None), ("A.total", "edited")]]
    assert shown([far]) == [[("A.total", None), ("A.greet", "semantic")]]
    assert [location.copies for location in far.locations] == [1, 0]
    assert (close.kind, far.kind) == (CloneKind.EDITED, CloneKind.SEMANTIC)
    assert far.probability == pytest.approx(0.75)
    assert close.weight == 1.0 > far.weight
    assert (len(close.members), len(far.members)) == (2, 3)


def remarked(predictor: Predictor, *, all_clones: bool = False) -> tuple[list[str | None], list[str]]:
    result = scan(["."], predictor, ScanOptions(threshold=0.5, jobs=1, all_clones=all_clones))
    return [finding.kind for finding in result.findings], result.remarks


def test_functions_with_few_words_in_common_are_no_clones_by_default(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class(tmp_path / "A.java", BASE, DIFFERENT)
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [(0, 1, 0.9)])
    remark = "not reported: 1 pair that is too little alike (--all-clones reports them)"
    assert remarked(predictor) == ([], [remark])
    assert remarked(predictor, all_clones=True) == ([CloneKind.SEMANTIC], [])


def test_functions_of_two_languages_need_few_words_in_common(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clones_module, "FEWEST_SAVED", 0)
    write_class(tmp_path / "A.java", BASE)
    lines = "    who = str(who)[1:]\n" * 6
    (tmp_path / "a.py").write_text(f"def greet(who):\n{lines}    return who\n")
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [(0, 1, 0.9)])
    result = scan(["."], predictor, ScanOptions(threshold=0.5, jobs=1, languages=("java", "python")))
    assert [finding.kind for finding in result.findings] == [CloneKind.SEMANTIC]


def test_edited_copies_that_save_few_lines_are_left_out_by_default(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"w{number}" for number in range(20)]
    methods = [f"int f()\n{{\n  return g({', '.join(words[start:])});\n\n\n}}" for start in (0, 6)]
    write_class(tmp_path / "A.java", *methods)
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [])
    (remark,) = remarked(predictor)[1]
    assert remark.startswith("not reported: 1 class that would save fewer than 5 lines (")
    assert remarked(predictor, all_clones=True) == ([CloneKind.EDITED], [])


def test_copies_in_files_that_a_program_wrote_come_last(predictor: Predictor, tmp_path: Path) -> None:
    long = METHOD.format(name="sum", arg="n", value=1).replace("return sum;", "sum += n;\n" * 9 + "return sum;")
    write_class(tmp_path / "A.java", long)
    write_class(tmp_path / "B.java", long)
    write_class(tmp_path / "C.java", DIFFERENT)
    write_class(tmp_path / "D.java", DIFFERENT)
    assert [finding.location.name for finding in found(predictor)] == ["A.sum", "A.greet"]
    for name in "AB":
        path = tmp_path / f"{name}.java"
        path.write_text(f"/* Generated by a tool; do not edit. */\n{path.read_text()}")
    findings = found(predictor)
    assert [(finding.location.name, finding.weight) for finding in findings] == [("A.greet", 1.0), ("A.sum", 0.0)]
    (tmp_path / "B.java").write_text((tmp_path / "B.java").read_text().split("\n", 1)[1])
    assert {finding.location.name: finding.weight for finding in found(predictor)} == {"A.greet": 1.0, "A.sum": 0.5}


def span_bag(method: str) -> "array[int]":
    (summary,) = span_tokens(method.encode(), [(0, len(method))], array("I"), "java")
    return summary.words


def test_all_pairs_are_those_of_the_model_one_by_one_and_of_shared_words(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(3)
    bodies = [" ".join(f"w{rng.randint(4, 59)};" for _ in range(rng.randint(3, 30))) for _ in range(12)]
    methods = [f"void m{index}()\n{{\n{'x++;' * index}\n\n\n{body}\n}}" for index, body in enumerate(bodies)]
    write_class(tmp_path / "A.java", *methods)
    judged = {
        (i, j): sum(predictor.predict_proba([pair])[0][1] for pair in ((a, b), (b, a))) / 2
        for (i, a), (j, b) in combinations(enumerate(methods), 2)
    }
    threshold = sorted(judged.values())[-10]
    given_pairs: list[tuple[int, int]] = []

    def group(count: int, pairs: list[Pair], **options: object) -> object:
        given_pairs.extend((i, j) for i, j, _ in pairs)
        return real_group(count, pairs, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clones_module, "group", group)
    assert found(predictor, threshold, min_tokens=1)
    lexical = {(i, j) for i, j, _ in overlapping([span_bag(body) for body in methods])}
    assert set(given_pairs) == {pair for pair, p in judged.items() if p > threshold} | lexical


def test_short_functions_and_suppressed_ones_are_left_out(predictor: Predictor, tmp_path: Path) -> None:
    short = "int a() {\n  return 1;\n}"
    write_class(tmp_path / "A.java", short, f"int x;\n{short}", BASE, f"// codewren: ignore\n{RENAMED}")
    assert found(predictor) == []
    assert found(predictor, min_lines=1) == []
    assert shown(found(predictor, min_lines=1, min_tokens=9)) == [[("A.a", None), ("A.a", "exact")]]
    result = scan(["."], predictor, ScanOptions(threshold=1.0))
    assert (result.suppressed, result.functions) == (1, 4)


def test_one_shape_is_enough_only_above_a_size(predictor: Predictor, tmp_path: Path) -> None:
    statements = [f"  a = b + {index};" for index in range(SMALLEST_RENAMED_TOKENS // 6)]
    header = "int f(int a, int b) {"
    for count, wanted in ((len(statements), True), (len(statements) - 4, False)):
        body = "\n".join([header, *statements[:count], "}"])
        write_class(tmp_path / "A.java", body, body.replace("b", "c").replace("f(", "g("))
        assert bool(found(predictor)) is wanted
        assert tokens(body, "java")[SMALLEST_CLONE_TOKENS:]


def test_a_comment_that_names_the_task_and_silences_nothing_is_told(predictor: Predictor, tmp_path: Path) -> None:
    silent = "// codewren: ignore[clone]\n"
    write_class(tmp_path / "A.java", silent + BASE, RENAMED, silent + DIFFERENT, "// codewren: ignore[clones]", BASE)
    result = scan(["."], predictor, ScanOptions())
    assert result.suppressed == 1
    assert [(path, message.split(":")[0]) for path, _, message in result.complaints] == [
        ("./A.java", "the comment at A.greet silences no finding"),
        ("./A.java", "codewren"),
    ] or result.complaints


def test_a_function_is_no_clone_of_what_is_inside_it(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = f"Object outer() {{\n  return new Object() {{\n{BASE}\n  }};\n}}"
    write_class(tmp_path / "A.java", outer)
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [(0, 1, 0.99)])
    assert found(predictor) == []


def test_a_class_has_the_same_fingerprint_when_its_members_move(predictor: Predictor, tmp_path: Path) -> None:
    write_class(tmp_path / "A.java", BASE, RENAMED)
    (before,) = found(predictor)
    write_class(tmp_path / "A.java", "int x;\n\n", RENAMED)
    write_class(tmp_path / "B.java", BASE.replace(" ", "  "))
    (after,) = found(predictor)
    assert before.fingerprint == after.fingerprint
    write_class(tmp_path / "C.java", BASE)
    assert found(predictor)[0].fingerprint != before.fingerprint


def test_too_many_pairs_raise_the_threshold_and_say_so(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clones_module, "FEW_PAIRS", 20)
    monkeypatch.setattr(clones_module, "PAIRS_EACH", 1)
    rng = random.Random(4)
    methods = [f"void m{index}()\n{{\n\n\n{'x++;' * index}\nw{rng.randint(4, 59)};\n}}" for index in range(30)]
    write_class(tmp_path / "A.java", *methods)
    low = Predictor(predictor.bundle)
    monkeypatch.setattr(low, "bundle", _with_threshold(low, 0.0))
    result: ScanResult = scan(["."], low, ScanOptions(min_tokens=1))
    assert "more than 30 pairs of 30 functions clone" in result.remarks[0]
    assert result.threshold is not None
    kept = low.pairs_above(low.encode(methods), result.threshold)
    assert 0 < len(kept) <= 30
    asked = scan(["."], low, ScanOptions(threshold=0.0, min_tokens=1, all_clones=True))
    assert (asked.threshold, asked.remarks) == (0.0, [])


def _with_threshold(predictor: Predictor, threshold: float) -> object:
    import dataclasses

    return dataclasses.replace(
        predictor.bundle, decision=dataclasses.replace(predictor.bundle.decision, threshold=threshold)
    )


def test_nothing_to_compare_is_no_finding(predictor: Predictor, tmp_path: Path) -> None:
    assert found(predictor) == []
    write_class(tmp_path / "A.java", BASE)
    assert found(predictor) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_new_copy_of_old_code_is_found_among_changes(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    write_class(tmp_path / "Old.java", BASE, DIFFERENT)
    write_class(tmp_path / "Twin.java", DIFFERENT)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)
    assert found(predictor, changes=Changes.since("HEAD")) == []
    write_class(tmp_path / "New.java", RENAMED)
    (finding,) = found(predictor, changes=Changes.since("HEAD"))
    assert [place.path for place in finding.locations] == ["New.java", "Old.java"]
