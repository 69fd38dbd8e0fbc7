"""What a network as teacher has beside its logits: the vectors of functions, as something for the student to learn.

Tensors carry shape suffixes: B functions of a batch, H the student's hidden size, W the width of the teacher's vectors.

Source: Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019 (`relations`); Romero et al., FitNets,
ICLR 2015 (`vectors`).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own name for it


class VectorMap(nn.Module):
    """A linear map from the student's vectors to the teacher's, standardised ones; thrown away after the training.

    Args:
        vectors: (F, W) of the teacher, for their means and deviations.
        hidden_size: of the student.
        seed: of the first weights.
    """

    def __init__(self, vectors: NDArray[np.float32], hidden_size: int, *, seed: int) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.empty(vectors.shape[1], hidden_size))
        self.bias = nn.Parameter(torch.zeros(vectors.shape[1]))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.map.normal_(0.0, hidden_size**-0.5, generator=generator)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.from_numpy(vectors.mean(0)), persistent=False)
        self.register_buffer("deviation", torch.from_numpy(vectors.std(0) + np.float32(1e-6)), persistent=False)

    def forward(self, student_BH: Tensor, teacher_BW: Tensor) -> Tensor:
        """Mean squared error of the mapped vectors, in the teacher's deviations."""
        return F.mse_loss(F.linear(student_BH, self.map, self.bias), (teacher_BW - self.mean) / self.deviation)


def relations_loss(student_BH: Tensor, teacher_BW: Tensor) -> Tensor:
    """Mean squared difference of the cosines that both find between the functions of a batch, less the batch's mean.

    Centred, because all of an encoder's vectors point about the same way.
    """
    if len(student_BH) < 2:
        return student_BH.sum() * 0
    cosines = [F.normalize(x - x.mean(0)) for x in (student_BH, teacher_BW)]
    mine_BB, theirs_BB = (x @ x.T for x in cosines)
    pairs = len(student_BH) * (len(student_BH) - 1)  # the diagonals are equal
    return (mine_BB - theirs_BB).square().sum() / pairs
