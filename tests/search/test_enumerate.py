"""Enumeration lists exactly what brute force keeps, and explains why nothing is left."""

import itertools

import numpy as np
import pytest
from problems import grid_size, one_point_space, shipped, small_space

from codewren.bundle.size import bundle_size_bytes, weights_size_bytes
from codewren.core.errors import InfeasibleError, InputError
from codewren.core.formulas import papers_flops as scalar_papers_flops
from codewren.core.formulas import student_flops
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.space import enumerate as enumeration
from codewren.search.space.costs import (
    Cost,
    honest_flops,
    papers_flops,
    papers_size,
    shipped_size,
    weights_bytes,
)
from codewren.search.space.enumerate import Limit, best_point, clashing, feasible_points
from codewren.search.space.points import Points
from codewren.search.space.space import compressor_space, extended_space, papers_space


def sample(space, count, seed=0):
    rng = np.random.default_rng(seed)
    codes = {d.field: rng.integers(len(d.values), size=count) for d in space.domains}
    codes["num_attention_heads"][:] = 0
    return Points(space, codes)


@pytest.mark.parametrize("task", [VULNERABILITY, CLONE])
@pytest.mark.parametrize("make", [extended_space, papers_space])
def test_costs_of_a_table_equal_those_of_single_students(make, task):
    points = sample(make(task), 60)
    configs = points.configs()
    assert weights_bytes(points, task).tolist() == [weights_size_bytes(config, task) for config in configs]
    assert honest_flops(task).of(points).tolist() == [student_flops(config, task) for config in configs]
    size = shipped_size(lambda config: bundle_size_bytes(config, task), task)
    assert size.of(points).tolist() == [bundle_size_bytes(config, task) for config in configs]
    expected = [
        scalar_papers_flops(
            vocab_size=c.vocab_size,
            hidden_size=c.hidden_size,
            num_hidden_layers=c.num_hidden_layers,
            intermediate_size=c.intermediate_size,
            num_attention_heads=c.num_attention_heads,
            length=c.max_sequence_length * task.functions_per_item,
        )
        for c in configs
    ]
    assert papers_flops(task).of(points).tolist() == expected
    assert [papers_flops(task)(config) for config in configs[:3]] == expected[:3]


def test_data_flow_may_vary_too():
    space = extended_space(CLONE).with_domains({"max_data_flow": (0, 8, 64)})
    points = sample(space, 60)
    configs = points.configs()
    assert len({config.max_data_flow for config in configs}) == 3
    assert weights_bytes(points, CLONE).tolist() == [weights_size_bytes(config, CLONE) for config in configs]
    assert honest_flops(CLONE).of(points).tolist() == [student_flops(config, CLONE) for config in configs]


def test_a_size_that_depends_on_unexpected_fields_is_still_exact():
    def odd(config):
        return shipped(config) + config.hidden_size % 7 * config.intermediate_size

    points = sample(small_space(), 200)
    assert shipped_size(odd, CLONE).of(points).tolist() == [odd(config) for config in points.configs()]


def test_feasible_set_is_what_brute_force_keeps():
    space = small_space().only(["vocab_size", "num_hidden_layers", "hidden_size", "num_attention_heads", "tokenizer"])
    limits = [Limit(shipped_size(shipped, CLONE), 300_000), Limit(honest_flops(CLONE), 60_000_000)]
    found = feasible_points(space, limits).configs()
    brute = [c for c in space if shipped(c) <= 300_000 and student_flops(c, CLONE) <= 60_000_000]
    assert 0 < len(brute) < grid_size(space)
    assert set(found) == set(brute)
    assert len(found) == len(brute)


def test_small_blocks_give_the_same_set(monkeypatch):
    space, limits = small_space(), [Limit(shipped_size(shipped, CLONE), 300_000)]
    whole = set(feasible_points(space, limits).configs())
    monkeypatch.setattr(enumeration, "BLOCK", 7)
    assert set(feasible_points(space, limits).configs()) == whole


def test_stepped_space_of_the_second_paper_has_its_feasible_architectures():
    points = feasible_points(papers_space(VULNERABILITY), [Limit(papers_size(VULNERABILITY), 3_000_000)])
    assert len(points) == 3_545_618
    assert points.numbers("vocab_size").max() == 46_000
    assert points.numbers("hidden_size").max() == 256


def test_best_point_is_the_best_of_all():
    space = small_space().only(["vocab_size", "hidden_size", "num_attention_heads"])

    def fitness(points):
        return -np.abs(points.numbers("vocab_size") * points.numbers("hidden_size") - 190_000.0)

    best, value = best_point(space, space.field_names, fitness)
    assert value == max(-abs(c.vocab_size * c.hidden_size - 190_000) for c in space)
    assert best.config(0) in space


def test_an_empty_set_names_the_fewest_limits_that_clash():
    size, flops = shipped_size(shipped, CLONE), honest_flops(CLONE)
    deep = Cost("layers missing", lambda c: 4 - c.num_hidden_layers, ("num_hidden_layers",))
    limits = [Limit(flops, 10**12), Limit(size, 120_000), Limit(deep, 0)]
    assert clashing(small_space(), limits) == limits[1:]
    with pytest.raises(InfeasibleError, match="shipped bytes at most 120,000 and layers missing at most 0") as caught:
        feasible_points(small_space(), limits)
    assert "FLOPs" not in str(caught.value)


@pytest.mark.parametrize(("most", "count"), [(10**6, 1), (10**3, 0)])
def test_a_space_of_one_point(most, count):
    limits = [Limit(shipped_size(shipped, CLONE), most)]
    if count:
        assert len(feasible_points(one_point_space(), limits)) == count
    else:
        with pytest.raises(InfeasibleError, match="shipped bytes"):
            feasible_points(one_point_space(), limits)


def test_a_set_too_large_to_list_is_refused(monkeypatch):
    monkeypatch.setattr(enumeration, "MOST_POINTS", 1000)
    with pytest.raises(InputError, match="coarser"):
        feasible_points(compressor_space(), [Limit(shipped_size(shipped, CLONE), 10**6)])


def test_points_round_trip_through_configurations():
    space = small_space()
    configs = list(itertools.islice(space, 0, 900, 37))
    points = Points.of(space, configs)
    assert points.configs() == configs
    assert points.take(np.array([2, 0])).configs() == [configs[2], configs[0]]
