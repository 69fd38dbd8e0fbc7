"""Ids, labels and filters mean the same however a file spells a number; shards are one split; empty code is refused."""

import json

import numpy as np
import pytest

from codewren.core.errors import InputError, RecipeError, TeacherError
from codewren.core.recipe import Recipe
from codewren.core.task import Task, Unit
from codewren.data.load import load_split
from codewren.train.teachers.logits_file import read_logits


def recipe(folder, task="vulnerability", **data) -> Recipe:
    return Recipe.from_dict({"task": {"name": task}, "data": data}, folder)


def test_pandas_labels_and_ids_with_a_gap_are_read(tmp_path):
    """As pandas writes an integer column in which a value is missing."""
    (tmp_path / "v.csv").write_text('idx,func,label\n1.0,"int a;",1.0\n2.0,"int b;",\n3.0,"int c;",0.0\n')
    split = load_split(recipe(tmp_path, valid={"path": "v.csv"}), "valid")
    assert (split.ids, split.labels) == (("1", "2", "3"), (1, None, 0))


def test_pairs_whose_ids_became_floats_find_their_functions(tmp_path):
    (tmp_path / "f.jsonl").write_text("".join(json.dumps({"idx": i, "func": f"int f{i};"}) + "\n" for i in (7, 8)))
    (tmp_path / "v.csv").write_text("id1,id2,label\n7.0,8.0,1\n")
    split = load_split(recipe(tmp_path, "clone", functions={"path": "f.jsonl"}, valid={"path": "v.csv"}), "valid")
    assert split.function_ids == ("7", "8")


def test_a_filter_matches_a_float(tmp_path):
    (tmp_path / "v.csv").write_text('idx,func,label,fold\n1,"int a;",1,3.0\n2,"int b;",0,4.0\n')
    assert load_split(recipe(tmp_path, valid={"path": "v.csv", "where": {"fold": 3}}), "valid").ids == ("1",)


@pytest.mark.parametrize("path", ["shards", "shards/v-*.jsonl"])
def test_shards_are_one_split_in_the_order_of_their_names(tmp_path, path):
    (tmp_path / "shards").mkdir()
    for shard in (2, 1):
        row = {"idx": shard, "func": f"int f{shard};", "label": 0}
        (tmp_path / f"shards/v-{shard}.jsonl").write_text(json.dumps(row) + "\n")
    assert load_split(recipe(tmp_path, valid={"path": path}), "valid").ids == ("1", "2")


def test_a_folder_without_shards_says_so(tmp_path):
    (tmp_path / "shards").mkdir()
    with pytest.raises(InputError, match=r"no shard there; wanted files that end in \.jsonl"):
        load_split(recipe(tmp_path, valid={"path": "shards"}), "valid")


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_code_is_refused(tmp_path, text):
    (tmp_path / "v.jsonl").write_text(json.dumps({"func": text, "label": 0}) + "\n")
    with pytest.raises(InputError, match="line 1: column 'func' is empty, wanted source text"):
        load_split(recipe(tmp_path, valid={"path": "v.jsonl"}), "valid")


@pytest.fixture
def three(tmp_path):
    (tmp_path / "v.jsonl").write_text(
        "".join(json.dumps({"idx": i, "func": f"int f{i};", "label": 0}) + "\n" for i in (5, 6, 7))
    )
    return load_split(recipe(tmp_path, valid={"path": "v.jsonl"}), "valid")


@pytest.mark.parametrize("column", ["idx", "id", "commit"])
def test_logits_are_matched_by_the_datas_own_id_column(three, tmp_path, column):
    import pyarrow
    from pyarrow import parquet

    table = {column: [7, 5, 6], "safe": [0.7, 0.5, 0.6], "vulnerable": [-7.0, -5.0, -6.0]}
    parquet.write_table(pyarrow.table(table), tmp_path / "l.parquet")
    np.testing.assert_array_equal(read_logits(tmp_path / "l.parquet", three)[:, 1], [-5, -6, -7])


def test_probabilities_are_no_logits(three, tmp_path):
    np.save(tmp_path / "p.npy", np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]]))
    with pytest.raises(TeacherError, match=r"sums to 1, so these are probabilities.*numpy\.log"):
        read_logits(tmp_path / "p.npy", three)
    np.save(tmp_path / "l.npy", np.array([[0.2, 0.8], [0.5, 0.7], [1.0, 0.0]]))
    assert read_logits(tmp_path / "l.npy", three).shape == (3, 2)


def test_what_is_finite_in_float64_only_is_refused(three, tmp_path):
    np.save(tmp_path / "l.npy", np.array([[0.0, 1e39], [0, 1], [0, 1]]))
    with pytest.raises(TeacherError, match="1 of 3 rows hold NaN or infinity"):
        read_logits(tmp_path / "l.npy", three)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("hard_label_weight", 7.0, "distil.hard_label_weight: 7.0 is no share; wanted 0 to 1"),
        ("temperature", 0.0, "distil.temperature: 0.0 divides the logits; wanted above 0"),
        ("train_on", ["unlabelled", "unlabelled"], "each once"),
        ("train_on", [], "wanted one split or more"),
        ("word_dropout", -0.1, "distil.word_dropout"),
    ],
)
def test_settings_that_mean_nothing_are_refused(key, value, said):
    with pytest.raises(RecipeError, match=said):
        Recipe.from_dict({"task": {"name": "clone"}, "distil": {key: value}})


def test_a_recipe_may_begin_with_a_byte_order_mark_and_settings_may_quote_keys(tmp_path):
    path = tmp_path / "r.toml"
    path.write_bytes(b'\xef\xbb\xbf[task]\nname = "clone"\n')
    known = Recipe.load(path, ["data.labelled.path=x.csv", 'data.labelled.where."a.b"=1'])
    assert known.data.labelled.where == {"a.b": 1}


def test_a_number_is_no_place_among_labels_that_are_numbers_themselves():
    grades = Task("grade", Unit.FUNCTION, ("1", "2", "3"), "3")
    assert [grades.label_index(value) for value in (1, "2", 3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"label 0 is not one of \['1', '2', '3'\]; declare"):
        grades.label_index(0)
    assert Task("named", Unit.FUNCTION, ("a", "b"), "b").label_index(0) == 0
