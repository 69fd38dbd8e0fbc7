"""A student for one item at a time, nothing packed or padded: the form that other runtimes get.

Source: the same layers as `codewren.train.student`; only the packing is trivial here.
"""

import torch
from torch import Tensor, nn

from codewren.core.task import Unit
from codewren.train.student import Packing, Student


class SingleFunction(Packing):
    """Tokens of a single function: packed and padded are the same."""

    def __init__(self, ids_T: Tensor) -> None:
        self.mask_BT = torch.ones_like(ids_T, dtype=torch.bool)[None]
        self.first_B = torch.zeros(1, dtype=torch.long)
        self.position_N = torch.arange(ids_T.shape[0])
        self.node_BT = None

    def pad(self, packed_N: Tensor) -> Tensor:
        """(T, …) to (1, T, …)."""
        return packed_N[None]

    def unpad(self, padded_BT: Tensor) -> Tensor:
        """(1, T, …) to (T, …)."""
        return padded_BT[0]


class SingleItem(nn.Module):
    """Token ids of one function, or of the two of a pair, to logits (1, C)."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student
        self.pair = student.task.unit is Unit.PAIR

    def vector(self, ids_T: Tensor) -> Tensor:
        """First-token vector (1, H) of one function."""
        packing = SingleFunction(ids_T)
        x: Tensor = self.student.embeddings(ids_T, packing)
        for layer in self.student.layers:
            x = layer(x, packing)
        return x

    def forward(self, ids_T: Tensor, other_T: Tensor | None = None) -> Tensor:
        """Logits (1, C); `other_T` is the right function of a pair."""
        vectors_BH = self.vector(ids_T)
        items_RK = torch.tensor([[0]])
        if other_T is not None:
            vectors_BH, items_RK = torch.cat([vectors_BH, self.vector(other_T)]), torch.tensor([[0, 1]])
        logits: Tensor = self.student.head(vectors_BH, items_RK)
        return logits
