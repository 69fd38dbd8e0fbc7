"""Logits are written once, whole, and go on after a kill."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import make_functions, make_pairs, make_recipe

from codewren.core.errors import TeacherError
from codewren.train.teachers import network as module
from codewren.train.teachers.finetune import finetune
from codewren.train.teachers.labelling import label, label_split, logits_path, read_logits
from codewren.train.teachers.logits_file import read_vectors, write_logits
from codewren.train.teachers.teacher import load_teacher
from codewren.train.teachers.text_batches import item_logits

PAIRS = make_pairs(20, split="unlabelled")


@pytest.fixture(scope="module")
def recipe(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    made = make_recipe(encoder, "clone", teacher={"path": str(folder), "batch_size": 2})
    finetune(made, folder, labelled=make_pairs(8), valid=make_pairs(4, split="valid"), quiet=True)
    return made


class Killed(BaseException):
    """Not an Exception, so that nothing can swallow it."""


def counted(monkeypatch, *, kill_after: int | None = None) -> list[int]:
    """Record how many functions each call encodes."""
    seen: list[int] = []
    plain = module.function_vectors

    def counting(network, split, part, **options):
        if len(seen) == kill_after:
            raise Killed
        seen.append(len(part))
        return plain(network, split, part, **options)

    monkeypatch.setattr(module, "function_vectors", counting)
    return seen


def test_each_distinct_function_is_encoded_once(recipe, tmp_path, monkeypatch):
    seen = counted(monkeypatch)
    label(recipe, tmp_path, [PAIRS], quiet=True)
    assert sum(seen) == len(PAIRS.functions) == 12
    assert len(seen) > 1


def test_a_killed_labelling_goes_on_and_gives_the_same_file(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SAVE_EVERY_S", -1.0)
    (whole,) = label(recipe, tmp_path / "whole", [PAIRS], quiet=True)
    with monkeypatch.context() as context, pytest.raises(Killed):
        counted(context, kill_after=2)
        label(recipe, tmp_path / "parts", [PAIRS], quiet=True)
    assert not logits_path(tmp_path / "parts", "unlabelled").exists()
    rest = counted(monkeypatch)
    (parts,) = label(recipe, tmp_path / "parts", [PAIRS], quiet=True)
    assert 0 < sum(rest) < 12
    assert [file.name for file in (tmp_path / "parts").iterdir()] == [parts.name]
    assert whole.read_bytes() == parts.read_bytes()


def test_what_is_labelled_is_not_labelled_again(recipe, tmp_path, monkeypatch):
    label(recipe, tmp_path, [PAIRS], quiet=True)
    seen = counted(monkeypatch)
    label(recipe, tmp_path, [PAIRS], quiet=True)
    assert seen == []


def test_other_data_under_the_same_name_is_labelled_anew(recipe, tmp_path):
    label(recipe, tmp_path, [PAIRS], quiet=True)
    fewer = PAIRS.subset(range(7))
    (path,) = label(recipe, tmp_path, [fewer], quiet=True)
    assert read_logits(path, fewer).shape == (7, 2)


def test_a_partial_file_of_another_teacher_is_not_continued(recipe, tmp_path):
    teacher = load_teacher(recipe)
    wanted = teacher.logits(PAIRS)
    path = logits_path(tmp_path, "unlabelled")
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, vectors=np.zeros((12, 16), np.float32), done=np.array(3), identity=np.array("another teacher"))
    np.testing.assert_array_equal(label_split(teacher, PAIRS, path, quiet=True), wanted)


def test_only_splits_that_a_logits_file_covers_are_written(tmp_path):
    functions = make_functions(5, split="unlabelled")
    write_logits(tmp_path / "l.npz", np.ones((5, 2), np.float32), functions, teacher_sha256="t")
    recipe = make_recipe(tmp_path, teacher={"kind": "logits", "path": str(tmp_path / "l.npz")})
    files = label(recipe, tmp_path / "out", [functions, make_functions(3, split="valid")], quiet=True)
    assert files == [tmp_path / "out" / "logits-unlabelled.npz"]
    np.testing.assert_array_equal(read_logits(files[0], functions), np.ones((5, 2)))


def test_a_split_to_learn_from_without_logits_is_an_error(tmp_path):
    recipe = make_recipe(tmp_path, teacher={"kind": "logits", "path": str(tmp_path / "l-{split}.npz")})
    with pytest.raises(TeacherError, match=r"l-unlabelled\.npz: no such file"):
        label(recipe, tmp_path, [make_functions(5, split="unlabelled")], quiet=True)


def test_a_teacher_is_asked_about_its_own_task_only(recipe, tmp_path):
    with pytest.raises(TeacherError, match="teacher of task 'clone' asked about task 'vulnerability'"):
        label_split(load_teacher(recipe), make_functions(3), tmp_path / "l.npz", quiet=True)


def test_logits_do_not_depend_on_the_batch(recipe):
    one = load_teacher(replace(recipe, teacher=replace(recipe.teacher, batch_size=1))).logits(PAIRS)
    many = load_teacher(replace(recipe, teacher=replace(recipe.teacher, batch_size=64))).logits(PAIRS)
    np.testing.assert_allclose(one, many, atol=1e-5)


def features(recipe):
    return replace(recipe, distil=replace(recipe.distil, features="relations"))


def test_the_vectors_beside_the_logits_are_those_the_logits_were_made_of(recipe, tmp_path):
    (plain,) = label(recipe, tmp_path, [PAIRS], quiet=True)
    with pytest.raises(TeacherError, match="holds logits only"):
        read_vectors(plain, PAIRS)
    logits = read_logits(plain, PAIRS)
    (path,) = label(features(recipe), tmp_path, [PAIRS], quiet=True)  # written anew: the vectors were missing
    vectors, teacher = read_vectors(path, PAIRS), load_teacher(recipe)
    assert vectors.shape == (len(PAIRS.functions), teacher.network.width)
    assert np.array_equal(item_logits(teacher.network, teacher.encoded(PAIRS), vectors), logits)
    assert np.array_equal(read_logits(path, PAIRS), logits)


def test_a_teacher_without_vectors_of_functions_is_refused_before_it_judges(recipe, tmp_path):
    np.save(tmp_path / "logits.npy", np.zeros((len(PAIRS), 2)))
    kind = replace(recipe.teacher, kind="logits", path=str(tmp_path / "logits.npy"))
    wanted = features(replace(recipe, teacher=kind))
    with pytest.raises(TeacherError, match=r"distil.features = 'relations' wants .* set distil.features = 'none'"):
        label(wanted, tmp_path, [PAIRS], quiet=True)
    joined = replace(load_teacher(recipe), joins_pairs=True)
    with pytest.raises(TeacherError, match="reads functions one by one"):
        label(features(recipe), tmp_path, [PAIRS], teacher=joined, quiet=True)
