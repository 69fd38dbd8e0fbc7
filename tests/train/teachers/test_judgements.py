"""Judgements become probabilities by hand-computed rules, and every line that is none is named."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from tiny import make_functions

from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import Kind, Task, Unit
from codewren.train.teachers.judgements import LEAST, probabilities, read_judgements, read_opinions
from codewren.train.teachers.teacher import load_teacher

LABELS = ("safe", "vulnerable")
DATA = make_functions(3, split="unlabelled")


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_judgements_of_an_item_are_averaged_and_unsure_counts_for_all_labels(tmp_path):
    path = write(
        tmp_path / "j.jsonl",
        {"id": 2, "label": "unsure"},
        {"id": "0", "label": "Vulnerable ", "confidence": 0.8, "judge": "a"},
        {"id": "0", "label": "safe", "confidence": 0.6, "judge": "b"},
        {"id": "0", "label": None, "judge": "c"},
        {"id": "1", "label": 1},
    )
    logits = read_judgements(path, DATA, confidence=0.9)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(softmax(logits)[:, 1], [(0.8 + 0.4 + 0.5) / 3, 0.9, 0.5], atol=1e-6)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=1e-6)


def test_first_tokens_of_a_language_model_are_matched_without_case():
    seen = {"safe": 0.6, " Vul": 0.2, "VULNERABLE": 0.1, "The": 0.05}
    row = {"logprobs": {token: math.log(share) for token, share in seen.items()}}
    np.testing.assert_allclose(probabilities(row, LABELS, confidence=0.9), [0.6 / 0.9, 0.3 / 0.9])


def test_a_label_that_is_not_among_the_tokens_has_at_most_what_is_left():
    row = {"logprobs": {"safe": math.log(0.97), "The": math.log(0.02)}}
    np.testing.assert_allclose(probabilities(row, LABELS, confidence=0.9), np.array([0.97, 0.01]) / 0.98)
    row = {"logprobs": {"safe": 0.0}}
    np.testing.assert_allclose(probabilities(row, LABELS, confidence=0.9), np.array([1, LEAST]) / (1 + LEAST))


def test_a_token_that_begins_several_labels_says_nothing():
    labels = ("read_file", "read_net", "write")
    with pytest.raises(ValueError, match="none of the tokens 'read' begins one of read_file, read_net, write"):
        probabilities({"logprobs": {"read": -0.1}}, labels, confidence=0.9)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "0"}, r"line 4: has id; a judgement has 'id' and 'label', 'probabilities' or 'logprobs'"),
        ({"id": "9", "label": "safe"}, r"line 4: id '9' is of no item of split 'unlabelled'"),
        ({"label": "safe"}, r"line 4: has no 'id'; a judgement names the item"),
        ({"id": [0], "label": "safe"}, r"id '\[0\]' is of no item"),
        ({"id": "0", "label": "vulnerble"}, "did you mean 'vulnerable'"),
        ({"id": "0", "label": 2}, "label 2 is none of safe, vulnerable"),
        ({"id": "0", "label": "safe", "confidence": 0.2}, r"confidence 0\.2 must lie in \[0\.5, 1\]"),
        ({"id": "0", "label": "safe", "confidence": 90}, "confidence 90 must lie"),
        ({"id": "0", "label": "safe", "confidence": "high"}, "confidence 'high' must lie"),
        ({"id": "0", "logprobs": {"safe": 0.7}}, "none above 0"),
        ({"id": "0", "logprobs": [1, 2]}, "must be an object of tokens"),
        ({"id": "0", "logprobs": {"yes": -0.1}}, "none of the tokens 'yes' begins one of safe"),
        ({"id": "0", "logprobs": {"safe": -(10**400)}}, "too large"),
        ({"id": "0", "logprobs": {}}, "none of the tokens"),
        ({"id": "0", "label": {"safe": 1}}, "is none of safe, vulnerable"),
        ({"id": "0", "probabilities": {"safe": 0.7, "vulnerable": 0.6}}, "sum to 1.3, wanted 1"),
        ({"id": "0", "probabilities": {"safe": 0.2, "vulnerable": 0.2}}, "sum to 0.4, wanted 1"),
        ({"id": "0", "probabilities": {"safe": 0.2, " SAFE": 0.2}}, "label ' SAFE' has two probabilities"),
        ({"id": "0", "probabilities": {"unsafe": 1.0}}, "label 'unsafe' is none of safe, vulnerable"),
        ({"id": "0", "probabilities": {}}, "sum to 0, wanted 1"),
        ({"id": "0", "probabilities": [0.5, 0.5]}, "wanted an object of labels"),
        ({"id": "0", "probabilities": {"safe": math.nan}}, "must lie in"),
        ([1], "line 4: .* is JSON but no object"),
    ],
)
def test_what_is_no_judgement_is_one_line_with_its_place(tmp_path, row, said):
    sound = [{"id": str(index), "label": "safe"} for index in range(3)]
    with pytest.raises(TeacherError, match=said):
        read_judgements(write(tmp_path / "j.jsonl", *sound, row), DATA, confidence=0.9)


def test_what_probabilities_leave_over_is_the_other_labels_and_rounding_is_forgiven():
    labels = ("a", "b", "c")
    found = probabilities({"probabilities": {"B": 0.6}}, labels, confidence=0.9)
    np.testing.assert_allclose(found, [0.2, 0.6, 0.2])
    rounded = probabilities({"probabilities": {"a": 0.33, "b": 0.33, "c": 0.33}}, labels, confidence=0.9)
    np.testing.assert_allclose(rounded, 1 / 3)


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": str(index), "label": "unsure"} for index in range(3)],
        [{"id": str(index), "label": label, "judge": label} for index in range(3) for label in LABELS],
    ],
)
def test_judgements_that_prefer_nothing_are_refused(tmp_path, rows):
    with pytest.raises(
        TeacherError, match="none of 3 judged items of split 'unlabelled' has a sure answer: all are 'unsure'"
    ):
        read_judgements(write(tmp_path / "j.jsonl", *rows), DATA, confidence=0.9)


def test_pairs_of_judges_are_counted_and_how_many_agree(tmp_path):
    path = write(
        tmp_path / "j.jsonl",
        *(
            {"id": "0", "label": label, "judge": judge}
            for judge, label in zip("abc", ("safe", "safe", "vulnerable"), strict=True)
        ),
        {"id": "1", "label": "safe", "judge": "a"},
        {"id": "1", "label": "unsure", "judge": "b"},
        {"id": "2", "label": "safe", "judge": "a"},
        {"id": "2", "label": "vulnerable", "judge": "a"},
    )
    assert read_opinions(path, DATA, confidence=0.9).agreement == (1, 3)


def test_an_item_that_nobody_judged_is_no_guess(tmp_path):
    path = write(tmp_path / "j.jsonl", {"id": "1", "label": "safe"})
    with pytest.raises(TeacherError, match=r"2 of 3 items of split 'unlabelled' have no judgement, '0' the first"):
        read_judgements(path, DATA, confidence=0.9)


def test_a_recipe_names_judgements_and_their_confidence(tmp_path):
    write(tmp_path / "j.jsonl", *({"id": str(index), "label": "safe"} for index in range(3)))
    section = {"kind": "judgements", "path": str(tmp_path / "j.jsonl"), "confidence": 0.75}
    raw = {"task": {"name": "vulnerability"}, "teacher": section}
    teacher = load_teacher(Recipe.from_dict(raw))
    np.testing.assert_allclose(softmax(teacher.logits(DATA))[:, 0], 0.75, atol=1e-6)
    assert teacher.covers("unlabelled")
    assert teacher.sha256 != load_teacher(Recipe.from_dict({**raw, "teacher": {**section, "confidence": 0.8}})).sha256
    with pytest.raises(TeacherError, match=r"teacher\.confidence 0\.5 must lie in \(0\.5, 1\]"):
        load_teacher(Recipe.from_dict({**raw, "teacher": {**section, "confidence": 0.5}}))


def test_five_labels_share_what_a_judge_leaves_over():
    task = Task("kind", Unit.FUNCTION, ("a", "b", "c", "d", "e"), "a")
    found = probabilities({"label": "c", "confidence": 0.6}, task.labels, confidence=0.9)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.6, 0.1, 0.1])


def test_null_and_gaps_of_tables_are_nothing_said():
    plain = probabilities({"label": "safe"}, LABELS, confidence=0.8)
    for gap in (None, math.nan, ""):
        np.testing.assert_array_equal(
            probabilities({"label": "safe", "confidence": gap}, LABELS, confidence=0.8), plain
        )
        np.testing.assert_array_equal(probabilities({"label": gap}, LABELS, confidence=0.8), [0.5, 0.5])


def test_a_number_is_a_label_of_that_name_before_it_is_a_place():
    assert probabilities({"label": 1}, ("1", "2", "3"), confidence=0.9).argmax() == 0
    assert probabilities({"label": 1.0}, ("1", "2", "3"), confidence=0.9).argmax() == 0
    assert probabilities({"label": 1}, ("a", "b", "c"), confidence=0.9).argmax() == 1
    with pytest.raises(ValueError, match="label 0 is none of 1, 2, 3"):
        probabilities({"label": 0}, ("1", "2", "3"), confidence=0.9)


def test_judgements_of_rows_that_a_limit_cut_off_are_passed_over(tmp_path):
    path = write(tmp_path / "j.jsonl", *({"id": name, "label": "safe"} for name in DATA.ids))
    assert read_judgements(path, DATA.subset([0, 1]), confidence=0.9, cut=True).shape == (2, 2)
    with pytest.raises(TeacherError, match="is of no item"):
        read_judgements(path, DATA.subset([0, 1]), confidence=0.9)


SETS = Task("calls", Unit.FUNCTION, ("files", "net", "time"), "net", kind=Kind.MULTI_LABEL)


def test_judgements_of_several_labels_are_averaged_label_by_label(tmp_path):
    path = write(
        tmp_path / "j.jsonl",
        {"id": "0", "labels": ["Files", "time"], "confidence": 0.8},
        {"id": "0", "labels": [], "judge": "b"},
        {"id": "1", "probabilities": {"net": 0.3}},
        {"id": "2", "label": "unsure"},
    )
    logits = read_judgements(path, replace(DATA, task=SETS), confidence=0.9)
    wanted = [[0.45, 0.15, 0.45], [0.5, 0.3, 0.5], [0.5, 0.5, 0.5]]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"label": "files"}, r"wanted|'labels' \(a list\)"),
        ({"labels": ["disk"]}, "label 'disk' is none of files, net, time"),
        ({"labels": ["net"], "confidence": 0.4}, "confidence 0.4 must lie in"),
        ({"probabilities": {"net": 2}}, "probability 2 of 'net' must lie in"),
        ({"probabilities": [0.5]}, "wanted an object of labels and numbers"),
    ],
)
def test_what_is_no_judgement_of_several_labels_is_one_line(tmp_path, row, said):
    path = write(tmp_path / "j.jsonl", {"id": "0", **row})
    with pytest.raises(TeacherError, match=said):
        read_judgements(path, replace(DATA, task=SETS), confidence=0.9)
