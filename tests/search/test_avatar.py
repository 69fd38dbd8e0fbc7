"""The released search has the defects it is known for, the repaired one has none of them."""

from random import Random

import numpy as np
import pytest
from evaluations import Smooth
from problems import shipped, small_space

from codewren.core.pareto import MEGABYTE, Budget
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.explore import EFFECTIVENESS, Feasible, predicted_front
from codewren.search.fronts import hypervolume, nondominated, scaled
from codewren.search.papers.avatar import Avatar, evolved_points
from codewren.search.papers.avatar_released import Archive, Individual, ReleasedSearch, partially_mapped
from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.enumerate import Limit, feasible_points
from codewren.search.space.points import Points
from codewren.search.space.space import papers_box_space, papers_space
from codewren.search.strategy import Mode, Problem
from codewren.search.trainings import Trainings
from codewren.search.trials.journal import Journal
from codewren.search.trials.runner import TrialRunner

BOX = papers_box_space(VULNERABILITY, released=True)


def released(seed=0, space=BOX):
    return ReleasedSearch(space, VULNERABILITY, 3.0, Random(seed))


def smooth(points):
    """A made-up accuracy, as SPEC 4.2 used to look at the archive."""
    size = points.numbers("hidden_size") * points.numbers("num_hidden_layers")
    return 0.6 + 0.02 * np.tanh(np.log(size / 100)) + 0.005 * np.sin(points.numbers("vocab_size") / 5000)


def dominated(table):
    """Rows dominated strictly, and rows dominated weakly."""
    strict = sum(any((other < row).all() for other in table) for row in table)
    weak = sum(any((other <= row).all() and (other < row).any() for other in table) for row in table)
    return strict, weak


def test_released_crossover_only_swaps_the_parents():
    first, second = (Individual(released(seed).random_genes()) for seed in (1, 2))
    one, two = partially_mapped(first, second)
    assert (one.genes, two.genes) == (second.genes, first.genes)
    assert one.genes is not second.genes


def test_released_dominance_asks_for_better_in_every_objective():
    assert Individual([], (1, 1, 1)).dominates(Individual([], (2, 2, 2)))
    assert not Individual([], (1, 1, 1)).dominates(Individual([], (1, 2, 2)))
    archive = Archive()
    for objectives in ((1.0, 2.0, 2.0), (1.0, 1.0, 2.0), (1.0, 1.0, 2.0), (3.0, 3.0, 3.0)):
        archive.add(Individual([], objectives))
    assert [member.objectives for member in archive.members] == [(1.0, 2.0, 2.0), (1.0, 1.0, 2.0)]


def test_released_archive_is_overwritten_dominated_and_far_from_three_megabytes():
    overwritten, strict, weak, near, counts = [], [], [], [], []
    for seed in range(5):
        archive = released(seed).evolve(released(seed).sample(20), smooth)
        table = np.array([member.objectives for member in archive.members])
        counts.append(len(table))
        overwritten.append(archive.overwritten)
        strict.append(dominated(table)[0])
        weak.append(dominated(table)[1])
        near.append(int((table[:, 0] < 0.1).sum()))
    assert 80 <= min(overwritten) <= max(overwritten) <= 155  # SPEC 4.2 item 2: 82 to 152
    assert 0 < max(strict) <= 6
    assert min(weak) >= 3
    assert max(near) <= 10
    assert 30 <= min(counts) <= max(counts) <= 125


def test_released_sample_lies_in_a_box_of_which_little_is_feasible():
    search = released()
    points = Points.of(BOX, [search.config(search.random_genes()) for _ in range(3000)])
    feasible = (papers_size(VULNERABILITY).of(points) <= 3_000_000).mean()
    assert feasible == pytest.approx(0.036, abs=0.012)
    six = (points.values("hidden_dropout_prob") == 0.6).mean()
    assert six == pytest.approx(0.126, abs=0.025)


def test_released_sample_is_spread_over_the_vocabulary_only():
    vocab = [genes[1] for genes in released().sample(20)]
    gaps = np.diff(np.sort(vocab))
    even = 45_000 / 19
    assert np.median(gaps) > 0.5 * even


def test_mutation_changes_a_parent_in_place_when_it_was_not_crossed():
    search = released()
    parents = [Individual(search.random_genes()) for _ in range(10)]
    before = [list(parent.genes) for parent in parents]
    children = search._offspring(parents, 200, Archive())
    assert any(child is parent for child in children for parent in parents)
    assert any(parent.genes != genes for parent, genes in zip(parents, before, strict=True))


class Additive:
    """Predicts a sum of one effect a field, so that the best setting of each is known."""

    def predict(self, points):
        value = 0.01 * np.log(points.numbers("hidden_size")) - 0.002 * points.numbers("num_hidden_layers")
        value = value + 0.003 * np.log(points.numbers("vocab_size"))
        value = value - 0.01 * (points.values("hidden_act") != "silu") - 0.02 * points.values("hidden_dropout_prob")
        return np.broadcast_to(value, (len(points),)), np.zeros(len(points))


def papers_problem(space):
    return Problem(CLONE, space, Budget(max_bytes=3 * MEGABYTE), papers_size(CLONE), flops=papers_flops(CLONE))


def coarse_papers_space():
    space = papers_space(CLONE)
    return space.with_domains(
        {
            "vocab_size": range(1000, 47_000, 3000),
            "intermediate_size": range(32, 3073, 160),
            "max_sequence_length": (256, 384, 512),
            "num_attention_heads": (1, 2, 4, 8),
        }
    )


def test_repaired_and_wren_searches_find_the_exact_front_with_the_same_predictor():
    problem = papers_problem(coarse_papers_space())
    objectives = (EFFECTIVENESS, "size_bytes", "flops")
    trainings = Trainings.begin(problem, objectives, seed=0)
    best = trainings.feasible.points.with_code("hidden_act", 2).with_code("hidden_dropout_prob", 0)
    table = trainings.feasible.objectives(Additive().predict(best)[0])
    exact = table[nondominated(table)]

    found = predicted_front(trainings.feasible, Additive())
    ours = found.feasible.objectives(found.effectiveness)
    assert {tuple(row) for row in ours.round(12)} == {tuple(row) for row in exact.round(12)}

    points = evolved_points(trainings, Additive(), population=100, generations=60)
    evolved = np.column_stack(
        [papers_size(CLONE).of(points), papers_flops(CLONE).of(points), -Additive().predict(points)[0]]
    )
    assert (evolved[:, 0] <= 3_000_000).all()
    low, high = exact.min(axis=0), exact.max(axis=0)
    volumes = [hypervolume(scaled(one, low, high), [1.1] * 3) for one in (evolved, exact)]
    assert 0.995 < volumes[0] / volumes[1] <= 1 + 1e-9


def test_front_over_free_fields_is_that_of_all_points():
    space = coarse_papers_space().with_domains(
        {"vocab_size": (1000, 8000), "hidden_size": (16, 64), "intermediate_size": (32,), "num_hidden_layers": (1, 2)}
    )
    space = space.only(["vocab_size", "hidden_size", "num_hidden_layers", "hidden_act", "hidden_dropout_prob"])
    problem = papers_problem(space)
    found = predicted_front(Feasible.of(problem, (EFFECTIVENESS, "size_bytes")), Additive())
    everything = Points.of(space, list(space))
    table = np.column_stack([papers_size(CLONE).of(everything), -Additive().predict(everything)[0]])
    brute = table[nondominated(table)]
    table = found.feasible.objectives(found.effectiveness)
    assert table[np.argsort(table[:, 0])] == pytest.approx(brute[np.argsort(brute[:, 0])])


def test_verification_trains_the_front_and_compares_surrogate_with_truth():
    run = TrialRunner(Smooth(), Journal())
    problem = Problem(CLONE, small_space(), Budget(max_bytes=500_000), shipped, run_trials=run)
    strategy = Avatar(sample=12, epochs=2, population=20, generations=10, verify=6)
    result = strategy.search(problem, seed=0)
    assert result.details["verified"]["rank"] > 0.5
    assert len(result.details["verified"]["pairs"]) == 6
    assert all(candidate.scores.measured for candidate in result.front.candidates)


def test_the_papers_surrogate_is_an_ablation_of_the_repaired_mode():
    run = TrialRunner(Smooth(), Journal())
    problem = Problem(CLONE, small_space(), Budget(max_bytes=500_000), shipped, run_trials=run)
    results = [
        Avatar(sample=10, epochs=1, population=12, generations=5, surrogate=kind).search(problem, seed=0)
        for kind in ("ours", "papers")
    ]
    assert results[0].trials == results[1].trials
    assert results[0].front != results[1].front


def test_faithful_mode_says_that_it_keeps_no_limit():
    run = TrialRunner(Smooth(), Journal())
    problem = Problem(CLONE, papers_box_space(CLONE, released=True), Budget(max_bytes=100_000), shipped, run_trials=run)
    result = Avatar(Mode.FAITHFUL, iterations=3).search(problem, seed=0)
    assert len(result.trials) == 20
    assert "not a limit" in result.notes[0]
    feasible = feasible_points(papers_space(CLONE), [Limit(papers_size(CLONE), 3_000_000)])
    assert len(feasible) > 3_000_000
    assert any(candidate.scores.size_bytes > 3_000_000 for candidate in result.front.candidates)
