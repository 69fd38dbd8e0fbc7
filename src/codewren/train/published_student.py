"""Import of the papers' published students: a state dict and a tokenizer file become what a bundle holds.

Source: SPEC 1.6, 1.7; docs/bundle-format.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import TeacherError
from codewren.core.student_config import Storage, StudentConfig, TokenizerKind
from codewren.core.task import Task
from codewren.train.teachers.papers_checkpoint import (
    RESERVED_POSITIONS,
    PapersCheckpoint,
    column_order,
    papers_columns,
    read_papers_checkpoint,
)
from codewren.train.tokenizer_training import import_tokenizers_json

Tensors = dict[str, NDArray[np.float32]]

_EMBEDDINGS = {
    "embeddings.word": "embeddings.word_embeddings.weight",
    "embeddings.norm.weight": "embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention.norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "norm": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class PublishedStudent:
    """What `write_bundle` takes.

    Attributes:
        tensors: under the names of `tensor_shapes`.
        unused: tensors of the file that take no part (position numbers, a pooler).
    """

    config: StudentConfig
    tensors: Tensors
    tokenizer: TokenizerSpec
    unused: tuple[str, ...]


def import_published(
    checkpoint: Path,
    tokenizer_json: Path,
    *,
    task: Task,
    num_attention_heads: int,
    max_sequence_length: int = 400,
    storage: Storage = Storage.INT8,
    columns: Sequence[str] = (),
) -> PublishedStudent:
    """Convert a student of the papers; every tensor of the file is used or named as unused.

    Args:
        checkpoint: the state dict.
        tokenizer_json: its tokenizer, as the `tokenizers` library writes it.
        task: what it judges.
        num_attention_heads: not in a state dict, and a wrong one scores about the same: look it up (SPEC 1.6).
        max_sequence_length: tokens of one function; further rows of the position table are dropped.
        storage: number format of the bundle.
        columns: labels in the order of the file's outputs; empty: the papers' order, vulnerable first.

    Raises:
        TeacherError: a tensor has no place, or shapes, head count, length and vocabulary do not fit each other.
        InputError: the tokenizer cannot be expressed.
        ConfigError: the head count does not divide the hidden size.
    """
    read = read_papers_checkpoint(checkpoint, task)
    spec = import_tokenizers_json(tokenizer_json)
    if len(spec.vocab) != read.vocab_size:
        raise TeacherError(
            f"{tokenizer_json}: {len(spec.vocab)} entries, {checkpoint} has {read.vocab_size}; take the tokenizer of "
            "this student"
        )
    if max_sequence_length > read.positions - RESERVED_POSITIONS:
        raise TeacherError(
            f"{checkpoint}: max_sequence_length {max_sequence_length} exceeds its "
            f"{read.positions - RESERVED_POSITIONS} positions; lower it"
        )
    config = StudentConfig(
        tokenizer=TokenizerKind(spec.kind),
        vocab_size=read.vocab_size,
        num_hidden_layers=read.num_hidden_layers,
        hidden_size=read.hidden_size,
        intermediate_size=read.intermediate_size,
        num_attention_heads=num_attention_heads,
        max_sequence_length=max_sequence_length,
        storage=storage,
    )
    tensors = _tensors(read, config, column_order(task, columns or papers_columns(task)))
    _check(checkpoint, read, tensors, config, task)
    return PublishedStudent(config, tensors, spec, read.unused)


def _tensors(read: PapersCheckpoint, config: StudentConfig, order: list[int]) -> Tensors:
    """Rename; row t of the position table becomes token t's; rows of the last map follow the task's labels."""
    plain = {name: value.float().numpy() for name, value in read.encoder.items()}
    tensors = {ours: plain[theirs] for ours, theirs in _EMBEDDINGS.items()}
    last = RESERVED_POSITIONS + config.max_sequence_length
    tensors["embeddings.position"] = plain["embeddings.position_embeddings.weight"][RESERVED_POSITIONS:last]
    tensors["embeddings.token_type"] = plain["embeddings.token_type_embeddings.weight"][0]
    for index in range(config.num_hidden_layers):
        for ours, theirs in _LAYER.items():
            for name in ("weight", "bias"):
                value = plain.get(f"encoder.layer.{index}.{theirs}.{name}")
                if value is not None:
                    tensors[f"layers.{index}.{ours}.{name}"] = value
    head = {name: value.float().numpy() for name, value in read.head.items()}
    tensors |= {"head.dense.weight": head["dense.weight"], "head.dense.bias": head["dense.bias"]}
    return tensors | {f"head.out.{name}": head[f"out_proj.{name}"][order] for name in ("weight", "bias")}


def _check(path: Path, read: PapersCheckpoint, tensors: Tensors, config: StudentConfig, task: Task) -> None:
    """Every tensor of the file has arrived, in the shape a student of this configuration has."""
    shapes = tensor_shapes(config, task)
    wrong = [name for name, shape in shapes.items() if name not in tensors or tensors[name].shape != shape]
    if wrong or len(tensors) != len(read.encoder) + len(read.head):
        raise TeacherError(
            f"{path}: {len(wrong)} of {len(shapes)} tensors are missing or of another shape ({', '.join(wrong[:3])}), "
            f"{len(read.encoder) + len(read.head)} were found; this is not an absolute-position RoBERTa student"
        )
