"""The estimator: scikit-learn's own checks where texts can pass them, and the file of the ordinary path."""

import json
import pickle
import random

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags

import codewren
from codewren import StudentClassifier
from codewren.compress.array_data import array_items, put_aside
from codewren.core.errors import InputError, RecipeError
from commands import run

SMALL = {
    "student": {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 16, "hidden_dropout_prob": 0, "learning_rate": 5e-3,
    },
    "distil": {"epochs": 12, "selection": "auc"},
}  # fmt: skip
WORDS = ("copy", "read", "write")


def functions(count, words=WORDS, seed=0):
    """Texts, and which of the words each holds."""
    rng = random.Random(seed)
    labels = [rng.choice(words) for _ in range(count)]
    return [f"def f{i}(a):\n    return {word}(a, {i % 7})\n" for i, word in enumerate(labels)], labels


def classifier(**options):
    return StudentClassifier(**{"recipe": SMALL, "random_state": 0, **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("classifier")


@pytest.fixture(scope="module")
def fitted(folder):
    return classifier(out=folder / "run").fit(*functions(120))


def test_it_learns_labels_and_its_file_answers_the_same(fitted, tmp_path):
    texts, labels = functions(40, seed=1)
    assert fitted.classes_.tolist() == sorted(WORDS)
    assert fitted.score(texts, labels) >= 0.9
    probabilities = fitted.predict_proba(texts)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    light = codewren.load(fitted.save(tmp_path / "words.wren"))
    assert light.task.labels == tuple(WORDS)
    assert np.array_equal(light.predict_proba(texts), probabilities)
    assert fitted.predict(texts).tolist() == [label.name for label in light.predict(texts)]
    assert "words alone on valid" in fitted.report_


def test_the_file_is_that_of_the_command(fitted, folder):
    assert fitted.bundle_ == (folder / "run/student.wren").read_bytes()
    run("compress", folder / "run/recipe.json", "--out", folder / "again", "--quiet")
    assert (folder / "again/student.wren").read_bytes() == fitted.bundle_


def test_logits_teach_as_labels_do_and_name_their_columns():
    texts, labels = functions(120)
    logits = np.where(np.asarray(labels)[:, None] == np.asarray(WORDS), 3.0, -3.0).astype(np.float32)
    named = classifier(classes=["c", "r", "w"]).fit(texts, logits)
    shown, truth = functions(40, seed=1)
    assert named.score(shown, [word[0] for word in truth]) >= 0.9
    assert "/tmp" not in named.report_ and b"/tmp" not in pickle.dumps(named)


def test_pairs_and_a_validation_set_of_ones_own(tmp_path):
    rng = random.Random(3)
    texts, words = functions(80)
    drawn = [rng.sample(range(80), 2) for _ in range(120)]
    pairs = [(texts[i], texts[j]) for i, j in drawn]
    same = [1 if words[i] == words[j] else -1 for i, j in drawn]
    short = classifier(out=tmp_path, epochs=1, recipe={"student": SMALL["student"]})
    short.fit(np.array(pairs)[:100], same[:100], X_val=pairs[100:], y_val=same[100:])
    assert short.classes_.tolist() == [-1, 1]
    assert set(short.predict(pairs).tolist()) <= {-1, 1}
    assert short.predict_proba([]).shape == (0, 2)
    assert codewren.load(tmp_path / "student.wren").task.positive == "1"
    rows = [json.loads(line) for line in (tmp_path / "arrays/valid.jsonl").read_text().splitlines()]
    assert [(row["func"], row["func2"]) for row in rows] == pairs[100:]


def several(count, seed=0):
    """Texts, and an indicator (n, 2) of the words each holds: none, one or both."""
    rng = random.Random(seed)
    there = np.array([[rng.random() < 0.5, rng.random() < 0.5] for _ in range(count)], dtype=int)
    calls = ["".join(f"    {word}(a)\n" * 3 for word, on in zip(WORDS, row, strict=False) if on) for row in there]
    return [f"def f{i}(a):\n{call}    return {i % 7}\n" for i, call in enumerate(calls)], there


@pytest.mark.parametrize("as_logits", [False, True])
def test_several_labels_at_once_are_an_indicator_in_and_out(tmp_path, as_logits):
    texts, there = several(320)
    options = {
        "classes": WORDS[:2],
        "epochs": 25,
        "recipe": {**SMALL, "distil": {"selection": "f1"}},
        **({"kind": "multi-label"} if as_logits else {}),
    }
    student = classifier(**options).fit(texts, there * 8.0 - 4.0 if as_logits else there)
    shown, truth = several(100, seed=1)
    said = student.predict(shown)
    assert said.shape == truth.shape and set(np.unique(said)) <= {0, 1}
    assert (said == truth).mean() > 0.62  # a coin, and columns exchanged, stay three deviations below
    assert student.score(shown, truth) == (said == truth).all(axis=1).mean()
    assert np.array_equal(student.predict_proba(shown) > 0.5, said.astype(bool))
    light = codewren.load(student.save(tmp_path / "several.wren"))
    assert (light.task.kind, light.task.labels) == ("multi-label", WORDS[:2])
    assert student.predict([]).shape == (0, 2)


def test_an_order_is_learnt_where_it_is_named(tmp_path):
    texts, there = several(320)
    names = np.array(["none", "one", "both"])
    student = classifier(kind="ordinal", classes=["none", "one", "both"], epochs=12).fit(
        texts, names[there.sum(axis=1)]
    )
    assert student.classes_.tolist() == ["none", "one", "both"]
    light = codewren.load(student.save(tmp_path / "order.wren"))
    assert (light.task.kind, light.task.labels, light.task.positive) == ("ordinal", ("none", "one", "both"), "both")
    assert "mae" in student.report_
    shown, truth = several(40, seed=1)
    assert student.score(shown, names[truth.sum(axis=1)]) > 0.6


def test_a_pickle_answers_the_same(fitted):
    texts, _ = functions(10, seed=2)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(texts), fitted.predict_proba(texts))


def test_it_stands_in_a_pipeline_and_in_cross_validation():
    texts, labels = functions(24, words=("copy", "read"))
    strip = FunctionTransformer(lambda items: [text.strip() for text in items])
    pipeline = make_pipeline(strip, classifier(recipe={**SMALL, "distil": {"epochs": 1}}))
    assert len(cross_val_score(pipeline, texts, labels, cv=2)) == 2


CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
]
"""Those of scikit-learn that need no matrix of numbers; it passes over the others itself, by the estimator's tags."""


@pytest.mark.parametrize("name", CHECKS)
def test_scikit_learn_finds_it_to_be_an_estimator(name):
    getattr(estimator_checks, name)("StudentClassifier", StudentClassifier())


def test_its_tags_say_texts_and_classes():
    tags = get_tags(StudentClassifier())
    assert tags.input_tags.string and not tags.input_tags.two_d_array
    assert tags.estimator_type == "classifier" and tags.target_tags.required


def test_before_fit_there_is_nothing_to_ask(tmp_path):
    for ask in ("predict", "predict_proba", "save"):
        with pytest.raises(NotFittedError):
            getattr(StudentClassifier(), ask)([])


TEXTS, LABELS = functions(20)


@pytest.mark.parametrize(
    ("texts", "y", "error", "said"),
    [
        ("def f(): pass", ["a"], InputError, "X is a str, wanted a list or an array of texts"),
        ([1, 2], [0, 1], InputError, r"X\[0\] is 1, wanted a text or a pair of texts"),
        ([*TEXTS[:19], "  "], LABELS, InputError, r"X\[19\] is empty, wanted source text"),
        ([*TEXTS[:19], ("a", "b")], LABELS, InputError, "X holds texts and pairs of texts"),
        (TEXTS, LABELS[:19], ValueError, "inconsistent numbers of samples"),
        (TEXTS, None, ValueError, "requires y to be passed, but the target y is None"),
        (TEXTS, np.linspace(0, 1, 20), ValueError, "Unknown label type: continuous"),
        (TEXTS, ["one"] * 20, InputError, r"labels \['one'\] must be two or more"),
        (TEXTS, np.full((20, 2), 0.5), InputError, "these are probabilities, wanted logits"),
        (TEXTS, np.eye(20, 3, dtype=int) * 2, InputError, "wanted labels of shape .n,., an indicator of 0 and 1"),
        (TEXTS, [["copy"], ["read", "copy"]] * 10, InputError, "MultiLabelBinarizer"),
        (TEXTS, np.full((20, 2), np.nan), ValueError, "y contains NaN"),
    ],
)
def test_what_cannot_be_learnt_is_one_clear_error(texts, y, error, said):
    with pytest.raises(error, match=said):
        StudentClassifier().fit(texts, y)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": {"teacher": {"kind": "ngrams"}}}, r"\[teacher\] comes from the arrays"),
        ({"recipe": {"student": {"hidden": 3}}}, "student: unknown key 'hidden'"),
        ({"positive": "delete"}, "positive label 'delete' is not in"),
        ({"validation_fraction": 0}, "validation_fraction is 0, wanted above 0 and below 1"),
        ({"kind": "ordered"}, "kind is 'ordered', wanted single-label, multi-label, ordinal"),
        ({"kind": "ordinal"}, "have no order; name it"),
        ({"kind": "ordinal", "classes": ["copy", "read"]}, "which classes does not name"),
        ({"kind": "multi-label"}, "MultiLabelBinarizer"),
    ],
)
def test_options_that_cannot_be_are_one_clear_error(options, said):
    with pytest.raises(InputError, match=said):
        StudentClassifier(**options).fit(TEXTS, LABELS)


def test_labels_of_the_validation_set_must_be_those_learnt():
    with pytest.raises(InputError, match=r"y_val holds the labels \['move'\], y only"):
        StudentClassifier().fit(TEXTS, LABELS, X_val=TEXTS[:1], y_val=["move"])


def test_put_aside_takes_the_share_of_each_label_and_never_one_of_two_equal_items():
    texts, words = functions(300)
    items = array_items([*texts, *texts[:50]])
    targets = np.asarray([WORDS.index(word) for word in (*words, *words[:50])])
    aside = put_aside(items, targets, 0.2, seed=4)
    for target in range(3):
        first = [index for index in range(300) if targets[index] == target]
        assert abs(sum(index in aside for index in first) - 0.2 * len(first)) <= 1
    assert all((index in aside) == (index + 300 in aside) for index in range(50))
    assert aside != put_aside(items, targets, 0.2, seed=5)


def test_a_recipe_as_a_file_gives_the_sizes(tmp_path):
    (tmp_path / "r.toml").write_text("[student]\nhiden_size = 8\n")
    with pytest.raises(RecipeError, match="unknown key 'hiden_size'; did you mean 'hidden_size'"):
        StudentClassifier(recipe=tmp_path / "r.toml").fit(TEXTS, LABELS)
