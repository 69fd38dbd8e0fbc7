"""One point of the search space: every hyperparameter of a student, under its Hugging Face name."""

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from codewren.core.errors import ConfigError, nearest

LARGEST_TABLE = 1 << 26
"""Numbers of the word table after its projection: a small file must not fill the memory."""

MOST_ENTRIES = 1 << 22
"""Of a vocabulary: far more than any model of code has, far less than what a tokenizer cannot count."""
MOST_LAYERS = 1 << 10
"""Their names alone must not fill the memory, before a reader knows that their weights are missing."""


class TokenizerKind(StrEnum):
    """The four tokenizers of Avatar (SPEC 2.7)."""

    BPE = "bpe"
    WORDPIECE = "wordpiece"
    UNIGRAM = "unigram"
    WORD = "word"


class Activation(StrEnum):
    """Feed-forward activations; `gelu` is the erf form, `gelu_new` the tanh form."""

    GELU = "gelu"
    RELU = "relu"
    SILU = "silu"
    GELU_NEW = "gelu_new"


class PositionType(StrEnum):
    """Absolute learned positions, or relative ones (Shaw et al. 2018; Huang et al. 2020)."""

    ABSOLUTE = "absolute"
    RELATIVE_KEY = "relative_key"
    RELATIVE_KEY_QUERY = "relative_key_query"


class PairHead(StrEnum):
    """How two first-token vectors a, b become one: `concat` [a; b] as the papers, `symmetric` [|a-b|; a*b]."""

    CONCAT = "concat"
    SYMMETRIC = "symmetric"


class Storage(StrEnum):
    """Number format of matrices in the shipped file; arithmetic is floating point in all of them."""

    INT8 = "int8"
    FP16 = "fp16"
    FP32 = "fp32"


@dataclass(frozen=True, slots=True)
class StudentConfig:
    """Avatar's 13 hyperparameters (SPEC 2.2), then our own.

    Attributes:
        tokenizer: how words are cut.
        vocab_size: entries, special ones included; the texts may give fewer.
        num_hidden_layers: Transformer layers.
        hidden_size: width, a multiple of the heads.
        hidden_act: in the feed-forward part.
        hidden_dropout_prob: on embeddings and after each part of a layer.
        intermediate_size: width of the feed-forward part.
        num_attention_heads: of each layer.
        attention_probs_dropout_prob: inside attention.
        max_sequence_length: tokens of one function including `<s>` and `</s>`.
        position_embedding_type: absolute learned positions, or relative ones.
        learning_rate: its peak.
        batch_size: items of a step.
        pair_head: how two functions' vectors become one: `concat` [a; b] as the papers, `symmetric` [|a-b|; a*b].
        storage: number format of matrices in the bundle.
        embedding_size: E > 0 keeps a word table of V x E and a projection to the hidden size in place of one of V x H
            (Lan et al. 2020); 0 does not.
        max_data_flow: above 0 the student sees at most so many nodes of a function's data-flow graph beside its code
            (Guo et al. 2021); 0 shows it code only.

    Raises:
        ConfigError: the combination cannot be built.

    >>> StudentConfig(hidden_size=100, num_attention_heads=8)
    Traceback (most recent call last):
    ...
    codewren.core.errors.ConfigError: hidden_size 100 is not divisible by num_attention_heads 8; try 96 or 104
    """

    tokenizer: TokenizerKind = TokenizerKind.BPE
    vocab_size: int = 1000
    num_hidden_layers: int = 1
    hidden_size: int = 96
    hidden_act: Activation = Activation.GELU
    hidden_dropout_prob: float = 0.1
    intermediate_size: int = 64
    num_attention_heads: int = 8
    attention_probs_dropout_prob: float = 0.1
    max_sequence_length: int = 400
    position_embedding_type: PositionType = PositionType.ABSOLUTE
    learning_rate: float = 1e-3
    batch_size: int = 16
    pair_head: PairHead = PairHead.CONCAT
    storage: Storage = Storage.INT8
    embedding_size: int = 0
    max_data_flow: int = 0

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"{name} {value!r} must be a whole number of at least {least}")
        if self.num_hidden_layers > MOST_LAYERS:
            raise ConfigError(f"num_hidden_layers {self.num_hidden_layers} exceeds {MOST_LAYERS}; lower it")
        if self.vocab_size > MOST_ENTRIES:
            raise ConfigError(f"vocab_size {self.vocab_size} exceeds {MOST_ENTRIES}; lower it")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ConfigError(f"{name} {value} must lie in [0, 1)")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate {self.learning_rate} must be positive")
        if self.embedding_size and self.vocab_size * self.hidden_size > LARGEST_TABLE:
            raise ConfigError(
                f"vocab_size {self.vocab_size} x hidden_size {self.hidden_size} exceeds {LARGEST_TABLE}, the largest "
                "table that is expanded from embedding_size when a student is loaded; lower one of them"
            )
        heads = self.num_attention_heads
        if self.hidden_size % heads:
            below = self.hidden_size // heads * heads
            nearby = " or ".join(str(size) for size in (below, below + heads) if size)
            raise ConfigError(
                f"hidden_size {self.hidden_size} is not divisible by num_attention_heads {heads}; try {nearby}"
            )

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is switched off is left out, so that equal students of all versions look equal."""
        plain = asdict(self)
        for name in _SWITCHES:
            if not plain[name]:
                del plain[name]
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form.

        Raises:
            ConfigError: an unknown field, a value outside its kind, or an impossible combination.
        """
        known = {field.name for field in fields(cls)}
        for name in raw:
            if name not in known:
                raise ConfigError(f"unknown student field {name!r}; {nearest(name, known)}")
        try:
            enums = {name: kind(raw[name]) for name, kind in _ENUMS.items() if name in raw}
        except ValueError as error:
            raise ConfigError(f"student: {error}") from None
        return cls(**{**raw, **enums})


_LEAST = {
    "vocab_size": 5,
    "num_hidden_layers": 1,
    "hidden_size": 1,
    "intermediate_size": 1,
    "num_attention_heads": 1,
    "max_sequence_length": 3,
    "batch_size": 1,
    "embedding_size": 0,
    "max_data_flow": 0,
}
_SWITCHES = ("embedding_size", "max_data_flow")
"""Fields of later versions whose 0 means a student as it always was."""
_ENUMS: dict[str, type[StrEnum]] = {
    "tokenizer": TokenizerKind,
    "hidden_act": Activation,
    "position_embedding_type": PositionType,
    "pair_head": PairHead,
    "storage": Storage,
}
