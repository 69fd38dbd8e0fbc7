"""The surrogate ranks what can be ranked, ignores collapsed trainings, and says when there is nothing to rank."""

import sys
from pathlib import Path

import numpy as np
import pytest

from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.core.task import CLONE
from codewren.search.space.features import features, papers_codes
from codewren.search.space.latency_model import spread
from codewren.search.space.points import Points
from codewren.search.space.space import extended_space, papers_box_space
from codewren.search.surrogate import (
    Observations,
    PapersSurrogate,
    Surrogate,
    ValidationNoise,
    cross_validated_skill,
    regret,
)

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

SPACE = extended_space(CLONE)
JUDGE = ValidationNoise(chance=0.5, items=4000)


def quality(config):
    """Wider is better, Word tokenizers lose two points."""
    return 0.88 + 0.02 * np.log2(config.hidden_size / 32) - 0.02 * (config.tokenizer is TokenizerKind.WORD)


def observed(count, seed, *, noise=0.001, collapse_at=1.0):
    configs = spread(SPACE, count, seed=seed)
    rng = np.random.default_rng(seed)
    truth = np.array([quality(config) for config in configs]) + rng.normal(0, noise, len(configs))
    truth[[config.learning_rate >= collapse_at for config in configs]] = 0.5
    return Observations(Points.of(SPACE, configs), np.full(len(configs), 4), truth)


def test_categories_are_indicators_and_sizes_are_ratios():
    configs = [
        StudentConfig(tokenizer=kind, hidden_size=size) for kind, size in (("bpe", 32), ("word", 64), ("unigram", 128))
    ]
    configs = [StudentConfig.from_dict(config.to_dict()) for config in configs]
    table = features(Points.of(SPACE.only(["tokenizer", "hidden_size"]), configs))
    assert table.shape == (3, 5)
    assert (table[:, :4] > 0).sum(axis=1).tolist() == [1, 1, 1]
    assert table[2, 4] - table[1, 4] == pytest.approx(table[1, 4] - table[0, 4])


def test_a_factorised_word_table_counts_by_how_much_narrower_it_is():
    configs = [StudentConfig(hidden_size=64, embedding_size=size) for size in (0, 16, 32, 64)]
    table = features(Points.of(SPACE.only(["embedding_size", "hidden_size"]), configs))
    assert table[:, 1].tolist() == [0, 2, 1, 0]


def test_papers_codes_are_its_chromosome():
    space = papers_box_space(CLONE)
    config = StudentConfig(
        tokenizer=TokenizerKind.UNIGRAM,
        vocab_size=1606,
        num_hidden_layers=3,
        hidden_size=36,
        hidden_dropout_prob=0.3,
        intermediate_size=2985,
        num_attention_heads=12,
        attention_probs_dropout_prob=0.3,
        max_sequence_length=358,
        learning_rate=1e-4,
        batch_size=16,
    )
    codes = papers_codes(Points.of(space, [config]))
    assert codes.tolist() == [[3, 1606, 3, 36, 1, 0.3, 2985, 12, 0.3, 358, 1, 2, 16]]


def test_papers_surrogate_is_scikit_learns_bayesian_ridge():
    from sklearn.linear_model import BayesianRidge

    seen = observed(30, 0)
    seen = Observations(seen.points, seen.fidelity, seen.effectiveness)
    space = papers_box_space(CLONE)
    configs = spread(space, 30, seed=1)
    points = Points.of(space, configs)
    seen = Observations(points, np.ones(len(configs), dtype=np.int64), np.linspace(0.6, 0.9, len(configs)))
    expected = BayesianRidge().fit(papers_codes(points), seen.effectiveness).predict(papers_codes(points))
    assert PapersSurrogate.fit(seen).predict(points)[0] == pytest.approx(expected)


def test_surrogate_ranks_configurations_it_has_not_seen():
    surrogate = Surrogate.fit(observed(24, 0), JUDGE)
    new = observed(200, 7, noise=0.0)
    mean, deviation = surrogate.predict(new.points)
    assert np.corrcoef(mean, new.effectiveness)[0, 1] > 0.9
    assert regret(mean, new.effectiveness) < 0.02
    assert (deviation > 0).all()


def test_collapsed_trainings_teach_the_rate_and_not_the_architecture():
    clean, soiled = observed(30, 0), observed(30, 0, collapse_at=4e-3)
    new = observed(200, 7, noise=0.0)
    surrogate = Surrogate.fit(soiled, JUDGE)
    assert surrogate.risk[4e-3] > 0.6
    assert surrogate.risk[3e-4] < 0.1
    mean, _ = surrogate.predict(new.points)
    rates = new.points.values("learning_rate")
    assert mean[rates == 4e-3].max() < mean[rates == 1e-3].min()
    same_rate = np.flatnonzero(rates == 1e-3)
    expected = Surrogate.fit(clean, JUDGE).predict(new.points.take(same_rate))[0]
    assert np.corrcoef(mean[same_rate], expected)[0, 1] > 0.9


def test_longer_trainings_are_predicted_from_shorter_ones():
    seen = observed(40, 3)
    fidelity = np.where(np.arange(40) % 2, 4, 1)
    shown = Observations(seen.points, fidelity, seen.effectiveness - 0.03 * (fidelity == 1))
    surrogate = Surrogate.fit(shown, JUDGE)
    new = observed(100, 9, noise=0.0)
    assert surrogate.fidelity == 4
    assert np.mean(surrogate.predict(new.points)[0] - new.effectiveness) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("count", [1, 3])
def test_few_trainings_give_their_mean_and_a_wide_doubt(count):
    seen = observed(count, 0)
    surrogate = Surrogate.fit(seen, JUDGE)
    new = observed(50, 1).points
    mean, deviation = surrogate.predict(new)
    risk = np.array([surrogate.risk[rate] for rate in new.values("learning_rate")])
    assert mean == pytest.approx((1 - risk) * seen.effectiveness.mean() + risk * JUDGE.chance)
    assert (deviation >= JUDGE.sampling_error(0.9)).all()


def test_all_trainings_collapsed_is_survived():
    seen = observed(10, 0, collapse_at=0.0)
    mean, _ = Surrogate.fit(seen, JUDGE).predict(seen.points)
    assert mean == pytest.approx(0.5)


def test_a_flat_set_is_called_flat_and_a_steep_one_is_not():
    rng = np.random.default_rng(0)
    assert JUDGE.is_flat(0.9 + rng.normal(0, JUDGE.sampling_error(0.9) / 2, 20))
    assert not JUDGE.is_flat(0.9 + rng.normal(0, 0.03, 20))
    assert not JUDGE.is_flat(np.array([0.9, 0.9]))


def test_collapse_is_near_chance_whatever_the_metric():
    effectiveness = np.array([0.0, 0.333, 0.667, 0.68, 0.708, 0.80, 0.95])
    assert ValidationNoise(2 / 3, 4000).collapsed(effectiveness).tolist() == [True] * 5 + [False] * 2
    assert not ValidationNoise(0.5655, 2732).collapsed(np.array([0.60, 0.63])).any()


def test_cross_validated_skill_tells_signal_from_noise():
    def fit(seen):
        return Surrogate.fit(seen, JUDGE)

    skill = cross_validated_skill(observed(30, 0), fit, seed=0, repeats=1)
    assert skill.spearman > 0.6
    assert skill.kendall > 0.4
    noise = observed(30, 0)
    shuffled = np.random.default_rng(1).permutation(noise.effectiveness)
    nothing = cross_validated_skill(Observations(noise.points, noise.fidelity, shuffled), fit, seed=0, repeats=1)
    assert abs(nothing.spearman) < 0.45
    assert nothing.regret > skill.regret
    assert cross_validated_skill(observed(9, 0), fit, seed=0) is None


def test_fitting_is_deterministic():
    new = observed(20, 5)
    first, second = (Surrogate.fit(observed(20, 0), JUDGE, seed=3).predict(new.points) for _ in range(2))
    assert first[0].tolist() == second[0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "papers"), [("clone_codebert", 12.0), ("clone_graphcodebert", 29.8)])
def test_regret_on_real_trainings_is_a_tenth_of_the_papers(shared, name, papers):
    import search_quality

    task, validation = search_quality.SETS[name]
    seen = search_quality.trained_students(shared / "data/trials" / f"{name}.csv", task)
    ours = search_quality.mean_regret(seen, lambda some: Surrogate.fit(some, validation), 50)[0]
    theirs = search_quality.mean_regret(seen, PapersSurrogate.fit, 50)[0]
    assert ours <= 2.5
    assert theirs == pytest.approx(papers, rel=0.25)


@pytest.mark.parametrize("name", ["vulnerability_codebert", "vulnerability_graphcodebert"])
def test_real_vulnerability_trainings_are_reported_flat(shared, name):
    import search_quality

    task, validation = search_quality.SETS[name]
    seen = search_quality.trained_students(shared / "data/trials" / f"{name}.csv", task)
    assert all(validation.is_flat(search_quality.draw_of(seen, draw).effectiveness) for draw in range(50))


@pytest.mark.parametrize("name", ["clone_codebert", "clone_graphcodebert"])
def test_real_clone_trainings_are_not_flat_and_ranked_from_twenty(shared, name):
    import search_quality

    task, validation = search_quality.SETS[name]
    seen = search_quality.trained_students(shared / "data/trials" / f"{name}.csv", task)
    assert not any(validation.is_flat(search_quality.draw_of(seen, draw).effectiveness) for draw in range(50))
    lost, _, rank = search_quality.mean_regret(seen, lambda some: Surrogate.fit(some, validation), 5)
    assert rank > 0.4
    assert lost < 8
