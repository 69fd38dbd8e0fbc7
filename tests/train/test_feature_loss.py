"""What a student learns from its teacher's vectors: losses by brute force, exact resume, nothing of it shipped."""

from dataclasses import replace

import numpy as np
import pytest
import test_distil
import torch
from test_distil import CONFIG, OPTIONS, accuracy, same, split
from torch.autograd import gradcheck

from codewren.bundle.tensors import tensor_shapes
from codewren.core.errors import RecipeError, TrainingError
from codewren.core.recipe_sections import DistilSection
from codewren.core.task import CLONE
from codewren.train.distil import distil
from codewren.train.feature_loss import VectorMap, relations_loss
from codewren.train.student import Student

KINDS = ("relations", "vectors")


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def taught(items=120):
    """The split of the other tests, with vectors whose first number says what the labels follow."""
    plain = split(items)
    vectors = drawn(len(plain.functions), 6)
    vectors[::2, 0] += 4
    return replace(plain, vectors=vectors)


def train(out, features, *, items=120, **changes):
    return distil(
        CONFIG,
        CLONE,
        train=taught(items),
        valid=split(40, seed=1),
        options=replace(OPTIONS, features=features, **changes),
        select=accuracy,
        out=out,
        quiet=True,
    )


def test_the_loss_of_relations_is_that_of_two_loops():
    student, teacher = drawn(5, 3), drawn(5, 7, seed=1)

    def cosine(table, i, j):
        a, b = table[i] - table.mean(0), table[j] - table.mean(0)
        return a @ b / np.sqrt(a @ a * (b @ b))

    squares = [(cosine(student, i, j) - cosine(teacher, i, j)) ** 2 for i in range(5) for j in range(5) if i != j]
    found = relations_loss(torch.from_numpy(student), torch.from_numpy(teacher))
    assert float(found) == pytest.approx(np.mean(squares), rel=1e-5)


def test_relations_ignore_where_the_vectors_lie_and_how_they_are_turned():
    teacher = torch.from_numpy(drawn(6, 4)).double()
    turned = teacher @ torch.linalg.qr(torch.from_numpy(drawn(4, 4, seed=2)).double())[0]
    assert float(relations_loss(3 * turned + 7, teacher)) == pytest.approx(0, abs=1e-12)
    assert float(relations_loss(torch.from_numpy(drawn(6, 4, seed=3)).double(), teacher)) > 0.01
    assert float(relations_loss(teacher[:1], teacher[:1])) == 0


def test_the_vectors_loss_is_the_squared_error_in_the_teachers_deviations():
    teacher, student = drawn(50, 3) * [1, 10, 100] + 5, drawn(4, 2, seed=1)
    module = VectorMap(teacher.astype(np.float32), 2, seed=0)
    want = (teacher[:4] - teacher.mean(0)) / teacher.std(0)
    mapped = student @ module.map.detach().numpy().T
    found = module(torch.from_numpy(student), torch.from_numpy(teacher[:4].astype(np.float32)))
    assert float(found.detach()) == pytest.approx(((mapped - want) ** 2).mean(), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind):
    vectors = drawn(6, 4)
    loss = relations_loss if kind == "relations" else VectorMap(vectors, 3, seed=0).double()
    student = torch.from_numpy(drawn(6, 3, seed=1)).double().requires_grad_()
    assert gradcheck(lambda x: loss(x, torch.from_numpy(vectors).double()), (student,))


@pytest.mark.parametrize("step", [3, 16, 31])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_broken_at_any_step_and_resumed_equals_the_uninterrupted_one(tmp_path, monkeypatch, kind, step):
    whole = train(tmp_path / "whole", kind)
    monkeypatch.setattr(test_distil.module, "CHECKPOINT_EVERY_S", 0.0)
    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        original, calls = test_distil.module.distillation_loss, []

        def breaks(*args, **options):
            calls.append(args)
            if len(calls) > step:
                raise KeyboardInterrupt
            return original(*args, **options)

        context.setattr(test_distil.module, "distillation_loss", breaks)
        train(tmp_path / "broken", kind)
    assert same(train(tmp_path / "broken", kind), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_the_student_has_no_tensor_more(tmp_path, kind):
    plain, guided = train(tmp_path / "plain", "none"), train(tmp_path / kind, kind)
    assert set(guided.tensors) == set(tensor_shapes(CONFIG, CLONE))
    assert any(not np.array_equal(plain.tensors[name], guided.tensors[name]) for name in plain.tensors)


@pytest.mark.parametrize("kind", KINDS)
def test_the_students_similarities_come_nearer_to_the_teachers(tmp_path, kind):
    data = taught(600)
    far = {}
    for features in ("none", kind):
        student = Student(CONFIG, CLONE, seed=0)
        trained = train(tmp_path / features, features, items=600, epochs=4, feature_weight=5.0)
        student.load_state_dict({name: torch.from_numpy(value) for name, value in trained.tensors.items()})
        ids, lengths = np.concatenate(data.functions).astype(np.int64), [len(ids) for ids in data.functions]
        with torch.inference_mode():
            vectors = student.eval().encode(torch.from_numpy(ids), torch.tensor(lengths))
        far[features] = float(relations_loss(vectors, torch.from_numpy(data.vectors)))
    assert far[kind] < 0.9 * far["none"]


def test_a_split_without_the_teachers_vectors_is_refused(tmp_path):
    for kind in KINDS:
        with pytest.raises(TrainingError, match="no vectors of the teacher; run codewren label again"):
            distil(
                CONFIG,
                CLONE,
                train=split(),
                valid=split(40, seed=1),
                options=replace(OPTIONS, features=kind),
                select=accuracy,
                out=tmp_path / kind,
                quiet=True,
            )


def test_wishes_that_cannot_be_are_refused():
    with pytest.raises(RecipeError, match="feature_weight: 0"):
        DistilSection(feature_weight=0)
    with pytest.raises(RecipeError, match="no vectors of them"):
        DistilSection(features="relations", background_pairs=10)
