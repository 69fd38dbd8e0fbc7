"""A teacher's network: any Hugging Face encoder under the papers' classification head.

Tensors carry shape suffixes: B distinct functions, T tokens, H hidden, W width, R items, K functions per item,
C labels.

Source: SPEC 1.7 (heads), 1.10 (teachers), 1.13 (data flow).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from codewren.core.student_config import PairHead
from codewren.core.task import Task, Unit
from codewren.train.student import pair_features
from codewren.train.teachers.graph_inputs import additive_mask, node_embeddings

DEFAULT_DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class FunctionBatch:
    """Padded functions.

    Attributes:
        ids_BT: token ids.
        mask_BT: 1 = token of the code.
        positions_BT: position ids, only with data flow.
        sees_BTT: who may look at whom, only with data flow.
        types_BT: 0 in the first text and 1 in the second, only where a model reads pairs together and knows types.
    """

    ids_BT: Tensor
    mask_BT: Tensor
    positions_BT: Tensor | None = None
    sees_BTT: Tensor | None = None
    types_BT: Tensor | None = None

    def to(self, device: torch.device) -> Self:
        """The batch on another device."""
        tensors = (self.ids_BT, self.mask_BT, self.positions_BT, self.sees_BTT, self.types_BT)
        return type(self)(*(None if tensor is None else tensor.to(device) for tensor in tensors))  # type: ignore[arg-type]

    def arguments(self, encoder: Any) -> dict[str, Tensor]:
        """What a Hugging Face encoder is called with: ids, or with data flow embeddings and the additive mask."""
        if self.positions_BT is None or self.sees_BTT is None:
            types = {} if self.types_BT is None else {"token_type_ids": self.types_BT}
            return {"input_ids": self.ids_BT, "attention_mask": self.mask_BT, **types}
        words_BTH = encoder.embeddings.word_embeddings(self.ids_BT)
        kind = words_BTH.device.type
        scores = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else words_BTH.dtype
        return {
            "inputs_embeds": node_embeddings(words_BTH, self.positions_BT, self.sees_BTT),
            "attention_mask": additive_mask(self.sees_BTT, scores),
            "position_ids": self.positions_BT,
        }


class ItemClassifier(nn.Module, ABC):
    """A network that judges items in two steps, so that a function which many items share is encoded once.

    Attributes:
        width: size W of a function's vector.
        pads_left: whether padding goes before the text, because the last position is what is read.
    """

    width: int
    pads_left: bool = False

    @abstractmethod
    def encode(self, functions: FunctionBatch) -> Tensor:
        """One vector a function, (B, W)."""

    @abstractmethod
    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Vectors of functions and the items made of them to logits (R, C)."""


class TeacherNetwork(ItemClassifier):
    """Encoder, pooled vectors of an item side by side, dense, tanh, out; dropout before each dense map.

    Args:
        encoder: a Hugging Face encoder that returns `last_hidden_state`.
        task: gives the functions per item and the labels.
        pooling: `first` token or `mean` over tokens.
        pair_head: how two vectors become one; the papers concatenate.
        outputs: of the head; None is one a label.
    """

    def __init__(
        self,
        encoder: Any,
        task: Task,
        *,
        pooling: str,
        pair_head: PairHead = PairHead.CONCAT,
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        if hasattr(encoder, "pooler"):
            encoder.pooler = None  # not used by the head, and random in many published encoders
        hidden = int(encoder.config.hidden_size)
        self.width = hidden
        self.encoder = encoder
        self.pooling, self.pair_head, self.unit = pooling, pair_head, task.unit
        self.dense = nn.Linear(task.functions_per_item * hidden, hidden)
        self.out = nn.Linear(hidden, outputs or len(task.labels))
        self.dropout = nn.Dropout(head_dropout(encoder.config))

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Pooled vectors (B, H); the mean is over the code, not over nodes."""
        hidden_BTH: Tensor = self.encoder(**functions.arguments(self.encoder)).last_hidden_state
        if self.pooling == "first":
            return hidden_BTH[:, 0].float()
        weight_BT1 = functions.mask_BT[..., None].float()
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

    def forward(self, functions: FunctionBatch, items_RK: Tensor) -> Tensor:
        """Logits (R, C) of a batch."""
        return self.classify(self.encode(functions), items_RK)


def head_dropout(config: Any) -> float:
    """The head's dropout as Hugging Face chooses it: `classifier_dropout`, else the encoder's hidden dropout."""
    for name in ("classifier_dropout", "hidden_dropout_prob", "dropout"):
        value = getattr(config, name, None)
        if value is not None:
            return float(value)
    return DEFAULT_DROPOUT
