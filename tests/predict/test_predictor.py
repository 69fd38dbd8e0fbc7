import dataclasses
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codewren
from codewren import _native
from codewren.bundle.read import Bundle
from codewren.bundle.write import write_bundle
from codewren.core.errors import BundleError, InputError
from codewren.core.student_config import PositionType, Storage
from codewren.core.task import CLONE, VULNERABILITY, Task, Unit
from codewren.predict import predictor as predictor_module
from codewren.predict.predictor import Predictor, load
from oracle import Oracle
from students import CONFIG, HEADS, random_tensors, wordpiece_tokenizer, write_student

FUNCTIONS = ["w4 w5 w6", "w7\n\t w8  w9 ", "w10", "", "w59 " * 200, "unknown words"]
IDS = [[0, 4, 5, 6, 2], [0, 7, 8, 9, 2], [0, 10, 2], [0, 2], [0, *[59] * 78, 2], [0, 3, 3, 2]]
THREE = Task("verdict", Unit.PAIR, ("same", "near", "far"), "near")


def test_probabilities_of_source_text_equal_the_reference(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", temperature=2.5)
    found = load(path).predict_proba(FUNCTIONS)
    np.testing.assert_allclose(found, [Oracle(path).probabilities(ids) for ids in IDS], atol=1e-6)


@pytest.mark.parametrize("head", ["concat", "symmetric"])
def test_pairs_equal_the_reference_in_the_order_given(tmp_path: Path, head: str) -> None:
    task, pair_head = HEADS[head]
    path = write_student(tmp_path / "x.wren", CONFIG.replace(pair_head=pair_head), task)
    chosen = [(0, 1), (1, 0), (2, 2), (4, 5)]
    found = load(path).predict_proba([(FUNCTIONS[i], FUNCTIONS[j]) for i, j in chosen])
    np.testing.assert_allclose(found, [Oracle(path).probabilities(IDS[i], IDS[j]) for i, j in chosen], atol=1e-6)


def test_a_pair_bundle_encodes_every_distinct_function_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = load(write_student(tmp_path / "x.wren", task=CLONE))
    encoded: list[str] = []
    encode = predictor._encode
    monkeypatch.setattr(predictor, "_encode", lambda texts, spoken: encoded.extend(texts) or encode(texts, spoken))
    predictor.predict([("w4", "w5"), ("w5", "w4"), ["w4", "w4"]])
    assert sorted(encoded) == ["w4", "w5"]


def test_labels_compare_equal_to_numbers_and_carry_names(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren"))
    rows, labels = predictor.predict_proba(FUNCTIONS), predictor.predict(FUNCTIONS)
    assert labels == [int(row[1] > 0.5) for row in rows]
    assert {label.name for label in labels} <= {"safe", "vulnerable"}
    assert all(label.name == VULNERABILITY.labels[label] for label in labels)


def test_a_probability_must_exceed_the_threshold(tmp_path: Path) -> None:
    row = load(write_student(tmp_path / "x.wren")).predict_proba(["w4"])[0]
    for threshold, wanted in ((row[1], 0), (math.nextafter(row[1], 0), 1), (1.0, 0), (0.0, 1)):
        predictor = load(write_student(tmp_path / "y.wren", threshold=threshold))
        assert predictor.predict(["w4"]) == [wanted]


def test_the_threshold_belongs_to_the_positive_label_wherever_it_stands(tmp_path: Path) -> None:
    task = Task("flipped", Unit.FUNCTION, ("vulnerable", "safe"), "vulnerable")
    predictor = load(write_student(tmp_path / "x.wren", task=task, threshold=0.0))
    assert {label.name for label in predictor.predict(FUNCTIONS)} == {"vulnerable"}


def test_of_more_than_two_labels_the_most_probable_wins(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", task=Task("t", Unit.FUNCTION, ("a", "b", "c"), "b")))
    rows = predictor.predict_proba(FUNCTIONS)
    assert predictor.predict(FUNCTIONS) == np.argmax(rows, axis=1).tolist()
    assert [sum(row) for row in rows] == pytest.approx([1] * len(rows))


def test_no_items_give_no_predictions(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren"))
    assert predictor.predict([]) == predictor.predict_proba([]) == predictor.logits([]) == []
    assert len(predictor.encode([])) == 0


def test_a_text_without_tokens_is_read_as_the_start_token(tmp_path: Path) -> None:
    path = write_student(
        tmp_path / "x.wren", tokenizer=wordpiece_tokenizer(CONFIG.vocab_size, add_special_tokens=False)
    )
    found = load(path).predict_proba([" \n ", "w7"])
    np.testing.assert_allclose(found, [Oracle(path).probabilities([0]), Oracle(path).probabilities([7])], atol=1e-6)


@pytest.mark.parametrize(
    ("task", "items", "message"),
    [
        (VULNERABILITY, "int f;", "items are of type str"),
        (VULNERABILITY, b"int f;", "items are of type bytes"),
        (VULNERABILITY, {"a": 1}, "items are of type dict"),
        (VULNERABILITY, None, "items are of type NoneType"),
        (VULNERABILITY, ["a", 5], "item 1 is of type int"),
        (VULNERABILITY, [("a", "b")], r"item 0 is a tuple of \(str, str\)"),
        (VULNERABILITY, [b"a"], "item 0 is of type bytes"),
        (VULNERABILITY, ["\ud800"], "surrogate"),
        (CLONE, ["a", "b"], "item 0 is of type str; wanted: a list of pairs"),
        (CLONE, [("a", "b"), ("a", "b", "c")], r"item 1 is a tuple of \(str, str, str\)"),
        (CLONE, [["a"]], r"item 0 is a list of \(str\)"),
        (CLONE, [("a", None)], r"item 0 is a tuple of \(str, NoneType\)"),
        (CLONE, ("a", "b"), "item 0 is of type str; wanted: a list of pairs"),
    ],
)
def test_items_of_the_wrong_form_are_refused(tmp_path: Path, task: Task, items: Any, message: str) -> None:
    predictor = load(write_student(tmp_path / "x.wren", task=task))
    with pytest.raises(InputError, match=message):
        predictor.predict(items)


@pytest.mark.parametrize(
    "code", ["", "\0" * 50, "a" * 10_000_000, "(" * 100_000, "é\u0301 \U0001f600 w4", "\x1f\x85\u2028"]
)
def test_strange_texts_are_judged_without_harm(tmp_path: Path, code: str) -> None:
    for layers in (1, 2):
        path = write_student(tmp_path / "x.wren", CONFIG.replace(num_hidden_layers=layers))
        (row,) = load(path).predict_proba([code])
        assert sum(row) == pytest.approx(1)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    for storage, bits in ((Storage.FP32, b"\0\0\xc0\x7f"), (Storage.FP16, b"\0\x7c")):
        path = write_student(tmp_path / "x.wren", CONFIG.replace(storage=storage))
        bundle = Bundle.read(path)
        weights = bytearray(bundle.weights)
        place = next(place for place in bundle.tensors if place.name == "layers.0.output.weight")
        weights[place.offset + 8 : place.offset + 8 + len(bits)] = bits
        with pytest.raises(BundleError, match=r"layers\.0\.output\.weight holds NaN or infinity"):
            Predictor(_with_weights(bundle, weights))


def test_weights_that_overflow_give_an_error_not_a_label(tmp_path: Path) -> None:
    config = CONFIG.replace(storage=Storage.FP32)
    tensors = random_tensors(config, VULNERABILITY)
    tensors["head.out.weight"][:] = 3e38
    path = tmp_path / "x.wren"
    write_bundle(path, task=VULNERABILITY, config=config, tensors=tensors, tokenizer=wordpiece_tokenizer(60))
    with pytest.raises(BundleError, match="not finite"):
        load(path).predict(FUNCTIONS)


def _with_weights(bundle: Bundle, weights: bytes | bytearray) -> Bundle:
    aligned = bytearray(len(weights) + 64)
    start = -np.frombuffer(aligned, np.uint8).ctypes.data % 64
    aligned[start : start + len(weights)] = weights
    return dataclasses.replace(bundle, weights=memoryview(aligned)[start : start + len(weights)])


def test_vectors_are_rows_of_floats(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren")
    vectors = load(path).encode(FUNCTIONS)
    assert vectors.shape == (len(FUNCTIONS), CONFIG.hidden_size)
    np.testing.assert_allclose(np.asarray(vectors), [Oracle(path).vector(ids) for ids in IDS], atol=1e-5)


def brute_force_pairs(path: Path, functions: list[list[int]], positive: int) -> dict[tuple[int, int], float]:
    """Both orders through the whole model, averaged."""
    oracle = Oracle(path)
    return {
        (i, j): float(np.mean([oracle.probabilities(*order)[positive] for order in ((a, b), (b, a))]))
        for (i, a), (j, b) in combinations(enumerate(functions), 2)
    }


@pytest.mark.parametrize("target", _native.targets())
@pytest.mark.parametrize("task", [CLONE, THREE], ids=["two labels", "three labels"])
@pytest.mark.parametrize("head", ["concat", "symmetric"])
def test_all_pairs_equal_brute_force(tmp_path: Path, head: str, task: Task, target: str) -> None:
    config = CONFIG.replace(pair_head=HEADS[head][1], position_embedding_type=PositionType.RELATIVE_KEY)
    path = write_student(tmp_path / "x.wren", config, task, temperature=1.7)
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{index}" for index in rng.integers(4, 60, size)) for size in rng.integers(1, 12, 37)]
    predictor = Predictor(Bundle.read(path), target=target)
    wanted = brute_force_pairs(path, [predictor_ids(text) for text in texts], task.positive_index)
    threshold = float(np.median(list(wanted.values())))
    found = predictor.pairs_above(predictor.encode(texts), threshold)
    sure = {pair for pair, value in wanted.items() if value > threshold + 1e-5}
    possible = {pair for pair, value in wanted.items() if value > threshold - 1e-5}
    assert 100 < len(sure) <= len(found)
    assert sure <= {(i, j) for i, j, _ in found} <= possible
    assert [(i, j) for i, j, _ in found] == sorted((i, j) for i, j, _ in found)
    assert max(abs(value - wanted[i, j]) for i, j, value in found) < 1e-5


def predictor_ids(text: str) -> list[int]:
    return [0, *(int(word[1:]) for word in text.split()), 2]


def test_all_pairs_survive_a_head_beyond_the_range_of_exponentials(tmp_path: Path) -> None:
    config = CONFIG.replace(storage=Storage.FP32)
    tensors = random_tensors(config, CLONE)
    tensors["head.dense.weight"] *= 300
    path = tmp_path / "x.wren"
    write_bundle(path, task=CLONE, config=config, tensors=tensors, tokenizer=wordpiece_tokenizer(60))
    predictor = load(path)
    texts = [f"w{i} w{i + 1}" for i in range(4, 40)]
    wanted = brute_force_pairs(path, [predictor_ids(text) for text in texts], 1)
    found = predictor.pairs_above(predictor.encode(texts), 0.0)
    assert len(found) == len(wanted)
    assert np.median([abs(value - wanted[i, j]) for i, j, value in found]) < 1e-4


def test_all_pairs_do_not_depend_on_threads(tmp_path: Path) -> None:
    bundle = Bundle.read(write_student(tmp_path / "x.wren", task=CLONE))
    texts = [f"w{4 + i % 50} w{4 + i // 50}" for i in range(150)]
    results = []
    for threads in (1, 2, 5):
        predictor = Predictor(bundle, threads=threads)
        results.append(predictor.pairs_above(predictor.encode(texts)))
    assert results[0]
    assert results[0] == results[1] == results[2]


def test_too_many_pairs_single_functions_and_foreign_vectors_are_refused(tmp_path: Path) -> None:
    pairs = load(write_student(tmp_path / "x.wren", task=CLONE))
    vectors = pairs.encode(FUNCTIONS)
    assert len(pairs.pairs_above(vectors, -1.0, limit=15)) == 15
    with pytest.raises(InputError, match="more than 14 pairs lie above"):
        pairs.pairs_above(vectors, -1.0, limit=14)
    with pytest.raises(InputError, match="rows of hidden_size"):
        pairs.pairs_above(memoryview(b"1234" * 7).cast("f"))
    with pytest.raises(InputError, match="pair bundle"):
        load(write_student(tmp_path / "y.wren")).pairs_above(vectors)
    assert pairs.pairs_above(pairs.encode([])) == []


def test_a_short_name_finds_a_bundle_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_module, "BUNDLES", tmp_path)
    with pytest.raises(BundleError, match="none ships"):
        load("clones-java")
    write_student(tmp_path / "clones-java.wren", task=CLONE)
    assert codewren.load("clones-java").task == CLONE
    with pytest.raises(BundleError, match="did you mean 'clones-java'"):
        load("clone-java")
    with pytest.raises(BundleError, match="no such file"):
        load(tmp_path / "absent.wren")


def test_a_short_name_without_a_size_is_the_mini_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_module, "BUNDLES", tmp_path)
    for size in ("micro", "mini", "standard"):
        write_student(tmp_path / f"smell-c-{size}.wren")
    assert load("smell-c").path == tmp_path / "smell-c-mini.wren"
    assert load("smell-c-micro").path == tmp_path / "smell-c-micro.wren"


def test_labels_that_no_enum_can_hold_are_refused(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", task=Task("t", Unit.FUNCTION, ("mro", "b"), "b"))
    with pytest.raises(BundleError, match="not usable"):
        load(path)
