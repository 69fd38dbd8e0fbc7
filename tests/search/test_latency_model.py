"""A fitted latency model gives back the machine it was fitted to."""

import numpy as np
import pytest

from codewren.core.errors import InputError
from codewren.core.student_config import PositionType, StudentConfig
from codewren.core.task import CLONE
from codewren.search.space.latency_model import FEATURES, LatencyModel, spread
from codewren.search.space.points import Points
from codewren.search.space.space import extended_space

SPACE = extended_space(CLONE)


def machine(config):
    """Seconds on a made-up machine: a call, tokens, the first-token layer, and full layers before it."""
    tokens, hidden, layers = config.max_sequence_length, config.hidden_size, config.num_hidden_layers
    relative = config.position_embedding_type is not PositionType.ABSOLUTE
    first = 1e-9 * config.num_attention_heads * tokens * hidden * (1.5 if relative else 1)
    full = (layers - 1) * tokens * hidden * (hidden + config.intermediate_size) * 2e-10
    return 2e-5 + 1e-7 * tokens + first + full


def test_prediction_within_a_few_percent_on_students_never_timed():
    rng = np.random.default_rng(1)
    model = LatencyModel.calibrate(
        lambda config: machine(config) * rng.normal(1, 0.02), SPACE, seed=0, tokens_at={256: 256}
    )
    new = spread(SPACE, 100, seed=5)
    errors = [abs(model(config) / machine(config) - 1) for config in new]
    assert np.median(errors) < 0.05
    assert model.error < 0.08


def test_table_and_single_predictions_agree():
    model = LatencyModel.calibrate(machine, SPACE, seed=0, shapes=20)
    configs = spread(SPACE, 30, seed=2)
    assert model.cost().of(Points.of(SPACE, configs)) == pytest.approx([model(config) for config in configs])


def test_mean_tokens_replace_the_maximum_length():
    model = LatencyModel((0.0, 1e-6) + (0.0,) * (len(FEATURES) - 2), tokens_at={400: 150.0})
    assert model(StudentConfig(max_sequence_length=400)) == pytest.approx(150e-6)
    assert model(StudentConfig(max_sequence_length=256)) == pytest.approx(256e-6)


def test_json_round_trip():
    model = LatencyModel.calibrate(machine, SPACE, seed=0, shapes=20, tokens_at={400: 150.0})
    assert LatencyModel.from_dict(model.to_dict()) == model


def test_timed_students_are_spread_over_every_field():
    configs = spread(SPACE, 40, seed=0)
    assert all(config in SPACE for config in configs)
    for field in ("vocab_size", "hidden_size", "num_hidden_layers"):
        assert {getattr(config, field) for config in configs} == set(SPACE.values(field))
    assert configs == spread(SPACE, 40, seed=0)


def test_a_clock_that_gives_nothing_is_refused():
    with pytest.raises(InputError, match="positive"):
        LatencyModel.calibrate(lambda _: 0.0, SPACE, seed=0)
