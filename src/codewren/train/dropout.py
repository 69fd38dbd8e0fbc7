"""Dropout on 16 random bits a number in place of a whole uniform: a quarter of a one-layer student's training."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

_STEPS = 1 << 16


def dropout(x: Tensor, chance: float, *, training: bool) -> Tensor:
    """Zero each number with `chance`, rounded to a multiple of 2**-16, and scale the rest so that the mean stays."""
    dropped = round(chance * _STEPS)
    if not training or not dropped:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, chance)
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None)
    draws = words.view(torch.int16)[: x.numel()].view(x.shape)
    keep = (draws >= dropped - _STEPS // 2).to(x.dtype).mul_(_STEPS / (_STEPS - dropped))
    return x * keep


class Dropout(nn.Module):
    """`dropout` as a layer without parameters."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.chance = chance

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return dropout(x, self.chance, training=self.training)
