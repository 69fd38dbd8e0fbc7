"""Teachers: a fine-tuned folder, a Hugging Face classifier, the papers' state dict, or a file of logits.

Loading is strict: a head that would be random, a tokenizer that is not the model's, or a wrong number of labels is an
error, never a line in a log.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.files import atomic_write, file_sha256
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import TeacherSection
from codewren.core.task import Task, Unit
from codewren.runtime.dataflow.graph import Mode
from codewren.runtime.progress import Bar
from codewren.train.logits_file import DAMAGED, Logits, logits_teacher_sha256, read_arrays, read_logits
from codewren.train.ngrams import NgramTeacher
from codewren.train.papers_checkpoint import (
    RESERVED_POSITIONS,
    PapersCheckpoint,
    column_order,
    papers_columns,
    read_papers_checkpoint,
)
from codewren.train.pretrained import (
    beside,
    check_length,
    check_loading,
    first_line,
    hush,
    load_tokenizer,
    local_or_hub,
)
from codewren.train.teacher_batches import (
    Floats,
    TeacherSplit,
    encode_for_teacher,
    function_vectors,
    item_logits,
    teacher_parts,
)
from codewren.train.teacher_folder import SHEET, TeacherSheet, read_sheet, read_teacher
from codewren.train.teacher_graphs import check_graph_encoder
from codewren.train.teacher_network import FunctionBatch, Judge, TeacherNetwork

SAVE_EVERY_S = 60.0
SPLIT_MARK = "{split}"
TAUGHT = "unlabelled"
"""The split that a file of logits without `{split}` in its name is of, where labels teach the others."""
ROBERTA_LAYER_NORM_EPS = 1e-5


Elsewhere: TypeAlias = Callable[[Sequence[int]], Iterable[tuple[int, Floats]]]
"""Judges parts of a split on other machines: the vectors (B, W) of each part asked for, by its number, in any order."""


class Teacher(Protocol):
    """Anything that gives logits for a data set."""

    @property
    def sha256(self) -> str:
        """Hash of everything the logits depend on."""

    def covers(self, split: str) -> bool:
        """Whether it can judge this split."""

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Logits (n, C), column k for `task.labels[k]`; `partial` keeps what is done, so that a kill loses little."""


def load_teacher(recipe: Recipe) -> Teacher:
    """The teacher that `[teacher]` names.

    Raises:
        TeacherError: it cannot be loaded in full, or does not fit the task.
    """
    section, task = recipe.teacher, recipe.task
    if section.kind == "ngrams":
        return NgramTeacher(recipe)
    if not section.path:
        raise TeacherError("teacher.path is empty; name a folder, a hub id, a checkpoint or a logits file")
    if section.kind == "logits":
        paths = tuple(recipe.resolve(path) for path in (section.path, *section.also))
        return FileTeacher(paths, tuple(recipe.distil.train_on), section.label_margin)
    path = beside(recipe.folder, section.path)
    if section.kind == "papers":
        encoder = beside(recipe.folder, section.encoder or "")
        return _papers_teacher(Path(path), replace(section, encoder=encoder), task)
    if (Path(path) / SHEET).is_file():
        return _finetuned_teacher(Path(path), section, task)
    return _classifier_teacher(path, section, task)


@dataclass(frozen=True, slots=True)
class FileTeacher:
    """Logits that other models left behind, averaged; labels where they left none.

    Attributes:
        paths: the files; `{split}` in one stands for the split's name.
        train_on: the splits they cover when no path has `{split}`.
        label_margin: if not 0, the files are of `unlabelled`, and the other splits to learn from teach their labels.
    """

    paths: tuple[Path, ...]
    train_on: tuple[str, ...]
    label_margin: float = 0.0

    def files(self, split: str) -> list[Path]:
        """The files of a split."""
        return [Path(str(path).replace(SPLIT_MARK, split)) for path in self.paths]

    @property
    def sha256(self) -> str:
        """Of the teachers that wrote the files where that is known, else of the files."""
        files = [file for split in self.train_on for file in self.files(split)]
        known = [logits_teacher_sha256(file) or file_sha256(file) for file in files if file.is_file()]
        if self.label_margin:  # otherwise the hash is what it was before labels could teach
            known.append(f"label_margin {self.label_margin}")
        return hashlib.sha256("".join(known).encode()).hexdigest()

    def covers(self, split: str) -> bool:
        """A split to learn from; others only where their own files exist."""
        own = any(SPLIT_MARK in str(path) for path in self.paths)
        return split in self.train_on or (own and all(file.is_file() for file in self.files(split)))

    def logits(self, dataset: Dataset, *, partial: Path | None = None, quiet: bool = True) -> Logits:
        """Read and check the files, or turn labels into logits."""
        if self.label_margin and dataset.split != TAUGHT and dataset.split in self.train_on:
            return label_logits(dataset, self.label_margin)
        read = [read_logits(file, dataset) for file in self.files(dataset.split)]
        return np.asarray(np.mean(read, axis=0), dtype=np.float32)


def label_logits(dataset: Dataset, margin: float) -> Logits:
    """Logits (n, C) whose largest is the item's label, `margin` above the others."""
    logits = np.full((len(dataset), len(dataset.task.labels)), -margin / 2, dtype=np.float32)
    logits[np.arange(len(dataset)), dataset.known_labels()] = margin / 2
    return logits


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTeacher:
    """A network with its tokenizer.

    Attributes:
        columns: for each of the task's labels its column in the network's output.
        tokens: about how many tokens are judged at once.
        first_output_only: whether the other outputs were never trained; they count as 0.
        data_flow: how data flow is fed beside the code, if at all.
        lowercase: whether it reads lower-cased text.
    """

    network: Judge
    tokenizer: Any
    task: Task
    max_sequence_length: int
    columns: tuple[int, ...]
    tokens: int
    bf16: bool = False
    first_output_only: bool = False
    data_flow: Mode | None = None
    lowercase: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the weights, the tokenizer, and how they are used."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        pooling = (getattr(self.network, "pooling", ""), str(getattr(self.network, "pair_head", "")))
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        use = (self.max_sequence_length, self.columns, self.bf16, self.first_output_only, pooling)
        digest.update(repr((use, vocabulary)).encode())
        if self.data_flow is not None:  # otherwise the hash is what it was before there was data flow
            digest.update(f"data flow {self.data_flow}".encode())
        if self.lowercase:
            digest.update(b"lowercase")
        return digest.hexdigest()

    def covers(self, split: str) -> bool:
        """Any split."""
        return True

    def logits(
        self,
        dataset: Dataset,
        *,
        partial: Path | None = None,
        quiet: bool = True,
        elsewhere: Elsewhere | None = None,
    ) -> Logits:
        """Judge every item; each distinct function is encoded once, similar lengths together, here or `elsewhere`."""
        split = self.encoded(dataset, quiet=quiet)
        self.network.eval()
        identity = f"{dataset.sha256()} {self.sha256}" if partial is not None else ""
        here = elsewhere or (lambda numbers: ((number, self.part_vectors(split, number)) for number in numbers))
        vectors_FW = self._vectors(
            split, _Partial(partial, identity), here, label=f"label {dataset.split}", quiet=quiet
        )
        outputs = item_logits(self.network, split, vectors_FW)
        if self.first_output_only:
            outputs[:, 1:] = 0
        return np.ascontiguousarray(outputs[:, list(self.columns)])

    def encoded(self, dataset: Dataset, *, quiet: bool = True) -> TeacherSplit:
        """A split as this teacher reads it.

        Raises:
            TeacherError: the data are of another task.
        """
        if dataset.task != self.task:
            raise TeacherError(f"teacher of task {self.task.name!r} asked about task {dataset.task.name!r}")
        if self.lowercase:
            dataset = replace(dataset, functions=tuple(text.lower() for text in dataset.functions))
        return encode_for_teacher(
            self.tokenizer, dataset, max_length=self.max_sequence_length, data_flow=self.data_flow, quiet=quiet
        )

    def part_vectors(self, split: TeacherSplit, number: int) -> Floats:
        """Vectors (B, W) of one part of the split; which functions that are is always the same."""
        part = teacher_parts(split, tokens=self.tokens)[number]
        pad_id = self.tokenizer.pad_token_id
        return function_vectors(self.network, split, part, pad_id=pad_id, bf16=self.bf16)

    def _vectors(
        self, split: TeacherSplit, partial: "_Partial", judge: Elsewhere, *, label: str, quiet: bool
    ) -> Floats:
        vectors_FW = np.zeros((len(split.functions), self.network.width), dtype=np.float32)
        parts = teacher_parts(split, tokens=self.tokens)
        done = partial.load(vectors_FW, len(parts))
        saved = time.monotonic()
        with Bar(label, len(split.functions), quiet=quiet) as bar, partial.kept(vectors_FW, done):
            bar.advance(sum(len(part) for part, known in zip(parts, done, strict=True) if known))
            for number, vectors in judge(np.flatnonzero(~done).tolist()):
                vectors_FW[parts[number]], done[number] = vectors, True
                bar.advance(len(parts[number]))
                if time.monotonic() - saved > SAVE_EVERY_S:
                    partial.save(vectors_FW, done)
                    saved = time.monotonic()
        return vectors_FW


@dataclass(frozen=True, slots=True)
class _Partial:
    """Vectors of the parts that are done, on disk; `done` says of each part whether it is, shape (parts,)."""

    path: Path | None
    identity: str

    def save(self, vectors_FW: Floats, done: NDArray[np.bool_]) -> None:
        if self.path is not None:
            with atomic_write(self.path) as stream:
                np.savez(stream, vectors=vectors_FW, done=done, identity=np.array(self.identity))

    @contextmanager
    def kept(self, vectors_FW: Floats, done: NDArray[np.bool_]) -> Iterator[None]:
        """Save what is done when something goes wrong meanwhile."""
        try:
            yield
        except BaseException:
            self.save(vectors_FW, done)
            raise

    def load(self, vectors_FW: Floats, parts: int) -> NDArray[np.bool_]:
        """Fill in what an earlier call left and return which parts that is; of another teacher or data: none."""
        none = np.zeros(parts, dtype=np.bool_)
        if self.path is None or not self.path.is_file():
            return none
        try:
            arrays = read_arrays(self.path)
        except DAMAGED:
            return none  # written atomically, so this is not ours; it will be overwritten
        fits = arrays["vectors"].shape == vectors_FW.shape and arrays["done"].shape == none.shape
        if str(arrays.get("identity")) != self.identity or not fits:
            return none
        vectors_FW[:] = arrays["vectors"]
        return arrays["done"].astype(np.bool_)


class SequenceClassifier(Judge):
    """A Hugging Face sequence classifier: a function's vector is its logits already."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.width = int(model.config.num_labels)

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Logits (B, C)."""
        logits: Tensor = self.model(**functions.arguments(self.model.base_model)).logits
        return logits

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C)."""
        return vectors_BW[items_RK[:, 0]]


def _finetuned_teacher(folder: Path, section: TeacherSection, task: Task) -> NetworkTeacher:
    sheet = read_sheet(folder)
    if sheet.task.unit != task.unit or sheet.task.labels != task.labels:
        raise TeacherError(
            f"{folder}: teacher of task {sheet.task.name!r} ({sheet.task.unit}: {', '.join(sheet.task.labels)}), the "
            f"recipe's is {task.name!r} ({task.unit}: {', '.join(task.labels)}); finetune one for this task"
        )
    _check_data_flow(folder, sheet, section)
    network, tokenizer, _ = read_teacher(folder, attention=_attention(section))
    # The sheet's length and data flow rule: others than it was fine-tuned with would be another teacher.
    as_tuned = replace(
        section,
        max_sequence_length=sheet.max_sequence_length,
        data_flow=sheet.data_flow is not None,
        data_flow_mode=sheet.data_flow or section.data_flow_mode,
    )
    return _judge(network, tokenizer, as_tuned, task, columns=task.labels)


def _check_data_flow(folder: Path, sheet: TeacherSheet, section: TeacherSection) -> None:
    if section.data_flow and sheet.data_flow != section.data_flow_mode:
        was = "without data flow" if sheet.data_flow is None else f"with data flow in the {sheet.data_flow} mode"
        raise TeacherError(
            f"{folder}: this teacher was fine-tuned {was}, the recipe asks for the {section.data_flow_mode} mode; "
            "leave teacher.data_flow out, the folder knows"
        )


def _classifier_teacher(path: str, section: TeacherSection, task: Task) -> NetworkTeacher:
    from transformers import AutoModelForSequenceClassification

    if task.unit is Unit.PAIR:
        raise TeacherError(
            f"{path}: a plain Hugging Face classifier judges one text, task {task.name!r} judges pairs; use a folder "
            "made by codewren finetune, the papers' checkpoint (kind = 'papers') or a logits file (kind = 'logits')"
        )
    hush()
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            local_or_hub(path),
            revision=section.revision,
            output_loading_info=True,
            attn_implementation=_attention(section),
            dtype=torch.float32,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise TeacherError(f"teacher {path!r} cannot be loaded: {first_line(error)}") from error
    check_loading(path, info)
    if model.config.num_labels != len(task.labels):
        raise TeacherError(
            f"{path}: classifier of {model.config.num_labels} labels, task {task.name!r} has {len(task.labels)}"
        )
    tokenizer = load_tokenizer(path, model.config.vocab_size, revision=section.revision)
    check_length(path, model.base_model, section.max_sequence_length)
    if section.data_flow:
        check_graph_encoder(path, model.base_model)
    columns = _named_columns(model.config.id2label, task)
    return _judge(SequenceClassifier(model), tokenizer, section, task, columns=columns)


def _named_columns(id2label: dict[int, str], task: Task) -> tuple[str, ...]:
    """Labels in the order of the classifier's columns if it uses the task's names, else in the task's order."""
    names = tuple(id2label[index] for index in sorted(id2label))
    return names if sorted(names) == sorted(task.labels) else task.labels


def _papers_teacher(path: Path, section: TeacherSection, task: Task) -> NetworkTeacher:
    from transformers import RobertaModel

    if not section.encoder:
        raise TeacherError("teacher.encoder is missing: the folder or hub id with the encoder's config and tokenizer")
    checkpoint = read_papers_checkpoint(path, task)
    config = _papers_config(checkpoint, section)
    encoder = RobertaModel(config, add_pooling_layer=False)
    _load_exactly(encoder, checkpoint.encoder, path)
    network = TeacherNetwork(encoder, task, pooling="first")
    head = {name.replace("out_proj", "out"): value for name, value in checkpoint.head.items()}
    network.load_state_dict(head, strict=False)  # names and shapes were checked when the file was read
    tokenizer = load_tokenizer(section.encoder, checkpoint.vocab_size, revision=section.revision)
    check_length(str(path), encoder, section.max_sequence_length)
    return _judge(network, tokenizer, section, task, columns=papers_columns(task))


def _papers_config(checkpoint: PapersCheckpoint, section: TeacherSection) -> Any:
    from transformers import RobertaConfig

    return RobertaConfig(
        vocab_size=checkpoint.vocab_size,
        hidden_size=checkpoint.hidden_size,
        num_hidden_layers=checkpoint.num_hidden_layers,
        num_attention_heads=_heads(checkpoint, section),
        intermediate_size=checkpoint.intermediate_size,
        max_position_embeddings=checkpoint.positions,
        type_vocab_size=checkpoint.encoder["embeddings.token_type_embeddings.weight"].shape[0],
        layer_norm_eps=ROBERTA_LAYER_NORM_EPS,
        pad_token_id=RESERVED_POSITIONS - 1,
        attn_implementation=_attention(section),
    )


def _heads(checkpoint: PapersCheckpoint, section: TeacherSection) -> int:
    """The head count, which no state dict holds and no score betrays (SPEC: 4 heads for 8 score the same)."""
    heads = section.num_attention_heads
    if heads is None:
        raise TeacherError("teacher.num_attention_heads is missing: a state dict does not hold it (CodeBERT has 12)")
    if checkpoint.hidden_size % heads:
        raise TeacherError(
            f"teacher.num_attention_heads {heads} does not divide the checkpoint's hidden size {checkpoint.hidden_size}"
        )
    return heads


def _load_exactly(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise TeacherError(f"{path}: does not hold the encoder its shapes promise: {first_line(error)}") from error


def _judge(
    network: Judge,
    tokenizer: Any,
    section: TeacherSection,
    task: Task,
    *,
    columns: tuple[str, ...],
) -> NetworkTeacher:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return NetworkTeacher(
        network=network.to(device).eval(),
        tokenizer=tokenizer,
        task=task,
        max_sequence_length=section.max_sequence_length,
        columns=tuple(column_order(task, section.columns or columns)),
        tokens=section.batch_size * section.max_sequence_length,
        bf16=section.precision == "bf16",
        first_output_only=section.first_output_only,
        data_flow=section.data_flow_mode if section.data_flow else None,
        lowercase=section.lowercase,
    )


def _attention(section: TeacherSection) -> str:
    # Measured on one core with 256 tokens: under bf16 the plain products win, in fp32 the fused attention.
    return "eager" if section.precision == "bf16" else "sdpa"
