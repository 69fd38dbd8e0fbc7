"""Where a network comes from that teaches: a fine-tuned folder, a Hugging Face classifier, the papers' state dict.

Loading is strict: a head that would be random, a tokenizer that is not the model's, or a wrong number of labels is an
error, never a line in a log.
"""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from codewren.core.errors import TeacherError
from codewren.core.recipe_sections import TeacherSection
from codewren.core.task import Kind, Task, Unit
from codewren.train.teachers.adapters import is_adapter, merged_classifier
from codewren.train.teachers.code_graphs import check_graph_encoder
from codewren.train.teachers.folder import TeacherSheet, read_sheet, read_teacher
from codewren.train.teachers.headed_encoder import FunctionBatch, ItemClassifier, TeacherNetwork
from codewren.train.teachers.network import NetworkTeacher
from codewren.train.teachers.onnx_classifier import OnnxClassifier, onnx_file
from codewren.train.teachers.papers_checkpoint import (
    RESERVED_POSITIONS,
    PapersCheckpoint,
    column_order,
    papers_columns,
    read_papers_checkpoint,
)
from codewren.train.teachers.pretrained import check_length, check_loading, first_line, load_model, load_tokenizer

ROBERTA_LAYER_NORM_EPS = 1e-5
NO_NAME = re.compile(r"(LABEL_)?\d+", re.IGNORECASE)
"""What transformers calls outputs that nobody named."""


def finetuned_teacher(folder: Path, section: TeacherSection, task: Task) -> NetworkTeacher:
    """A folder that `codewren finetune` made.

    Raises:
        TeacherError: it was made for another task or another use of data flow, or cannot be read.
    """
    sheet = read_sheet(folder)
    if sheet.task.unit != task.unit or sheet.task.labels != task.labels:
        raise TeacherError(
            f"{folder}: teacher of task {sheet.task.name!r} ({sheet.task.unit}: {', '.join(sheet.task.labels)}), the "
            f"recipe's is {task.name!r} ({task.unit}: {', '.join(task.labels)}); finetune one for this task"
        )
    _check_data_flow(folder, sheet, section)
    if section.whitespace not in (None, sheet.whitespace):
        raise TeacherError(
            f"{folder}: this teacher was fine-tuned on text with {sheet.whitespace} white space, the recipe asks for "
            f"{section.whitespace}; leave teacher.whitespace out, the folder knows"
        )
    network, tokenizer, _ = read_teacher(folder, attention=_attention(section))
    # The sheet's length and data flow rule: others than it was fine-tuned with would be another teacher.
    as_tuned = replace(
        section,
        max_sequence_length=sheet.max_sequence_length,
        data_flow=sheet.data_flow is not None,
        data_flow_mode=sheet.data_flow or section.data_flow_mode,
        whitespace=sheet.whitespace,
    )
    return _network_teacher(network, tokenizer, as_tuned, task, columns=task.labels)


def _check_data_flow(folder: Path, sheet: TeacherSheet, section: TeacherSection) -> None:
    if section.data_flow and sheet.data_flow != section.data_flow_mode:
        was = "without data flow" if sheet.data_flow is None else f"with data flow in the {sheet.data_flow} mode"
        raise TeacherError(
            f"{folder}: this teacher was fine-tuned {was}, the recipe asks for the {section.data_flow_mode} mode; "
            "leave teacher.data_flow out, the folder knows"
        )


def classifier_teacher(path: str, section: TeacherSection, task: Task) -> NetworkTeacher:
    """A plain Hugging Face sequence classifier, a folder or a hub id; of a task on pairs a cross-encoder.

    The folder may hold a LoRA adapter, or the model as ONNX. It reads the text as it stands, unless
    `section.whitespace` says otherwise. One output counts as the log-odds of
    the positive label.

    Raises:
        TeacherError: it cannot be loaded in full, or judges something else than the task.
    """
    if task.unit is Unit.PAIR and section.data_flow:
        raise TeacherError(f"{path}: reads pairs as one text, which has no data flow; leave out teacher.data_flow")
    section = replace(section, whitespace=section.whitespace or "raw")
    exported = onnx_file(path)
    if exported is not None:
        return _exported_teacher(exported, section, task)
    model, words = _classifier(path, section)
    _check_outputs(path, model.config, task)
    tokenizer = load_tokenizer(words, model.config.vocab_size, revision=section.revision)
    # A decoder finds its last token by what pads: that of its batches, whatever its configuration says.
    model.config.pad_token_id = tokenizer.pad_token_id
    check_length(path, model.base_model, section.max_sequence_length)
    if section.data_flow:
        check_graph_encoder(path, model.base_model)
    return _judging(path, SequenceClassifier(model), tokenizer, section, task, config=model.config)


def _classifier(path: str, section: TeacherSection) -> tuple[Any, str]:
    """The classifier, an adapter merged into its model, and where its tokenizer is."""
    from transformers import AutoModelForSequenceClassification

    attention = _attention(section)
    if is_adapter(path):
        model, below = merged_classifier(path, base=section.encoder, attention=attention)
        return model, path if (Path(path) / "tokenizer_config.json").is_file() else below
    model, info = load_model(AutoModelForSequenceClassification, path, attention=attention, revision=section.revision)
    check_loading(path, info)
    return model, path


def _exported_teacher(file: Path, section: TeacherSection, task: Task) -> NetworkTeacher:
    """An ONNX file with the config.json and the tokenizer of the model it was exported from, beside it or above."""
    from transformers import AutoConfig

    folder = next((one for one in (file.parent, file.parent.parent) if (one / "config.json").is_file()), None)
    if not file.is_file() or folder is None:
        missing = "no such file" if folder else "no config.json beside it"
        raise TeacherError(
            f"{file}: {missing}; wanted: an ONNX classifier with the config.json and the tokenizer of its model, as "
            "optimum-cli export onnx writes them"
        )
    if section.data_flow:
        raise TeacherError(f"{file}: an ONNX model reads no data flow; leave out teacher.data_flow")
    config = AutoConfig.from_pretrained(folder)
    _check_outputs(str(file), config, task)
    tokenizer = load_tokenizer(str(folder), config.vocab_size)
    check_length(str(file), SimpleNamespace(config=config), section.max_sequence_length)
    return _judging(str(file), OnnxClassifier(file, config), tokenizer, section, task, config=config)


def _judging(
    path: str, classifier: ItemClassifier, tokenizer: Any, section: TeacherSection, task: Task, *, config: Any
) -> NetworkTeacher:
    """The teacher whose outputs are as many as the configuration says: one a label, or one number for all."""
    if config.num_labels > 1:
        columns = tuple(section.columns) or _named_columns(path, config.id2label, task)
        return _network_teacher(classifier, tokenizer, section, task, columns=columns)
    if task.kind is Kind.ORDINAL:
        grades = Grades(classifier, len(task.labels))
        return _network_teacher(grades, tokenizer, section, task, columns=task.labels)
    return _network_teacher(LogOdds(classifier), tokenizer, section, task, columns=_negative_first(task))


def _check_outputs(path: str, config: Any, task: Task) -> None:
    """Raise unless the outputs are one label's logits each, the log-odds of the positive label, or a place in an order.

    The loss that a classifier was trained with (`problem_type`) says which, where its folder says it.
    """
    trained_for, outputs = config.problem_type, config.num_labels
    if trained_for == "regression":
        if task.kind is not Kind.ORDINAL or outputs != 1:
            raise TeacherError(
                f"{path}: a regression of {outputs} numbers, task {task.name!r} is {task.kind}; one number teaches a "
                "task of task.kind = 'ordinal', whose labels it counts from 0"
            )
        return
    if trained_for is not None and (trained_for == "multi_label_classification") != task.is_multi_label:
        raise TeacherError(
            f"{path}: a teacher of {trained_for}, task {task.name!r} is {task.kind}; set task.kind, or its "
            "problem_type in config.json, to what it was trained for"
        )
    alone = outputs == 1 and (len(task.labels) == 2 or task.kind is Kind.ORDINAL) and not task.is_multi_label
    if outputs != len(task.labels) and not alone:
        raise TeacherError(f"{path}: classifier of {outputs} labels, task {task.name!r} has {len(task.labels)}")


def _negative_first(task: Task) -> tuple[str, ...]:
    return tuple(sorted(task.labels, key=lambda label: label == task.positive))


def _named_columns(path: str, id2label: dict[int, str], task: Task) -> tuple[str, ...]:
    """Labels in the order of the classifier's columns: by its own names, else (`LABEL_0`) in the task's order.

    Raises:
        TeacherError: it has names of its own that are not the task's.
    """
    own = {label.lower(): label for label in task.labels}
    names = tuple(str(id2label[index]) for index in sorted(id2label))
    if sorted(name.strip().lower() for name in names) == sorted(own):
        return tuple(own[name.strip().lower()] for name in names)
    if all(NO_NAME.fullmatch(name) for name in names):
        return task.labels
    raise TeacherError(
        f"{path}: the classifier's outputs are {', '.join(names)}, the task's labels {', '.join(task.labels)}; "
        f"name the task's labels in the order of the outputs, for example teacher.columns = {list(task.labels)}"
    )


class LogOdds(ItemClassifier):
    """A classifier with one output z, through a sigmoid: as logits (0, z), the positive label last."""

    def __init__(self, classifier: ItemClassifier) -> None:
        super().__init__()
        # The name `judge` enters the teacher's hash, by which its logits are known again.
        self.judge, self.width, self.pads_left = classifier, classifier.width, classifier.pads_left

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Vectors (B, W)."""
        return self.judge.encode(functions)

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, 2)."""
        odds_R1 = self.judge.classify(vectors_BW, items_RK)
        return torch.cat([torch.zeros_like(odds_R1), odds_R1], dim=1)


class Grades(ItemClassifier):
    """A regression z that counts the labels of an order from 0: as logits -(z - k)² / (2 s²), a bell curve around it.

    s is one half, so that a z on a label gives it 0.79 of the probability where it has two neighbours.
    """

    spread = 0.5

    def __init__(self, classifier: ItemClassifier, labels: int) -> None:
        super().__init__()
        self.grader, self.width, self.pads_left = classifier, classifier.width, classifier.pads_left
        self.labels = labels

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Vectors (B, W)."""
        return self.grader.encode(functions)

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C)."""
        grades_R1 = self.grader.classify(vectors_BW, items_RK)
        steps_RC = grades_R1 - torch.arange(self.labels, device=grades_R1.device)
        return -(steps_RC**2) / (2 * self.spread**2)


class SequenceClassifier(ItemClassifier):
    """A Hugging Face sequence classifier: a function's vector is its logits already."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.width = int(model.config.num_labels)
        self.pads_left = model.config.model_type == "xlnet"

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Logits (B, C)."""
        logits: Tensor = self.model(**functions.arguments(self.model.base_model)).logits
        return logits

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C)."""
        return vectors_BW[items_RK[:, 0]]


def papers_teacher(path: Path, section: TeacherSection, task: Task) -> NetworkTeacher:
    """The papers' fine-tuned state dict; `section.encoder` gives what it does not hold.

    Raises:
        TeacherError: something the state dict does not hold is not given, or it does not fit the task or the encoder.
    """
    from transformers import RobertaModel

    if not section.encoder:
        raise TeacherError("teacher.encoder is missing: the folder or hub id with the encoder's config and tokenizer")
    checkpoint = read_papers_checkpoint(path, task)
    config = _papers_config(checkpoint, section)
    encoder = RobertaModel(config, add_pooling_layer=False)
    _load_exactly(encoder, checkpoint.encoder, path)
    network = TeacherNetwork(encoder, task, pooling="first", outputs=checkpoint.outputs)
    head = {name.replace("out_proj", "out"): value for name, value in checkpoint.head.items()}
    network.load_state_dict(head, strict=False)  # names and shapes were checked when the file was read
    tokenizer = load_tokenizer(section.encoder, checkpoint.vocab_size, revision=section.revision)
    check_length(str(path), encoder, section.max_sequence_length)
    if checkpoint.outputs == 1:
        return _network_teacher(LogOdds(network), tokenizer, section, task, columns=_negative_first(task))
    return _network_teacher(network, tokenizer, section, task, columns=papers_columns(task))


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


def _network_teacher(
    network: ItemClassifier,
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
        whitespace=section.whitespace or "collapsed",
        joins_pairs=task.unit is Unit.PAIR and isinstance(_innermost(network), SequenceClassifier | OnnxClassifier),
    )


def _innermost(network: ItemClassifier) -> ItemClassifier:
    return getattr(network, "judge", getattr(network, "grader", network))


def _attention(section: TeacherSection) -> str:
    # Measured on one core with 256 tokens: under bf16 the plain products win, in fp32 the fused attention.
    return "eager" if section.precision == "bf16" else "sdpa"
