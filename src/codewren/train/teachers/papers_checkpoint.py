"""The papers' own checkpoint format: a state dict of a RoBERTa encoder and its classification head.

A state dict holds neither the head count nor the order of the labels; both are asked for or follow from the paper.

Source: Compressor and Avatar, `torch.save(model.state_dict())`; SPEC 1.7, 1.11.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from codewren.core.errors import TeacherError
from codewren.core.task import VULNERABILITY, Task
from codewren.train.teachers.pretrained import check_no_pointer

# (prefix of the encoder, prefix of the head): sequence classifier in a wrapper, siamese wrapper, bare classifier; first
# of all GraphCodeBERT's siamese wrapper, around a sequence classifier whose own head is never used (SPEC 1.7).
_PREFIXES = (
    ("encoder.roberta.", "classifier."),
    ("encoder.roberta.", "encoder.classifier."),
    ("encoder.", "classifier."),
    ("roberta.", "classifier."),
)
_DEAD_HEAD = "encoder.classifier."
_WORDS = "embeddings.word_embeddings.weight"
_HEAD = ("dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias")
_UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
PARALLEL = "module."
RESERVED_POSITIONS = 2
"""RoBERTa numbers positions from `pad_token_id` + 1, so token t reads row t + 2."""


@dataclass(frozen=True, slots=True)
class PapersCheckpoint:
    """A state dict sorted out.

    Attributes:
        encoder: tensors under the names of Hugging Face's `RobertaModel`.
        head: `dense` and `out_proj`, weight and bias.
        unused: names that were in the file and take no part: position numbers, a pooler, a second head.
    """

    encoder: dict[str, Tensor]
    head: dict[str, Tensor]
    unused: tuple[str, ...]

    @property
    def vocab_size(self) -> int:
        """Rows of the word embedding."""
        return self.encoder[_WORDS].shape[0]

    @property
    def hidden_size(self) -> int:
        """Columns of the word embedding."""
        return self.encoder[_WORDS].shape[1]

    @property
    def intermediate_size(self) -> int:
        """Rows of the first feed-forward matrix."""
        return self.encoder["encoder.layer.0.intermediate.dense.weight"].shape[0]

    @property
    def num_hidden_layers(self) -> int:
        """Number of layers in the names."""
        return len({name.split(".")[2] for name in self.encoder if name.startswith("encoder.layer.")})

    @property
    def outputs(self) -> int:
        """Outputs of the head: one a label, or one alone for the log-odds of the positive label."""
        return self.head["out_proj.weight"].shape[0]

    @property
    def positions(self) -> int:
        """Rows of the position table, the two reserved ones included."""
        return self.encoder["embeddings.position_embeddings.weight"].shape[0]


def read_papers_checkpoint(path: Path, task: Task) -> PapersCheckpoint:
    """Read a state dict and account for every tensor in it.

    Raises:
        TeacherError: not a state dict, a tensor with no place, a missing head, or a head for another task.
    """
    state = _load(path)
    encoder_prefix, head_prefix = _prefixes(path, state)
    encoder = {
        name.removeprefix(encoder_prefix): value
        for name, value in state.items()
        if name.startswith((encoder_prefix + "embeddings.", encoder_prefix + "encoder.layer."))
        and name.removeprefix(encoder_prefix) not in _UNUSED
    }
    head = {name: state[head_prefix + name] for name in _HEAD if head_prefix + name in state}
    two_heads = (encoder_prefix, head_prefix) == _PREFIXES[0]
    dead = {_DEAD_HEAD + name for name in _HEAD} if two_heads else set()
    unused = tuple(name for name in state if name.removeprefix(encoder_prefix) in _UNUSED or name in dead)
    known = {encoder_prefix + name for name in encoder} | {head_prefix + name for name in head} | set(unused)
    unknown = sorted(state.keys() - known)
    if unknown or len(head) < len(_HEAD):
        missing = [head_prefix + name for name in _HEAD if name not in head]
        raise TeacherError(
            f"{path}: {len(unknown)} tensors have no place in a RoBERTa classifier "
            f"({', '.join(unknown[:3]) or 'none'}), and of its head {', '.join(missing) or 'nothing'} is missing"
        )
    checkpoint = PapersCheckpoint(encoder, head, unused)
    _check_head(path, checkpoint, task)
    return checkpoint


def papers_columns(task: Task) -> tuple[str, ...]:
    """Labels in the column order of the papers' checkpoints: for vulnerability the alarm is column 0 (SPEC 1.11)."""
    if task == VULNERABILITY:
        return tuple(reversed(task.labels))
    return task.labels


def column_order(task: Task, columns: Sequence[str]) -> list[int]:
    """The column in `columns` of each of the task's labels.

    Raises:
        TeacherError: `columns` does not name each label once.
    """
    if sorted(columns) != sorted(task.labels):
        raise TeacherError(f"teacher.columns {list(columns)} must name each label once: {', '.join(task.labels)}")
    return [list(columns).index(label) for label in task.labels]


def _load(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise TeacherError(f"{path}: no such file; wanted the state dict of a fine-tuned model (.bin)")
    check_no_pointer(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise TeacherError(f"{path}: not a state dict that can be read safely ({str(error)[:80]!r})") from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TeacherError(f"{path}: holds {type(state).__name__}, wanted a state dict of tensors only")
    wrapped = all(name.startswith(PARALLEL) for name in state)  # saved from inside torch's DataParallel
    return {name.removeprefix(PARALLEL) if wrapped else name: value for name, value in state.items()}


def _prefixes(path: Path, state: dict[str, Tensor]) -> tuple[str, str]:
    present = [prefixes for prefixes in _PREFIXES if prefixes[0] + _WORDS in state]
    if not present:
        known = ", ".join(dict.fromkeys(encoder for encoder, _ in _PREFIXES))
        raise TeacherError(f"{path}: no RoBERTa encoder under {known}; found {', '.join(sorted(state)[:3])}")
    # With both heads in the file the outer one judges; with none at all, the error names the last one looked for.
    return next((pair for pair in present if any(name.startswith(pair[1]) for name in state)), present[-1])


def _check_head(path: Path, checkpoint: PapersCheckpoint, task: Task) -> None:
    hidden, outputs = checkpoint.hidden_size, len(task.labels)
    if checkpoint.outputs == 1 and outputs == 2:  # one output and a sigmoid, as CodeXGLUE's defect script saves it
        outputs = 1
    shapes = {
        "dense.weight": (hidden, task.functions_per_item * hidden),
        "dense.bias": (hidden,),
        "out_proj.weight": (outputs, hidden),
        "out_proj.bias": (outputs,),
    }
    for name, shape in shapes.items():
        actual = tuple(checkpoint.head[name].shape)
        if actual != shape:
            raise TeacherError(
                f"{path}: head {name} has shape {actual}, task {task.name!r} ({task.unit}, {len(task.labels)} labels) "
                f"wants {shape}; this checkpoint was made for another task"
            )
