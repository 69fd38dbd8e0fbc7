"""The solver proves what enumeration counts, and says in words which limits clash."""

import pytest
from problems import grid_size, one_point_space, shipped, small_space

from codewren.core.errors import InfeasibleError, InputError
from codewren.core.student_config import PositionType, Storage
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.space.costs import Cost, honest_flops, papers_size, shipped_size
from codewren.search.space.enumerate import Limit, feasible_points
from codewren.search.space.latency_model import FEATURES, LatencyModel
from codewren.search.space.smt import Reasoner, in_papers_steps, reduced
from codewren.search.space.space import avatar_v1_space, papers_box_space, papers_space

SIZE = shipped_size(shipped, CLONE)


def box_of(points, fields):
    return {field: (int(points.numbers(field).min()), int(points.numbers(field).max())) for field in fields}


def test_the_box_of_the_second_paper_is_proven_and_equals_the_enumerated_one():
    space, limit = papers_space(VULNERABILITY), Limit(papers_size(VULNERABILITY), 3_000_000)
    box = Reasoner(space, [limit]).box()
    assert box["vocab_size"] == (1000, 46_000)
    assert box["hidden_size"] == (16, 256)
    points = feasible_points(space, [limit])
    assert box_of(points, points.codes) == {field: box[field] for field in points.codes}


@pytest.mark.parametrize(
    "limits",
    [
        [Limit(SIZE, 400_000)],
        [Limit(honest_flops(CLONE), 40_000_000)],
        [Limit(SIZE, 600_000), Limit(honest_flops(CLONE), 90_000_000)],
    ],
)
def test_bounds_equal_those_of_all_points_that_brute_force_keeps(limits):
    space = small_space().with_domains({"storage": (Storage.INT8, Storage.FP32), "hidden_size": (48, 96, 160)})
    box = Reasoner(space, limits).box()
    kept = [config for config in space if all(limit.cost(config) <= limit.most for limit in limits)]
    assert len(kept) > 0
    for field, bounds in box.items():
        values = [getattr(config, field) for config in kept]
        assert bounds == (min(values), max(values))


def test_a_factorised_word_table_is_bounded_too():
    space = small_space().only(["vocab_size", "num_hidden_layers", "hidden_size", "num_attention_heads"])
    space = space.with_domains({"embedding_size": (0, 16, 64), "storage": (Storage.INT8, Storage.FP32)})
    limit = Limit(SIZE, 250_000)
    kept = [config for config in space if shipped(config) <= limit.most]
    assert set(feasible_points(space, [limit]).configs()) == set(kept)
    wide = space.with_domains({"embedding_size": (0,)})
    largest = [Reasoner(one, [limit]).bounds("vocab_size")[1] for one in (space, wide)]
    assert largest == [8000, max(config.vocab_size for config in kept if not config.embedding_size)]
    assert largest[1] < 8000


def test_the_reduced_unit_step_space_is_the_box_that_the_paper_wrote_into_its_search():
    limit = Limit(papers_size(VULNERABILITY), 3_000_000)
    wide = papers_box_space(VULNERABILITY).with_domains(
        {"vocab_size": range(1000, 50_001), "hidden_size": range(16, 769)}
    )
    assert reduced(wide, [limit]) == papers_box_space(VULNERABILITY)  # SPEC 2.3: vocabulary 46000, hidden size 256


def test_stepped_spaces_are_reasoned_about_as_they_are():
    assert in_papers_steps(papers_space(CLONE)) == papers_space(CLONE)
    assert in_papers_steps(papers_box_space(CLONE)).values("hidden_size") == range(16, 257, 16)
    assert in_papers_steps(small_space()) == small_space()


def test_latency_is_reasoned_about_in_the_form_it_is_predicted_in():
    model = LatencyModel(tuple(1e-9 * (index + 1) for index in range(len(FEATURES))))
    reasoner = Reasoner(small_space(), [Limit(model.cost(), 0.002)])
    kept = [config for config in small_space() if model(config) <= 0.002]
    assert 0 < len(kept) < grid_size(small_space())
    bounds = reasoner.bounds("hidden_size"), reasoner.bounds("num_hidden_layers")
    hidden, layers = zip(*[(config.hidden_size, config.num_hidden_layers) for config in kept], strict=True)
    assert bounds == ((min(hidden), max(hidden)), (min(layers), max(layers)))


def at_least(field, least):
    return Limit(
        Cost(f"minus {field}", lambda c: -getattr(c, field), (field,), (), lambda t: -t.numbers(field)), -least
    )


def test_clashing_limits_are_named_and_innocent_ones_are_not():
    wide = at_least("hidden_size", 160)
    reasoner = Reasoner(small_space(), [Limit(honest_flops(CLONE), 10**12), Limit(SIZE, 150_000), wide])
    assert reasoner.clash() == ("shipped bytes at most 150,000", wide.words)
    with pytest.raises(InfeasibleError, match="shipped bytes at most 150,000 and minus hidden_size") as caught:
        reasoner.bounds("vocab_size")
    assert "FLOPs" not in str(caught.value)


def test_heads_that_never_divide_are_said_so():
    space = small_space().with_domains({"hidden_size": (50,), "num_attention_heads": (3, 4)})
    with pytest.raises(InfeasibleError, match="divide"):
        Reasoner(space, []).require_feasible()


@pytest.mark.parametrize(("most", "feasible"), [(10**6, True), (1000, False)])
def test_a_space_of_one_point(most, feasible):
    assert (Reasoner(one_point_space(), [Limit(SIZE, most)]).clash() == ()) == feasible


def test_unit_step_domains_are_bounded_too():
    space = avatar_v1_space().with_domains({"hidden_size": (24, 48)})
    reasoner = Reasoner(space, [Limit(papers_size(VULNERABILITY, 514), 3_000_000)])
    assert reasoner.bounds("vocab_size")[1] == max(
        v for v in range(1000, 51_000) if 4 * (v * 24 + 517 * 24 + 4 * 576 + 768 + 16 + 216 + 1200 + 50) <= 3_000_000
    )


def test_a_cost_without_a_closed_form_is_refused():
    odd = Cost("oddness", lambda config: config.hidden_size % 7, ("hidden_size",))
    with pytest.raises(InputError, match="oddness has no closed form"):
        Reasoner(small_space(), [Limit(odd, 3)])
    lumpy = shipped_size(lambda config: shipped(config) + config.vocab_size * config.num_hidden_layers, CLONE)
    with pytest.raises(InputError, match="no closed form"):
        Reasoner(small_space(), [Limit(lumpy, 10**6)])


def test_categories_that_change_the_size_are_all_considered():
    space = small_space().with_domains({"position_embedding_type": tuple(PositionType), "storage": tuple(Storage)[1:]})
    space = space.with_domains({"hidden_size": (48, 96), "intermediate_size": (32,)})
    smallest = min(shipped(config) for config in space)
    assert Reasoner(space, [Limit(SIZE, smallest)]).clash() == ()
    assert Reasoner(space, [Limit(SIZE, smallest - 1)]).clash() == (f"shipped bytes at most {smallest - 1:,.6g}",)
