"""Fine-tuning: make a teacher from a pretrained encoder, keep the best epoch, resume to the last digit.

All parameters are trained, and the loss is the proper cross-entropy over the labels (SPEC 4.1, items 1 and 2); of a
multi-label task that of each label, there or not. An order is learnt as labels are: its median is taken afterwards.

Source: SPEC 1.10.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.core.dataset import Dataset
from codewren.core.errors import TrainingError
from codewren.core.files import write_json
from codewren.core.recipe import Recipe
from codewren.core.run_folder import CHECKPOINT
from codewren.core.student_config import PairHead
from codewren.data.load import load_split
from codewren.train.class_weights import NONE, item_weights
from codewren.train.distillation_loss import label_loss
from codewren.train.loop import TrainingLoop
from codewren.train.processes import Processes
from codewren.train.teachers.code_graphs import check_graph_encoder
from codewren.train.teachers.folder import SHEET, TeacherSheet, read_sheet, save_teacher
from codewren.train.teachers.headed_encoder import TeacherNetwork
from codewren.train.teachers.pretrained import beside, check_first_token, check_length, load_encoder, load_tokenizer
from codewren.train.teachers.text_batches import encode_for_teacher, padded_batch, teacher_logits
from codewren.train.validation import validation_scores

LOG_EVERY = 50
CHECKPOINT_EVERY = 200


def finetune(
    recipe: Recipe,
    out: Path,
    *,
    labelled: Dataset | None = None,
    valid: Dataset | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    quiet: bool = False,
) -> TeacherSheet:
    """Fine-tune `recipe.finetune.encoder`, or go on where a checkpoint in `out` stopped.

    `out` becomes a Hugging Face encoder folder with `head.safetensors`, `teacher.json` and `log.jsonl`; a teacher of
    the best epoch so far lies there from the first validation on.

    Args:
        recipe: `[task]` and `[finetune]` are used.
        out: folder of the teacher; also of the checkpoint while the run lasts.
        labelled: items to learn from; None reads the recipe's `labelled` split.
        valid: items that pick the epoch; None reads the recipe's `valid` split.
        checkpoint_every: steps between checkpoints.
        quiet: no progress on stderr.

    Returns:
        The sheet of the teacher that was kept, with its validation scores.

    Raises:
        TeacherError: the encoder or its tokenizer cannot be loaded in full.
        TrainingError: the loss is not finite (the last checkpoint is kept), or `out` belongs to other settings.
        InputError: an item has no label, or the disk is full.
    """
    labelled = load_split(recipe, "labelled") if labelled is None else labelled
    valid = load_split(recipe, "valid") if valid is None else valid
    if _finished(out, _identity(recipe, labelled, valid)):
        return read_sheet(out)
    loop = FinetuneLoop(recipe, out, labelled=labelled, valid=valid, checkpoint_every=checkpoint_every, quiet=quiet)
    loop.resume()
    while loop.epoch < recipe.finetune.epochs:
        loop.train_epoch()
    return loop.finish()


class FinetuneLoop(TrainingLoop):
    """The fine-tuning of one teacher: writes the best epoch's to its folder at once."""

    title, network_key, rate_key = "finetune", "network", "finetune.learning_rate"

    def __init__(
        self, recipe: Recipe, out: Path, *, labelled: Dataset, valid: Dataset, checkpoint_every: int, quiet: bool
    ) -> None:
        self.recipe, self.options, self.checkpoint_every = recipe, recipe.finetune, checkpoint_every
        self.hash = _identity(recipe, labelled, valid)
        self.best: dict[str, float] = {}
        self.best_epoch = 0
        options = self.options
        self.teacher = self._new_network()
        encode = partial(
            encode_for_teacher,
            self.tokenizer,
            max_length=options.max_sequence_length,
            whitespace=options.whitespace,
            data_flow=options.data_flow_mode if options.data_flow else None,
            quiet=quiet,
        )
        self.train_split, self.valid = encode(labelled), encode(valid)
        self.weights = item_weights(recipe.task, options.class_weights, self.train_split.labels, None)
        super().__init__(
            self.teacher, self.train_split, options, options, out=out, processes=Processes.alone(), quiet=quiet
        )

    def _new_network(self) -> TeacherNetwork:
        options = self.options
        torch.manual_seed(options.seed)  # the head's first weights
        # Measured on one core with 256 tokens: under bf16 the plain products win, in fp32 the fused attention.
        attention = "eager" if options.precision == "bf16" else "sdpa"
        path = beside(self.recipe.folder, options.encoder)
        encoder = load_encoder(path, attention=attention, attention_dropout=options.attention_dropout)
        check_length(path, encoder, options.max_sequence_length)
        if options.pooling == "first":
            check_first_token(path, encoder)
        if options.data_flow:
            check_graph_encoder(path, encoder)
        self.tokenizer = load_tokenizer(path, encoder.config.vocab_size)
        return TeacherNetwork(encoder, self.recipe.task, pooling=options.pooling, pair_head=PairHead(options.pair_head))

    @property
    def identity(self) -> str:
        """Hash of task, settings, texts and labels."""
        return self.hash

    def loss(self, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Cross-entropy over the labels (SPEC 4.1, item 2), or over each label's being there."""
        device = self.processes.device
        functions, items_RK = padded_batch(self.train_split, indices, pad_id=self.tokenizer.pad_token_id)
        labels_R = torch.from_numpy(self.train_split.labels[indices]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.options.precision == "bf16"):
            logits_RC = self.teacher(functions.to(device), items_RK.to(device))
        weights = None if self.weights is None else torch.from_numpy(self.weights[indices]).to(device)
        return label_loss(logits_RC.float(), labels_R, self.recipe.task.is_multi_label, weights)

    def after_step(self, loss: float) -> None:
        """Log and save every so many steps."""
        if self.step % LOG_EVERY == 0:
            self.log(loss=loss)
        if self.step % self.checkpoint_every == 0:
            self.save()

    def validate(self) -> dict[str, float]:
        """All scores of the validation split."""
        bf16 = self.options.precision == "bf16"
        logits = teacher_logits(self.teacher, self.valid, pad_id=self.tokenizer.pad_token_id, bf16=bf16)
        return validation_scores(self.recipe.task, self.valid.labels, logits, needed=self.options.selection)

    def end_epoch(self, losses: list[float], scores: dict[str, float]) -> dict[str, float | None]:
        """Write the teacher if it is the best so far."""
        metric = self.options.selection
        if not self.best or scores[metric] >= self.best[metric]:  # ties go to the later epoch (SPEC 1.10)
            self.best, self.best_epoch = scores, self.epoch
            save_teacher(self.out, self.teacher, self.tokenizer, self._sheet(complete=False))
        return {f"valid_{name}": value for name, value in scores.items()}

    def _sheet(self, *, complete: bool) -> TeacherSheet:
        return TeacherSheet(
            task=self.recipe.task,
            pooling=self.options.pooling,
            pair_head=self.options.pair_head,
            max_sequence_length=self.options.max_sequence_length,
            scores=self.best,
            epoch=self.best_epoch,
            complete=complete,
            recipe={"identity": self.identity, "finetune": asdict(self.options)},
            data_flow=self.options.data_flow_mode if self.options.data_flow else None,
            whitespace=self.options.whitespace,
        )

    def finish(self) -> TeacherSheet:
        """Mark the teacher complete and drop the checkpoint."""
        best = read_sheet(self.out)
        write_json(self.out / SHEET, {**self._sheet(complete=True).to_dict(), "weights": best.weights})
        (self.out / CHECKPOINT).unlink(missing_ok=True)
        return read_sheet(self.out)

    def extra_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Where it stands and what is best; the best weights lie in the teacher's folder."""
        return {}, {"epoch": self.epoch, "best": self.best, "best_epoch": self.best_epoch}

    def load_extra_state(self, tensors: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
        """Take them up again."""
        self.epoch, self.best, self.best_epoch = numbers["epoch"], numbers["best"], numbers["best_epoch"]


def _finished(out: Path, identity: str) -> bool:
    """Whether `out` holds the complete teacher of exactly this run."""
    if not (out / SHEET).exists() or (out / CHECKPOINT).exists():
        return False
    sheet = read_sheet(out)
    if sheet.recipe.get("identity") != identity:
        raise TrainingError(f"{out} holds a teacher of other settings or data; choose another --out")
    return sheet.complete


def _identity(recipe: Recipe, labelled: Dataset, valid: Dataset) -> str:
    """Hash of everything that decides the outcome: task, settings, texts, labels."""
    settings = asdict(recipe.finetune)
    if not recipe.finetune.data_flow:  # so that what was begun before there was data flow can be resumed
        del settings["data_flow"], settings["data_flow_mode"]
    if recipe.finetune.whitespace == "collapsed":  # as it always was
        del settings["whitespace"]
    if recipe.finetune.class_weights == NONE:
        del settings["class_weights"]
    decisive = [recipe.task.to_dict(), settings]
    for dataset in (labelled, valid):
        decisive += [dataset.sha256(), dataset.known_labels()]  # type: ignore[list-item]
    return sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
