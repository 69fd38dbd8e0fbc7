"""Cheap random bits, and still dropout: the right share falls, independently, and the mean stays."""

import pytest
import torch

from codewren.train.dropout import Dropout, dropout


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_the_right_share_falls_and_the_rest_is_scaled(chance):
    torch.manual_seed(0)
    out = dropout(torch.ones(1000, 999), chance, training=True)
    kept = out[out > 0]
    assert kept.unique().tolist() == pytest.approx([1 / (1 - chance)], rel=1e-3)
    spread = (chance * (1 - chance) / out.numel()) ** 0.5
    assert abs((out == 0).double().mean().item() - chance) < 5 * spread + 2**-17
    assert out.mean().item() == pytest.approx(1, abs=6 * spread / (1 - chance))


def test_neighbours_fall_independently():
    """All four draws of one random word, and draws of neighbouring words."""
    torch.manual_seed(1)
    fell = (dropout(torch.ones(100_000, 8), 0.3, training=True) == 0).double()
    correlation = torch.corrcoef(fell.T) - torch.eye(8)
    assert correlation.abs().max() < 5 / 100_000**0.5
    assert torch.allclose(fell.mean(0), torch.tensor(0.3, dtype=torch.float64), atol=0.008)


def test_the_gradient_goes_where_the_numbers_went_and_the_seed_decides():
    x = torch.randn(7, 3, requires_grad=True)
    torch.manual_seed(2)
    out = dropout(x, 0.5, training=True)
    out.sum().backward()
    assert torch.equal(x.grad * x, out)
    torch.manual_seed(2)
    assert torch.equal(Dropout(0.5).train()(x), out)


def test_nothing_falls_where_nothing_should():
    x = torch.randn(5)
    assert Dropout(0.5).eval()(x) is x
    assert dropout(x, 0.0, training=True) is x
