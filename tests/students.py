"""Small random students for tests of the file and of what reads it."""

from pathlib import Path
from typing import Any

import numpy as np

from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec
from codewren.bundle.write import write_bundle
from codewren.core.student_config import PairHead, StudentConfig, TokenizerKind
from codewren.core.task import CLONE, VULNERABILITY, Task

CONFIG = StudentConfig(
    tokenizer=TokenizerKind.WORDPIECE,
    vocab_size=60,
    hidden_size=24,
    intermediate_size=20,
    num_attention_heads=3,
    max_sequence_length=80,
)


def random_tensors(config: StudentConfig, task: Task, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights large enough that attention is far from uniform and tanh from linear."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in tensor_shapes(config, task).items():
        if name.endswith("norm.weight"):
            values = 1 + 0.3 * rng.normal(size=shape)
        else:
            values = rng.normal(size=shape) * (1.2 / np.sqrt(shape[-1]) if len(shape) == 2 else 0.3)
        tensors[name] = values.astype(np.float32)
    tensors["embeddings.word"] *= 4
    if config.embedding_size:
        tensors["embeddings.word"] *= np.float32(config.embedding_size**0.5)
    return tensors


def wordpiece_tokenizer(vocab_size: int, **changes: Any) -> TokenizerSpec:
    """Tokens w4, w5, ...: the text "w7" becomes the id 7, everything else `<unk>`."""
    words = tuple(f"w{index}" for index in range(len(SPECIAL_TOKENS), vocab_size))
    return TokenizerSpec(TokenizerKind.WORDPIECE, SPECIAL_TOKENS + words, **changes)


def write_student(path: Path, config: StudentConfig = CONFIG, task: Task = VULNERABILITY, **options: Any) -> Path:
    """Write a random student; `options` go to `write_bundle`, `seed` to the weights."""
    seed = options.pop("seed", 0)
    options = {"tokenizer": wordpiece_tokenizer(config.vocab_size), **options}
    write_bundle(path, task=task, config=config, tensors=random_tensors(config, task, seed), **options)
    return path


def random_ids(rng: np.random.Generator, config: StudentConfig, tokens: int) -> list[int]:
    """`<s>` and random words."""
    return [0, *rng.integers(4, config.vocab_size, tokens - 1).tolist()]


HEADS = {
    "function": (VULNERABILITY, PairHead.CONCAT),
    "concat": (CLONE, PairHead.CONCAT),
    "symmetric": (CLONE, PairHead.SYMMETRIC),
}
