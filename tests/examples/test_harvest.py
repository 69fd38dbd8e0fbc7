import ast
import json
import lzma
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from codewren.core.dataset import collapse_whitespace
from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.data.load import available_splits, load_split, load_test_split
from codewren.data.overlap import overlap_report
from harvest import TOKENS, Sizes, find_functions, harvest

SIZES = Sizes(labelled=160, unlabelled=160, valid=80, test=60)
LIBRARY = Path(sysconfig.get_path("stdlib")) / "email"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("harvest")
    harvest(made, sizes=SIZES, seed=5, library=LIBRARY)
    return made


@pytest.fixture(scope="module")
def splits(folder):
    task = {"name": "clone", "unit": "pair", "labels": ["different", "clone"], "positive": "clone"}
    data = {split: {"path": f"{split}.tsv.xz"} for split in ("labelled", "unlabelled", "valid", "test")}
    recipe = Recipe.from_dict({"task": task, "data": {"functions": {"path": "functions.jsonl.xz"}, **data}}, folder)
    found = {split: load_split(recipe, split) for split in available_splits(recipe)}
    return {**found, "test": load_test_split(recipe)}


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with lzma.open(folder / "functions.jsonl.xz", "rt", encoding="utf-8") as stream:
        return {row["idx"]: row for row in map(json.loads, stream)}


def best_cut(scores: list[float], labels: list[int]) -> float:
    """Accuracy of the best threshold, chosen on the very items: an upper bound of what the score alone can do."""
    cuts = sorted(set(scores))
    hits = [sum((score >= cut) == label for score, label in zip(scores, labels, strict=True)) for cut in cuts]
    return max(*hits, len(labels) - min(hits)) / len(labels)


def test_splits_are_as_large_as_asked_and_half_clones(splits):
    assert {split: len(data) for split, data in splits.items()} == {
        "labelled": 160, "unlabelled": 160, "valid": 80, "test": 60,
    }  # fmt: skip
    assert set(splits["unlabelled"].labels) == {None}
    assert sum(splits["labelled"].known_labels()) == 80
    assert sum(splits["valid"].known_labels()) == 40


def test_a_clone_is_one_function_twice_and_the_others_are_two(folder, splits):
    functions = rows(folder)
    for data in (splits["labelled"], splits["test"]):
        for item, label in zip(data.items, data.known_labels(), strict=True):
            left, right = (functions[data.function_ids[i]] for i in item)
            assert (left["origin"] == right["origin"]) == bool(label)
            assert sorted([left["form"] == "original", right["form"] == "original"]) == [False, True]


def test_every_function_parses_and_originals_stand_in_the_library(folder):
    for row in rows(folder).values():
        assert len(ast.parse(row["func"]).body) == 1
        if row["form"] == "original":
            name, _, line = row["origin"].partition(":")
            lines = (LIBRARY / name).read_text(encoding="utf-8").split("\n")
            assert ast.parse(row["func"]).body[0].name in lines[int(line) - 1]
    forms = Counter(row["form"] for row in rows(folder).values())
    assert {"original", "reformat+rename", "reformat+rename+reorder"} <= set(forms)


def test_no_function_and_no_module_is_in_two_splits(folder, splits):
    modules: dict[str, set[str]] = {}
    for row in rows(folder).values():
        modules.setdefault(row["origin"].partition(":")[0], set()).add(row["split"])
    assert all(len(where) == 1 for where in modules.values())
    report = overlap_report(list(splits.values()))
    assert all(one.normalised_copies == one.repeated_items == 0 for one in report.between)


def test_neither_side_length_nor_the_anchor_tells_the_label(splits):
    data = splits["labelled"]
    labels = data.known_labels()
    lengths = [[len(TOKENS.findall(text)) for text in data.texts(i)] for i in range(len(data))]
    assert best_cut([a - b for a, b in lengths], labels) < 0.75
    assert best_cut([a + b for a, b in lengths], labels) < 0.65
    assert best_cut([-abs(a - b) / max(a, b) for a, b in lengths], labels) < 0.8
    words = [[set(collapse_whitespace(text).split()) for text in data.texts(i)] for i in range(len(data))]
    assert best_cut([len(a & b) / len(a | b) for a, b in words], labels) > 0.6


def test_one_seed_gives_the_same_bytes_and_another_other_pairs(folder, tmp_path):
    harvest(tmp_path / "again", sizes=SIZES, seed=5, library=LIBRARY)
    harvest(tmp_path / "other", sizes=SIZES, seed=6, library=LIBRARY)
    for name in ("functions.jsonl.xz", "labelled.tsv.xz", "valid.tsv.xz"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()


def test_what_was_done_is_written_down_and_told(tmp_path):
    told = []
    made = harvest(tmp_path, sizes=SIZES, library=LIBRARY, progress=lambda *step: told.append(step))
    kept = json.loads((tmp_path / "harvest.json").read_text())
    assert kept["pairs"] == {"labelled": 160, "unlabelled": 160, "valid": 80, "test": 60}
    assert kept["functions"] == made.functions
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["harvest", "labelled", "unlabelled", "valid", "test"]
    for stage in stages:
        done = [(done, total) for name, done, total in told if name == stage]
        assert done == sorted(done) and done[-1][0] == done[-1][1]


def test_broken_files_tests_and_copies_are_passed_over(tmp_path):
    body = "\n    total = 0\n    for item in items:\n        total = total + item * 2\n"
    body += "    return total if total else None\n"
    (tmp_path / "a.py").write_text(f"def f(items):{body}\n\x0c\nclass C:\n    def g(self):\n        pass\n")
    (tmp_path / "b.py").write_text(f"def h(items):{body}".replace("total", "result"))
    (tmp_path / "c.py").write_text("def broken(:\n")
    (tmp_path / "d.py").write_bytes(b"# \xff\n")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "e.py").write_text(f"def k(items):{body}".replace("2", "3"))
    found = list(find_functions(tmp_path, progress=lambda *_: None))
    assert [one.origin for one in found] == ["a.py:1"]
    assert found[0].text == f"def f(items):{body}".rstrip("\n")


def test_too_small_a_library_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 functions in 0 modules leave 0 for the 160 pairs of 'labelled'"):
        harvest(tmp_path, sizes=SIZES, library=tmp_path)
