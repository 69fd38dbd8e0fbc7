"""A teacher's network: any Hugging Face encoder under the papers' classification head.

Tensors carry shape suffixes: B distinct functions, T tokens, H hidden, W width, R items, K functions per item,
C labels.

Source: SPEC 1.7 (heads), 1.10 (teachers).
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from codewren.core.student_config import PairHead
from codewren.core.task import Task, Unit
from codewren.train.student import pair_features

DEFAULT_DROPOUT = 0.1


class Judge(nn.Module, ABC):
    """A network that judges items in two steps, so that a function which many items share is encoded once.

    Attributes:
        width: size W of a function's vector.
    """

    width: int

    @abstractmethod
    def encode(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Token ids and their mask (1 = token) to one vector a function, (B, W)."""

    @abstractmethod
    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Vectors of functions and the items made of them to logits (R, C)."""


class TeacherNetwork(Judge):
    """Encoder, pooled vectors of an item side by side, dense, tanh, out; dropout before each dense map.

    Args:
        encoder: a Hugging Face encoder that returns `last_hidden_state`.
        task: gives the functions per item and the labels.
        pooling: `first` token or `mean` over tokens.
        pair_head: how two vectors become one; the papers concatenate.
    """

    def __init__(self, encoder: Any, task: Task, *, pooling: str, pair_head: PairHead = PairHead.CONCAT) -> None:
        super().__init__()
        if hasattr(encoder, "pooler"):
            encoder.pooler = None  # not used by the head, and random in many published encoders
        hidden = int(encoder.config.hidden_size)
        self.width = hidden
        self.encoder = encoder
        self.pooling, self.pair_head, self.unit = pooling, pair_head, task.unit
        self.dense = nn.Linear(task.functions_per_item * hidden, hidden)
        self.out = nn.Linear(hidden, len(task.labels))
        self.dropout = nn.Dropout(head_dropout(encoder.config))

    def encode(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Pooled vectors (B, H)."""
        hidden_BTH: Tensor = self.encoder(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
        if self.pooling == "first":
            return hidden_BTH[:, 0].float()
        weight_BT1 = mask_BT[..., None].float()
        return (hidden_BTH.float() * weight_BT1).sum(1) / weight_BT1.sum(1)

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C): the vectors of an item side by side through the head."""
        item_RKW = vectors_BW[items_RK]
        if self.unit is Unit.PAIR:
            features = self.dropout(pair_features(item_RKW[:, 0], item_RKW[:, 1], self.pair_head))
        else:
            features = self.dropout(item_RKW[:, 0])
        logits: Tensor = self.out(self.dropout(torch.tanh(self.dense(features))))
        return logits.float()

    def forward(self, ids_BT: Tensor, mask_BT: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C) of a batch."""
        return self.classify(self.encode(ids_BT, mask_BT), items_RK)


def head_dropout(config: Any) -> float:
    """The head's dropout as Hugging Face chooses it: `classifier_dropout`, else the encoder's hidden dropout."""
    for name in ("classifier_dropout", "hidden_dropout_prob", "dropout"):
        value = getattr(config, name, None)
        if value is not None:
            return float(value)
    return DEFAULT_DROPOUT
