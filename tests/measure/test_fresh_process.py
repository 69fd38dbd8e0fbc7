import json
import sys

import pytest

from codewren.measure.fresh_process import Child, ChildError, bundle_command, cold_starts, peak_bytes, peak_memories
from students import write_student

CHILD = """
import sys
from codewren.measure.fresh_process import answer
def load():
    def predict(items):
        with open(sys.argv[1], "a") as log:
            print(items, file=log)
        if len(sys.argv) > 2 and not hasattr(predict, "kept"):
            predict.kept = bytearray(int(sys.argv[2]))
    return predict
answer(load)
"""


@pytest.fixture
def child(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)

    def make(log: str, *arguments: object, items=("a", "b")) -> Child:
        return Child((sys.executable, str(script), str(tmp_path / log), *map(str, arguments)), tuple(items))

    return make


def test_every_run_is_a_new_process_that_answers_the_first_item_and_a_first_round_is_not_counted(child, tmp_path):
    now = iter(range(100))
    found = cold_starts({"x": child("x"), "y": child("y")}, runs=2, clock=lambda: next(now))
    assert found == {"x": [1, 1], "y": [1, 1]}  # the clock is read twice a run
    assert (tmp_path / "x").read_text().splitlines() == ["['a']"] * 3


def test_memory_is_that_of_a_child_answering_all_items_one_by_one(child, tmp_path):
    found = peak_memories({"small": child("s"), "large": child("l", 80_000_000)})
    assert found["large"] - found["small"] == pytest.approx(80e6, rel=0.05)
    assert (tmp_path / "s").read_text().splitlines() == ["['a']", "['b']"]


def test_a_parents_memory_is_not_its_childrens(child):
    """ru_maxrss would give the parent's: a child shares it until it loads its own program."""
    ballast = bytearray(b"x") * 100_000_000
    after = peak_memories({"x": child("x")})["x"]
    assert after < len(ballast) / 2


def test_peak_is_the_kernels_high_water_mark(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmPeak:\t 999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n")
    assert peak_bytes(status) == 2048 * 1024
    assert peak_bytes(tmp_path / "absent") > 1_000_000


def test_a_child_without_an_answer_says_why(tmp_path):
    crashing = Child((sys.executable, "-c", "raise SystemExit('no such weights')"), ("a",))
    with pytest.raises(ChildError, match="no such weights"):
        cold_starts({"x": crashing}, runs=1)


def test_a_bundle_answers_in_a_new_process_without_torch(tmp_path):
    path = write_student(tmp_path / "x.wren")
    command = bundle_command(path)
    assert peak_memories({"x": Child(tuple(command), ("w7 w8", "\udc80 half"[1:]))})["x"] < 80e6
    assert json.dumps(command)
