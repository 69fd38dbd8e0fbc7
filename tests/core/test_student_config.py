"""A configuration says what it is, the same in every version, and refuses what cannot be built."""

import pytest

from codewren.bundle.tensors import tensor_shapes
from codewren.core.errors import ConfigError
from codewren.core.student_config import StudentConfig
from codewren.core.task import VULNERABILITY


def test_what_is_switched_off_does_not_show_in_the_json_form():
    """Names of trial folders, journals and bundles of earlier versions hang on it."""
    plain = StudentConfig().to_dict()
    assert list(plain)[-2:] == ["pair_head", "storage"]
    assert len(plain) == 15
    assert StudentConfig.from_dict(plain) == StudentConfig()


def test_a_switch_that_is_on_survives_the_json_form():
    config = StudentConfig(embedding_size=16, max_data_flow=64)
    assert (config.to_dict()["embedding_size"], config.to_dict()["max_data_flow"]) == (16, 64)
    assert StudentConfig.from_dict(config.to_dict()) == config


def test_a_factorised_word_table_adds_a_projection_and_narrows_the_table():
    shapes = tensor_shapes(StudentConfig(embedding_size=16), VULNERABILITY)
    assert shapes["embeddings.word"] == (1000, 16)
    assert shapes["embeddings.projection"] == (96, 16)
    assert {
        name: shape for name, shape in shapes.items() if name not in ("embeddings.word", "embeddings.projection")
    } == {
        name: shape
        for name, shape in tensor_shapes(StudentConfig(), VULNERABILITY).items()
        if name != "embeddings.word"
    }


def test_data_flow_costs_one_position_row():
    shapes = [tensor_shapes(StudentConfig(max_data_flow=nodes), VULNERABILITY) for nodes in (0, 64)]
    assert [one.pop("embeddings.position") for one in shapes] == [(400, 96), (401, 96)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embedding_size": -1}, "embedding_size -1 must be a whole number of at least 0"),
        ({"embedding_size": 16.0}, "embedding_size 16.0"),
        ({"embedding_size": 1, "vocab_size": 1 << 20}, "exceeds 67108864, the largest table"),
    ],
)
def test_an_impossible_size_is_refused(changes, says):
    with pytest.raises(ConfigError, match=says):
        StudentConfig(**changes)
