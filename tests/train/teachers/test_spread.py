"""Judgements of some items become answers for all, and what cannot be spread is one line."""

import json
from dataclasses import replace

import numpy as np
import pytest

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import Kind, Task, Unit
from codewren.data.load import load_split
from codewren.train.teachers.judgements import Opinions
from codewren.train.teachers.labelling import label
from codewren.train.teachers.soft_words import fit_soft_words
from codewren.train.teachers.spread import pooled
from codewren.train.teachers.teacher import load_teacher

LABELS = ("quiet", "loud")
LOUD = tuple("shout" if number % 2 else "whisper" for number in range(60))


def rows_of(split, count, start=0):
    return [
        {
            "id": f"{split}-{at}",
            "func": f"def f{at}(x{at % 7}):\n    {LOUD[(at + start) % 60]}({at % 5})\n    return {at}",
        }
        for at in range(count)
    ]


def said_of(at, **other):
    return {"id": f"labelled-{at}", "label": LABELS[at % 2], "confidence": 0.9} | other


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def make(tmp_path):
    """A recipe of 40 items of `labelled`, 20 of `unlabelled` and 10 of `valid`, with these judgements."""

    def made(rows=None, *, path="judgements.jsonl", labels=LABELS, kind=Kind.SINGLE_LABEL, **keys):
        for split, count in (("labelled", 40), ("unlabelled", 20), ("valid", 10)):
            write(tmp_path / f"{split}.jsonl", rows_of(split, count))
        write(
            tmp_path / path.replace("{split}", "labelled"), [said_of(at) for at in range(40)] if rows is None else rows
        )
        return Recipe.from_dict(
            {
                "task": {
                    "name": "noise",
                    "unit": "function",
                    "labels": list(labels),
                    "positive": labels[1],
                    "kind": kind,
                },
                "data": {
                    "root": str(tmp_path),
                    **{split: {"path": f"{split}.jsonl", "id": "id"} for split in ("labelled", "unlabelled", "valid")},
                },
                "teacher": {"kind": "judgements", "path": path, **keys},
                "distil": {"train_on": ["labelled", "unlabelled"]},
            }
        )

    return made


def asked(recipe, split):
    return load_teacher(recipe).logits(load_split(recipe, split))


@pytest.mark.parametrize("path", ["judgements.jsonl", "judgements-{split}.jsonl"])
def test_sure_judgements_stay_and_words_answer_the_others(make, path):
    rows = [said_of(at) for at in range(40)]
    rows[3] = {"id": "labelled-3", "label": "unsure"}
    recipe = make(rows, path=path)
    logits, answers = asked(recipe, "labelled"), asked(recipe, "unlabelled")
    margin = logits[:, 1] - logits[:, 0]
    kept = [at for at in range(40) if at != 3]
    np.testing.assert_allclose(margin[kept], [np.log(9) * (1 if at % 2 else -1) for at in kept], rtol=1e-5)
    assert margin[3] > 0
    assert (answers.argmax(axis=1) == np.arange(20) % 2).all()
    assert (asked(recipe, "valid").argmax(axis=1) == np.arange(10) % 2).all()


def test_the_words_have_not_seen_the_fold_that_they_are_judged_on(make):
    """Judgements without any rule are agreed with by luck only, though words could learn all by heart."""
    rng = np.random.default_rng(0)
    rows = [said_of(at, label=LABELS[rng.integers(2)]) for at in range(40)]
    spread = load_teacher(make(rows)).spread()
    assert spread.judged == spread.of == 40
    assert spread.hits < 32
    assert load_teacher(make()).spread().hits == 40


def test_words_are_as_unsure_as_they_are_wrong():
    """Every fifth judgement is wrong, without a rule: what words are sure of must not be 0.99."""
    texts = [f"{LOUD[at % 60]} x{at}" for at in range(600)]
    truth = np.arange(600) % 2
    wrong = np.random.default_rng(1).random(600) < 0.2
    said = np.where(np.eye(2)[truth ^ wrong] > 0, 0.99, 0.01)
    logits = fit_soft_words(texts, said).words.logits([f"{LOUD[at % 60]} y" for at in range(60)])
    sure = 1 / (1 + np.exp(-np.abs(logits[:, 1] - logits[:, 0])))
    assert (logits.argmax(axis=1) == np.arange(60) % 2).all()
    assert 0.7 < sure.mean() < 0.9


def test_copies_of_a_function_are_never_on_both_sides():
    texts = [f"only{at // 4}" for at in range(80)]
    said = np.eye(2)[(np.arange(80) // 4 * 7 // 3) % 2] * 0.8 + 0.1
    hits = (fit_soft_words(texts, said).out_of_fold.argmax(axis=1) == said.argmax(axis=1)).mean()
    assert hits < 0.8  # each text stands there four times: with copies on both sides it would be 1


def everything_judged():
    return [said_of(at) for at in range(40)] + [
        {"id": f"unlabelled-{at}", "label": "unsure" if at else "loud"} for at in range(20)
    ]


def test_where_all_is_judged_nothing_is_spread_unless_asked_for(make):
    recipe = make(everything_judged())
    assert not load_teacher(recipe).spreads
    assert np.ptp(asked(recipe, "unlabelled")[1:]) == 0  # unsure counts for all labels
    assert np.ptp(asked(make(everything_judged(), spread=True), "unlabelled")[1:]) > 1


def test_without_spreading_an_item_that_nobody_judged_is_refused(make):
    with pytest.raises(TeacherError, match="20 of 20 items of split 'unlabelled' have no judgement"):
        asked(make(spread=False), "unlabelled")
    with pytest.raises(TeacherError, match=r"judgements-unlabelled\.jsonl: no such file"):
        asked(make(path="judgements-{split}.jsonl", spread=False), "unlabelled")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no item of labelled, unlabelled is judged"),
        ([{"id": "labelled-0", "label": "loud"}], "1 of 1 judged items have a sure answer, .* wanted 10 or more"),
        ([said_of(at, label="unsure") for at in range(40)], "0 of 40 judged items have a sure answer"),
        ([said_of(at, label="loud") for at in range(40)], "all 40 sure judgements say 'loud'; nothing tells labels"),
        (
            [said_of(at, label=name, judge=name) for at in range(40) for name in LABELS],
            "0 of 40 judged items have a sure answer, the others are 'unsure' or their judges contradict each other",
        ),
        ([said_of(at, id=f"f-{at}") for at in range(40)], r"line 1: id 'f-0' is of no item of split"),
    ],
)
def test_what_cannot_be_spread_is_one_line(make, rows, said):
    with pytest.raises(TeacherError, match=said):
        asked(make(rows), "unlabelled")


def test_one_file_for_splits_with_the_same_ids_is_ambiguous(make, tmp_path):
    recipe = make()
    write(tmp_path / "unlabelled.jsonl", [row | {"id": f"labelled-{at}"} for at, row in enumerate(rows_of("u", 20))])
    with pytest.raises(TeacherError, match="20 ids are of items of both 'labelled' and 'unlabelled', 'labelled-0' the"):
        asked(recipe, "labelled")


def test_one_file_is_of_the_split_to_learn_from_where_another_has_the_same_ids(make, tmp_path):
    recipe = make([{"id": f"labelled-{at}", "label": LABELS[at % 2]} for at in range(20)])
    write(tmp_path / "unlabelled.jsonl", [row | {"id": f"labelled-{at}"} for at, row in enumerate(rows_of("u", 20))])
    teacher = load_teacher(replace(recipe, distil=replace(recipe.distil, train_on=("unlabelled",))))
    assert not teacher.spreads
    logits = teacher.logits(load_split(recipe, "unlabelled"))
    assert (logits.argmax(axis=1) == np.arange(20) % 2).all()
    assert teacher.left_out == []


def test_only_judgements_of_functions_can_be_spread(make):
    recipe = make(spread=True)
    for teacher in (replace(recipe.teacher, kind="logits"), replace(recipe.teacher, kind="ngrams", path="")):
        with pytest.raises(TeacherError, match=r"teacher\.spread carries judgements of single functions"):
            load_teacher(replace(recipe, teacher=teacher))


def test_labels_of_several_are_spread_one_by_one(make):
    rows = [{"id": f"labelled-{at}", "labels": ["loud", "odd"] if at % 2 else []} for at in range(40)]
    recipe = make(rows, labels=("loud", "odd", "never"), kind="multi-label")
    answers = asked(recipe, "unlabelled") > 0
    np.testing.assert_array_equal(answers, [[at % 2 == 1, at % 2 == 1, False] for at in range(20)])
    assert load_teacher(recipe).spread().of == 120


def test_other_judgements_or_other_items_are_spread_anew(make, tmp_path):
    recipe = make()
    out, splits = tmp_path / "run", [load_split(recipe, name) for name in ("labelled", "unlabelled")]
    (first, _), before = label(recipe, out, splits, quiet=True), load_teacher(recipe).sha256
    old = first.read_bytes()
    turned = make([said_of(at, label=LABELS[1 - at % 2]) for at in range(40)])
    assert load_teacher(turned).sha256 != before
    label(turned, out, splits, quiet=True)
    assert first.read_bytes() != old


def test_files_are_pooled_by_the_items_that_they_judge():
    task = Task("t", Unit.FUNCTION, LABELS, "loud")
    dataset = Dataset(
        task, "labelled", ("a", "b", "c"), ("a", "b", "c"), ((0,), (1,), (2,)), (None,) * 3, ("a", "b", "c")
    )
    one = Opinions(np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]]), np.array([True, False, False]))
    two = Opinions(np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]]), np.array([True, True, False]))
    found = pooled([one, two], dataset)
    np.testing.assert_allclose(found.probabilities, [[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    assert found.judged.tolist() == [True, True, False]
