"""Spaces have the published number of points and hold what they say."""

import pytest
from problems import grid_size

from codewren.core.errors import ConfigError
from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.space.space import SPACES, Domain, SearchSpace, compressor_space, named_space, papers_box_space


def test_first_papers_space_has_its_points_and_all_can_be_built():
    space = compressor_space()
    assert grid_size(space) == 10_944_000
    assert all(h % a == 0 for h in space.values("hidden_size") for a in space.values("num_attention_heads"))


def test_stepped_space_of_the_second_paper_has_its_architectures():
    space = named_space("papers", VULNERABILITY)
    sizes = {name: len(space.values(name)) for name in space.field_names}
    free = ("tokenizer", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob")
    free += ("position_embedding_type", "learning_rate", "batch_size")  # type: ignore[assignment]
    others = 1
    for name in free:
        others *= sizes[name]
    assert others == 6_912
    assert grid_size(space) // others == 564_019_200
    pairs = sum(h % a == 0 for h in space.values("hidden_size") for a in space.values("num_attention_heads"))
    assert pairs * grid_size(space) // others // sizes["hidden_size"] // sizes["num_attention_heads"] == 267_321_600


def test_chromosome_order_is_the_papers():
    assert named_space("papers", CLONE).field_names == tuple(StudentConfig().to_dict())[:13]


def test_the_papers_spaces_have_no_factorised_word_table():
    for name in SPACES:
        assert tuple(named_space(name, CLONE).values("embedding_size"))[1:] == (
            (16, 32, 64) if name == "extended" else ()
        )


def test_batch_sizes_depend_on_the_task():
    assert tuple(named_space("papers", CLONE).values("batch_size")) == (8, 16)
    assert tuple(named_space("papers", VULNERABILITY).values("batch_size")) == (16, 32, 64)


def test_released_box_also_reaches_dropout_of_sixty_percent():
    assert 0.6 not in papers_box_space(CLONE).values("hidden_dropout_prob")
    assert 0.6 in papers_box_space(CLONE, released=True).values("hidden_dropout_prob")


def test_symmetric_head_belongs_to_pairs_only():
    assert len(named_space("extended", CLONE).values("pair_head")) == 2
    assert len(named_space("extended", VULNERABILITY).values("pair_head")) == 1


@pytest.mark.parametrize("name", SPACES)
def test_a_space_holds_its_own_points_and_no_others(name):
    space = named_space(name, CLONE)
    config = space.config([domain.values[0] for domain in space.domains])
    assert config in space
    assert space.row(config) == tuple(domain.values[0] for domain in space.domains)
    assert config.replace(vocab_size=999) not in space
    assert "a point" not in space


def test_iterating_gives_every_buildable_point_once():
    space = SearchSpace(
        "tiny", (Domain("hidden_size", (8, 12)), Domain("num_attention_heads", (1, 3, 4))), StudentConfig()
    )
    pairs = [(config.hidden_size, config.num_attention_heads) for config in space]
    assert pairs == [(8, 1), (8, 4), (12, 1), (12, 3), (12, 4)]


def test_fixing_fields_keeps_the_base():
    space = compressor_space(StudentConfig(hidden_size=64)).only(["vocab_size"])
    assert space.field_names == ("vocab_size",)
    assert space.config([2000]) == StudentConfig(hidden_size=64, vocab_size=2000)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Domain("hiden_size", (1,)), "hidden_size"),
        (lambda: Domain("hidden_size", ()), "no value left"),
        (lambda: Domain("hidden_size", (8, 8)), "twice"),
        (lambda: SearchSpace("x", (Domain("hidden_size", (8,)), Domain("hidden_size", (9,)))), "two domains"),
        (lambda: named_space("paper", CLONE), "papers"),
    ],
)
def test_a_wrong_space_is_refused_with_a_hint(make, says):
    with pytest.raises(ConfigError, match=says):
        make()
