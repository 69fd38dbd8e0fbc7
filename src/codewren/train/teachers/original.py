"""CodeBERT's architecture with random weights: enough wherever only time, memory and FLOPs count, and always said so.

Random weights run exactly as fast as trained ones. It is given random token ids, so its tokenisation is not charged.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from codewren.core.task import Task
from codewren.measure.fresh_process import Predict, answer

LABEL = "CodeBERT's architecture, random weights"
PADDED_TOKENS = 400
HIDDEN, LAYERS, VOCABULARY, INTERMEDIATE, HEADS, POSITIONS = 768, 12, 50_265, 3072, 12, 514
PAD, FIRST_PLAIN_ID = 1, 4


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """The network of the papers' teachers: an encoder and a head on the first token.

    Attributes:
        network: of this architecture.
        task: a pair is two functions encoded apart, as the papers do.
        padded: every function is padded to `PADDED_TOKENS`, as the papers time it; else it is as long as it is.
    """

    network: nn.Module
    task: Task
    padded: bool

    @classmethod
    def random(cls, task: Task, *, padded: bool) -> Self:
        """Random weights, the same in every process."""
        from transformers import RobertaConfig, RobertaModel

        torch.manual_seed(0)
        config = RobertaConfig(
            vocab_size=VOCABULARY,
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            intermediate_size=INTERMEDIATE,
            num_attention_heads=HEADS,
            max_position_embeddings=POSITIONS,
            type_vocab_size=1,
            pad_token_id=PAD,
        )
        return cls(_WithHead(RobertaModel(config, add_pooling_layer=False), task).eval(), task, padded)

    @property
    def parameters(self) -> int:
        """Numbers in the network."""
        return sum(tensor.numel() for tensor in self.network.parameters())

    def logits(self, lengths: Sequence[Sequence[int]]) -> Tensor:
        """Logits (n, C) of items whose functions have these numbers of tokens."""
        ids_BT = self._ids([length for item in lengths for length in item])
        with torch.inference_mode():
            logits: Tensor = self.network(ids_BT, (ids_BT != PAD).long())
        return logits

    def _ids(self, lengths: Sequence[int]) -> Tensor:
        longest = PADDED_TOKENS if self.padded else max(min(length, PADDED_TOKENS) for length in lengths)
        ids_BT = torch.full((len(lengths), longest), PAD)
        generator = torch.Generator().manual_seed(0)
        for row, length in enumerate(lengths):
            shorter = min(length, longest)
            ids_BT[row, :shorter] = torch.randint(FIRST_PLAIN_ID, VOCABULARY, (shorter,), generator=generator)
        return ids_BT


class _WithHead(nn.Module):
    """First token, dense, tanh, output: of one function, or of both of a pair side by side."""

    def __init__(self, encoder: nn.Module, task: Task) -> None:
        super().__init__()
        self.encoder, self.functions = encoder, task.functions_per_item
        self.dense = nn.Linear(HIDDEN * self.functions, HIDDEN)
        self.out = nn.Linear(HIDDEN, len(task.labels))

    def forward(self, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
        first_BH = self.encoder(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state[:, 0]
        joined = first_BH.reshape(len(first_BH) // self.functions, -1)
        logits: Tensor = self.out(torch.tanh(self.dense(joined)))
        return logits


def counted_flops(run: Callable[[], object]) -> int:
    """FLOPs of the matrix products of one call, as torch counts them.

    Torch does not count its fused attention on a CPU (8 % of CodeBERT's products at 400 tokens): it is unfused here.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def _load() -> Predict:
    original = Original.random(Task.from_dict(_argument(1)), padded=_argument(2))
    torch.set_num_threads(1)
    return original.logits


def _argument(place: int) -> Any:
    return json.loads(sys.argv[place])


def original_command(task: Task, *, padded: bool) -> list[str]:
    """The child that makes the original and answers items given as numbers of tokens."""
    arguments = [json.dumps(task.to_dict()), json.dumps(padded)]
    return [sys.executable, "-m", "codewren.train.teachers.original", *arguments]


if __name__ == "__main__":
    answer(_load)
