import os
import random
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.core.task import CLONE
from codewren.predict.predictor import Predictor, load
from codewren.scan import clones as clones_module
from codewren.scan.changes import Changes
from codewren.scan.clones import LINKAGE, group
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.result import ScanOptions, ScanResult
from codewren.scan.scan import scan
from students import CONFIG, write_student

METHOD = """int {name}(int {arg}) {{
  int sum = {value};
  for (int i = 0; i < {arg}; i++) {{
    sum += {arg} * i;
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

Pair = tuple[int, int, float]


def write_class(path: Path, *methods: str) -> None:
    path.write_text("class A {\n" + "\n".join(methods) + "\n}\n")


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.chdir(tmp_path)
    return load(write_student(tmp_path / "pair.wren", CONFIG, CLONE))


def found(predictor: Predictor, threshold: float = 1.0, **options: object) -> list[Finding]:
    return scan(["."], predictor, ScanOptions(threshold=threshold, jobs=1, **options)).findings  # type: ignore[arg-type]


def shown(findings: list[Finding]) -> list[list[tuple[str, str | None]]]:
    return [[(place.name, place.kind) for place in finding.places] for finding in findings]


def naive_group(count: int, pairs: list[Pair]) -> set[frozenset[int]]:
    """The rule word by word: density recounted from the pairs whenever two classes meet."""
    linked = {frozenset(pair[:2]) for pair in pairs}
    classes = [{index} for index in range(count)]
    for i, j, _ in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        a = next(one for one in classes if i in one)
        b = next(one for one in classes if j in one)
        across = sum(frozenset((x, y)) in linked for x in a for y in b) if a is not b else 0
        if a is not b and across >= LINKAGE * len(a) * len(b):
            classes.remove(b)
            a |= b
    return {frozenset(one) for one in classes}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Pair]]:
    count = draw(st.integers(1, 9))
    every = list(combinations(range(count), 2))
    chosen = draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    return count, [(i, j, draw(st.sampled_from([0.6, 0.7, 0.8, 0.9]))) for i, j in chosen]


@given(graphs())
def test_classes_follow_the_rule_of_average_linkage(graph: tuple[int, list[Pair]]) -> None:
    count, pairs = graph
    classes = group(count, pairs)
    assert {frozenset(members) for members, _ in classes} == naive_group(count, pairs)
    for members, probability in classes:
        inside = [p for i, j, p in pairs if i in members and j in members]
        assert probability == pytest.approx(sum(inside) / len(inside) if inside else 1)


def test_a_chain_of_pairs_does_not_become_one_class() -> None:
    chain = [(index, index + 1, 0.9) for index in range(99)]
    assert max(len(members) for members, _ in group(100, chain)) <= 3


def test_two_cliques_joined_by_a_few_weaker_pairs_stay_two() -> None:
    one, other = range(5), range(5, 9)
    cliques = [(i, j, 0.8) for members in (one, other) for i, j in combinations(members, 2)]
    bridges = [(0, 8, 0.7), (1, 7, 0.7), (4, 5, 0.7)]
    assert sorted(sorted(members) for members, _ in group(9, [*bridges, *cliques])) == [list(one), list(other)]


def test_a_large_sparse_graph_is_partitioned() -> None:
    rng = random.Random(0)
    pairs = sorted({tuple(sorted(rng.sample(range(3000), 2))) for _ in range(30_000)})
    classes = group(3000, [(i, j, rng.random()) for i, j in pairs])
    assert sum(len(members) for members, _ in classes) == 3000


def test_copies_are_clones_whatever_the_model_says(predictor: Predictor, tmp_path: Path) -> None:
    write_class(tmp_path / "A.java", BASE, DIFFERENT)
    write_class(tmp_path / "B.java", EXACT, RENAMED)
    assert shown(found(predictor)) == [[("A.total", None), ("A.total", "exact"), ("A.other", "renamed")]]
    (finding,) = found(predictor)
    assert (finding.label, finding.probability, finding.kind) == ("clone", 1.0, CloneKind.RENAMED)
    assert [(place.path, place.start_line) for place in finding.places] == [
        ("A.java", 2),
        ("B.java", 2),
        ("B.java", 15),
    ]


def test_what_the_model_joins_is_labelled_by_its_tokens(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class(tmp_path / "A.java", BASE, EDITED, DIFFERENT)
    monkeypatch.setattr(predictor, "pairs_above", lambda *_, **__: [(0, 1, 0.9), (0, 2, 0.8), (1, 2, 0.7)])
    assert shown(found(predictor)) == [[("A.total", None), ("A.total", "edited"), ("A.greet", "semantic")]]
    (finding,) = found(predictor)
    assert finding.kind is CloneKind.SEMANTIC
    assert finding.probability == pytest.approx(0.8)


def test_all_pairs_are_those_the_model_gives_one_by_one(predictor: Predictor, tmp_path: Path) -> None:
    rng = random.Random(3)
    bodies = [" ".join(f"w{rng.randint(4, 59)};" for _ in range(rng.randint(3, 30))) for _ in range(12)]
    methods = [f"void m{index}()\n{{\n{'x++;' * index}\n\n\n{body}\n}}" for index, body in enumerate(bodies)]
    write_class(tmp_path / "A.java", *methods)
    judged = {
        (i, j): sum(predictor.predict_proba([pair])[0][1] for pair in ((a, b), (b, a))) / 2
        for (i, a), (j, b) in combinations(enumerate(methods), 2)
    }
    threshold = sorted(judged.values())[-10]
    wanted = naive_group(12, [(i, j, p) for (i, j), p in judged.items() if p > threshold])
    classes = {frozenset(int(place.name[3:]) for place in one.places) for one in found(predictor, threshold)}
    assert classes == {members for members in wanted if len(members) > 1}


def test_short_functions_and_suppressed_ones_are_left_out(predictor: Predictor, tmp_path: Path) -> None:
    short = "int a() {\n  return 1;\n}"
    write_class(tmp_path / "A.java", short, short.replace("a()", "b()"), BASE, f"// codewren: ignore\n{RENAMED}")
    assert found(predictor) == []
    assert shown(found(predictor, min_lines=1)) == [[("A.a", None), ("A.b", "renamed")]]
    result = scan(["."], predictor, ScanOptions(threshold=1.0))
    assert (result.suppressed, result.functions) == (1, 4)


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
    result: ScanResult = scan(["."], low, ScanOptions())
    assert "more than 30 pairs of 30 functions clone" in result.remarks[0]
    assert result.threshold is not None
    kept = low.pairs_above(low.encode(methods), result.threshold)
    assert 0 < len(kept) <= 30
    asked = scan(["."], low, ScanOptions(threshold=0.0))
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
    assert [place.path for place in finding.places] == ["New.java", "Old.java"]
