"""Many generated functions of one shape: the classes are those of all pairs, the time is not."""

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codewren.predict.predictor import AnyPredictor, load
from codewren.scan import clones as clones_module
from codewren.scan.finding import CloneKind, Finding
from codewren.scan.lexical import Bag, overlapping
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan
from encoders import write_encoder

ACCESSOR = """def {verb}_{number}(self, value):
    with self.lock:
        if self.field_{number} is None:
            self.load({word})
        self.count += 1
        {statement}

"""
STATEMENTS = ("return self.field_{number}", "self.field_{number} = value", "self.{word}.append(value)")
OTHER = """def other_{number}(items):
    {statement}
    return {word}

"""


def write_accessors(path: Path, count: int, seed: int = 0) -> None:
    rng = random.Random(seed)
    parts = []
    for number in range(count):
        statement = rng.choice(STATEMENTS).format(number=number // 2, word=f"list_{number % 5}")
        names = {"verb": rng.choice("abc"), "number": number // 2, "word": rng.choice(("a", "b", "value"))}
        parts.append(ACCESSOR.format(statement=statement, **names))
    path.write_text("".join(parts))


def write_others(path: Path, count: int) -> None:
    rng = random.Random(1)
    parts = []
    for number in range(count):
        lines = [f"w{rng.randrange(20)} = w{rng.randrange(20)}({rng.randrange(3)})" for _ in range(rng.randint(4, 12))]
        parts.append(OTHER.format(number=number, statement="\n    ".join(lines), word=lines[0].split()[0]))
    path.write_text("".join(parts))


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnyPredictor:
    path = write_encoder(tmp_path / "encoder.wren")
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    return load(path)


def found(predictor: AnyPredictor) -> list[Finding]:
    return scan(["."], predictor, ScanOptions(threshold=0.9999, jobs=1)).findings


def close_classes(findings: list[Finding]) -> set[frozenset[tuple[str, int]]]:
    return {
        frozenset((place.path, place.start_line) for place in finding.locations)
        for finding in findings
        if finding.kind is not CloneKind.SEMANTIC
    }


@pytest.mark.parametrize("seed", range(3))
def test_classes_with_families_are_those_of_all_pairs(
    encoder: AnyPredictor, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    write_accessors(Path("accessors.py"), 150, seed)
    write_others(Path("others.py"), 60)
    every = found(encoder)
    monkeypatch.setattr(clones_module, "FAMILY", 10**9)
    pairwise = found(encoder)
    assert close_classes(every) == close_classes(pairwise)
    assert max(len(finding.locations) for finding in every) == 150
    largest = max(every, key=lambda finding: len(finding.locations))
    assert clones_module.EDITED_OVERLAP <= largest.probability < 1


def test_a_function_inside_another_is_in_no_family_with_it(
    encoder: AnyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clones_module, "FAMILY", 2)
    names = " + ".join(f"name_{number}" for number in range(20))
    nested = f"def outer():\n    def inner():\n        x = (\n            1 +\n\n\n            {names}\n        )\n"
    Path("a.py").write_text(nested + "    return inner\n")
    assert found(encoder) == []


def test_more_pairs_than_a_list_should_hold_raise_the_share_and_say_so(
    encoder: AnyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clones_module, "FAMILY", 10**9)
    monkeypatch.setattr(clones_module, "overlapping", _limited)
    write_accessors(Path("accessors.py"), 40)
    result = scan(["."], encoder, ScanOptions(threshold=0.9999, jobs=1))
    assert any("functions share 70% of their words" in remark for remark in result.remarks)


def _limited(bags: Sequence[Bag], least: float) -> Iterator[tuple[int, int, float]]:
    return overlapping(bags, least, limit=300)


def test_time_does_not_grow_with_the_square_of_functions_of_one_shape(encoder: AnyPredictor) -> None:
    seconds = {}
    for count in (500, 2000):
        write_accessors(Path("accessors.py"), count)
        start = time.process_time()
        assert found(encoder)
        seconds[count] = time.process_time() - start
    assert seconds[2000] < 8 * seconds[500]
