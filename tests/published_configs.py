"""The papers' own configurations, as oracles: recipes, formulas and the published table must agree with them.

Source: SPEC 1.6, 1.7, 2.8.
"""

from typing import Any

from codewren.core.student_config import Activation, StudentConfig, TokenizerKind
from codewren.core.task import Task, Unit

_FIELDS = ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
_COMPRESSOR = {"tokenizer": TokenizerKind.BPE, "hidden_act": Activation.GELU, "max_sequence_length": 400}
_COMPRESSOR |= {"learning_rate": 1e-4, "batch_size": 16}
_AVATAR: dict[str, Any] = {"tokenizer": TokenizerKind.BPE, "learning_rate": 1e-4, "batch_size": 16}


def _sizes(*values: int) -> dict[str, Any]:
    return dict(zip(_FIELDS, values, strict=True))


PUBLISHED: dict[str, dict[str, Any]] = {
    "compressor-3mb": _COMPRESSOR | _sizes(1000, 12, 96, 64, 8),
    "compressor-25mb": _COMPRESSOR | _sizes(1000, 6, 432, 128, 16),
    "compressor-50mb": _COMPRESSOR | _sizes(6000, 6, 480, 576, 16),
    "avatar-v1": _COMPRESSOR | _sizes(27505, 1, 24, 1508, 2),
    "avatar-vulnerability": _AVATAR
    | _sizes(19302, 7, 18, 1491, 6)
    | {
        "hidden_act": Activation.GELU_NEW,
        "hidden_dropout_prob": 0.5,
        "attention_probs_dropout_prob": 0.4,
        "max_sequence_length": 351,
        "learning_rate": 1e-3,
        "batch_size": 64,
    },
    "avatar-clone-printed": _AVATAR
    | _sizes(27505, 1, 24, 1508, 2)
    | {
        "hidden_act": Activation.SILU,
        "hidden_dropout_prob": 0.2,
        "attention_probs_dropout_prob": 0.1,
        "max_sequence_length": 512,
    },
    "avatar-clone-executed": _AVATAR
    | _sizes(27505, 3, 36, 1508, 12)
    | {
        "hidden_act": Activation.SILU,
        "hidden_dropout_prob": 0.3,
        "attention_probs_dropout_prob": 0.2,
        "max_sequence_length": 358,
    },
    "avatar-clone-graphcodebert": _AVATAR
    | _sizes(1606, 3, 36, 2985, 12)
    | {
        "hidden_act": Activation.SILU,
        "hidden_dropout_prob": 0.3,
        "attention_probs_dropout_prob": 0.3,
        "max_sequence_length": 358,
    },
}
"""Fields of each published configuration; what is not named is the base's, but for the first paper's dropout."""


def published_config(name: str, task: Task, base: StudentConfig) -> StudentConfig:
    """A published configuration; storage and pair head are the base's."""
    dropout = 0.2 if task.unit is Unit.PAIR else 0.5
    return base.replace(**({"hidden_dropout_prob": dropout} | PUBLISHED[name]))
