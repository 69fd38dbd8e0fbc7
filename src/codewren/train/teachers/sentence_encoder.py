"""A folder of sentence-transformers as a teacher of pairs: two vectors, their cosine, and what a cosine means.

Read without that library: a Transformer, a Pooling and, if they are there, Normalize; other modules are refused. A
cosine is no probability, so its scale and its middle are fitted to labelled pairs by logistic regression.

Source: Reimers and Gurevych, Sentence-BERT, EMNLP 2019.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError
from codewren.core.files import read_json
from codewren.core.recipe_sections import TeacherSection
from codewren.core.task import Task, Unit
from codewren.train.teachers.headed_encoder import FunctionBatch, ItemClassifier
from codewren.train.teachers.network import NetworkTeacher
from codewren.train.teachers.pretrained import check_length, load_encoder, load_tokenizer

MODULES = "modules.json"
POOLINGS = {"pooling_mode_cls_token": "first", "pooling_mode_mean_tokens": "mean", "cls": "first", "mean": "mean"}
LABELLED_PAIRS = 1_000
"""That scale and middle are fitted to, at most."""


class PairSimilarity(ItemClassifier):
    """Logits 0 and scale * (cosine - middle), the latter of the positive label."""

    scale: Tensor
    middle: Tensor

    def __init__(self, encoder: Any, *, pooling: str, positive: int) -> None:
        super().__init__()
        if hasattr(encoder, "pooler"):
            encoder.pooler = None
        self.encoder, self.pooling, self.positive = encoder, pooling, positive
        self.width = int(encoder.config.hidden_size)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("middle", torch.zeros(()))

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Vectors (B, H) of length 1."""
        hidden_BTH = self.encoder(**functions.arguments(self.encoder)).last_hidden_state.float()
        if self.pooling == "first":
            return F.normalize(hidden_BTH[:, 0], dim=1)
        return F.normalize((hidden_BTH * functions.mask_BT[..., None]).sum(1), dim=1)

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, 2)."""
        left_RW, right_RW = vectors_BW[items_RK].unbind(1)
        odds_R = self.scale * ((left_RW * right_RW).sum(1) - self.middle)
        columns = [torch.zeros_like(odds_R), odds_R]
        return torch.stack(columns if self.positive else columns[::-1], dim=1)


def sentence_teacher(
    folder: Path, section: TeacherSection, task: Task, *, labelled: Callable[[], Dataset]
) -> NetworkTeacher:
    """A sentence-transformers folder; `labelled` gives pairs whose labels say what a cosine means.

    Raises:
        TeacherError: a module that is not known, a task that is no two-label task on pairs, or no pairs of both labels.
    """
    if task.unit is not Unit.PAIR or len(task.labels) != 2:
        raise TeacherError(
            f"{folder}: a sentence-transformers folder compares two texts, task {task.name!r} does not; give its "
            "encoder a head: finetune.encoder, with finetune.pooling = 'mean'"
        )
    encoder_folder, pooling = _modules(folder)
    encoder = load_encoder(str(encoder_folder), attention="eager" if section.precision == "bf16" else "sdpa")
    settings = _settings(encoder_folder / "sentence_bert_config.json")
    length = min(section.max_sequence_length, int(settings.get("max_seq_length") or section.max_sequence_length))
    check_length(str(folder), encoder, length)
    network = PairSimilarity(encoder, pooling=pooling, positive=task.positive_index)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teacher = NetworkTeacher(
        network=network.to(device).eval(),
        tokenizer=load_tokenizer(str(encoder_folder), encoder.config.vocab_size),
        task=task,
        max_sequence_length=length,
        columns=(0, 1),
        tokens=section.batch_size * length,
        bf16=section.precision == "bf16",
        lowercase=section.lowercase or bool(settings.get("do_lower_case")),
        whitespace=section.whitespace or "raw",
    )
    _fit(teacher, network, labelled(), folder)
    return teacher


def _modules(folder: Path) -> tuple[Path, str]:
    """Folder of the encoder, and how its tokens are pooled."""
    try:
        modules = [
            (str(module["type"]).rsplit(".", 1)[-1], folder / module["path"]) for module in read_json(folder / MODULES)
        ]
        kinds = [kind for kind, _ in modules]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            raise TeacherError(
                f"{folder}: modules {', '.join(kinds)}; only Transformer, Pooling and Normalize are read; "
                "hand its logits in as a file (kind = 'logits')"
            )
        modes = read_json(modules[1][1] / "config.json")
    except (InputError, KeyError, TypeError) as error:
        raise TeacherError(f"{folder}: not a sentence-transformers folder ({error}); save it again") from error
    chosen = [name for name, used in modes.items() if name.startswith("pooling_mode_") and used is True]
    chosen = chosen or [str(modes.get("pooling_mode"))]
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        raise TeacherError(f"{folder}: pooling by {', '.join(chosen)}; the first token or the mean is read")
    return modules[0][1], POOLINGS[chosen[0]]


def _settings(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def _fit(teacher: NetworkTeacher, network: PairSimilarity, labelled: Dataset, folder: Path) -> None:
    """Set scale and middle by logistic regression of the labels on the cosines."""
    from sklearn.linear_model import LogisticRegression

    known = [index for index, label in enumerate(labelled.labels) if label is not None][:LABELLED_PAIRS]
    some = labelled.subset(known)
    positive = np.asarray([label == teacher.task.positive_index for label in some.labels])
    if positive.all() or not positive.any():
        raise TeacherError(
            f"{folder}: {len(known)} labelled pairs of one label; pairs of both must say what a cosine means "
            "(data.labelled)"
        )
    margins = teacher.logits(some)
    cosines = margins[:, network.positive] - margins[:, 1 - network.positive]
    model = LogisticRegression(C=1e4, class_weight=None).fit(cosines[:, None], positive)
    scale, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    if scale <= 0:
        raise TeacherError(
            f"{folder}: its cosines are no larger for {teacher.task.positive!r} pairs; name another teacher"
        )
    with torch.no_grad():
        network.scale.fill_(scale)
        network.middle.fill_(-shift / scale)
