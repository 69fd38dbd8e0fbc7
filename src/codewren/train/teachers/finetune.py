"""Fine-tuning: make a teacher from a pretrained encoder, keep the best epoch, resume to the last digit.

All parameters are trained, and the loss is the proper cross-entropy over the labels (SPEC 4.1, items 1 and 2).
Everything random in a step follows from (seed, step), so a checkpoint holds no generator state.

Source: SPEC 1.10.
"""

import json
import math
import time
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.dataset import Dataset
from codewren.core.errors import TrainingError
from codewren.core.files import write_json
from codewren.core.progress import Bar
from codewren.core.recipe import Recipe
from codewren.core.student_config import PairHead
from codewren.data.load import load_split
from codewren.train.batches import batch_plan
from codewren.train.checkpoint import save_checkpoint
from codewren.train.distil import learning_rate_at
from codewren.train.teachers.code_graphs import check_graph_encoder
from codewren.train.teachers.folder import SHEET, TeacherSheet, read_sheet, save_teacher
from codewren.train.teachers.headed_encoder import TeacherNetwork
from codewren.train.teachers.pretrained import beside, check_first_token, check_length, load_encoder, load_tokenizer
from codewren.train.teachers.text_batches import TeacherSplit, encode_for_teacher, padded_batch, teacher_logits
from codewren.train.validation import validation_scores

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
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
    run = _Run(recipe, out, labelled=labelled, valid=valid, quiet=quiet)
    if run.is_finished():
        return read_sheet(out)
    run.resume()
    while run.epoch < recipe.finetune.epochs:
        run.train_epoch(checkpoint_every)
    return run.finish()


class _Run:
    """One fine-tuning with everything that a checkpoint must hold."""

    def __init__(self, recipe: Recipe, out: Path, *, labelled: Dataset, valid: Dataset, quiet: bool) -> None:
        self.recipe, self.options, self.out, self.quiet = recipe, recipe.finetune, out, quiet
        self.identity = _identity(recipe, labelled, valid)
        self.labelled, self.valid = labelled, valid
        self.step, self.epoch, self.seconds, self.log_bytes = 0, 0, 0.0, 0
        self.best: dict[str, float] = {}
        self.best_epoch = 0
        if not self.is_finished():
            self._load()

    def _load(self) -> None:
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
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = TeacherNetwork(
            encoder, self.recipe.task, pooling=options.pooling, pair_head=PairHead(options.pair_head)
        )
        self.network = network.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=options.learning_rate, eps=1e-8, weight_decay=options.weight_decay, fused=True
        )
        self.train_split = self._encode(self.labelled)
        self.valid_split = self._encode(self.valid)
        self.steps_per_epoch = math.ceil(len(self.train_split) / options.batch_size)
        self.total = self.steps_per_epoch * options.epochs

    def _encode(self, dataset: Dataset) -> TeacherSplit:
        options = self.options
        mode = options.data_flow_mode if options.data_flow else None
        return encode_for_teacher(
            self.tokenizer,
            dataset,
            max_length=options.max_sequence_length,
            whitespace=options.whitespace,
            data_flow=mode,
            quiet=self.quiet,
        )

    def is_finished(self) -> bool:
        """Whether `out` holds the complete teacher of exactly this run."""
        if not (self.out / SHEET).exists() or (self.out / CHECKPOINT).exists():
            return False
        sheet = read_sheet(self.out)
        if sheet.recipe.get("identity") != self.identity:
            raise TrainingError(f"{self.out} holds a teacher of other settings or data; choose another --out")
        return sheet.complete

    def train_epoch(self, checkpoint_every: int) -> None:
        """Go to the end of the current epoch, validate, keep the best, save."""
        plan = batch_plan(self.train_split, self.options.batch_size, seed=self.options.seed, epoch=self.epoch)
        done = self.step - self.epoch * self.steps_per_epoch
        started, before, losses = time.monotonic(), self.seconds, []
        self.network.train()
        with Bar(f"finetune epoch {self.epoch + 1}/{self.options.epochs}", len(plan), quiet=self.quiet) as bar:
            bar.advance(done)
            for indices in plan[done:]:
                losses.append(self._train_step(indices))
                self.seconds = before + time.monotonic() - started
                bar.advance(note=f"loss {np.mean(losses[-50:]):.4f}")
                if self.step % LOG_EVERY == 0:
                    self._log(loss=losses[-1])
                if self.step % checkpoint_every == 0:
                    self.save()
            scores = self._validate()
            self.seconds = before + time.monotonic() - started
            bar.advance(0, note="  ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        self.epoch += 1
        self._keep_if_best(scores)
        self._log(**{f"valid_{name}": value for name, value in scores.items()})
        self.save()

    def _train_step(self, indices: NDArray[np.int64]) -> float:
        options = self.options
        torch.manual_seed(int(np.random.default_rng([options.seed, self.step]).integers(2**62)))
        functions, items_RK = padded_batch(self.train_split, indices, pad_id=self.tokenizer.pad_token_id)
        labels_R = torch.from_numpy(self.train_split.labels[indices]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            logits_RC = self.network(functions.to(self.device), items_RK.to(self.device))
        loss = F.cross_entropy(logits_RC.float(), labels_R)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"loss is {value} at step {self.step + 1} of {self.total}; what was kept in {self.out} is intact: "
                f"lower finetune.learning_rate (now {options.learning_rate:g}) and choose another --out"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if options.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), options.max_grad_norm)
        self.optimizer.param_groups[0]["lr"] = self._rate()
        self.optimizer.step()
        self.step += 1
        return value

    def _rate(self) -> float:
        factor = learning_rate_at(self.step, total=self.total, warmup=self.options.warmup)
        return self.options.learning_rate * factor

    def _validate(self) -> dict[str, float]:
        bf16 = self.options.precision == "bf16"
        logits = teacher_logits(self.network, self.valid_split, pad_id=self.tokenizer.pad_token_id, bf16=bf16)
        return validation_scores(self.recipe.task, self.valid_split.labels, logits, needed=self.options.selection)

    def _keep_if_best(self, scores: dict[str, float]) -> None:
        metric = self.options.selection
        if self.best and scores[metric] < self.best[metric]:
            return
        self.best, self.best_epoch = scores, self.epoch
        save_teacher(self.out, self.network, self.tokenizer, self._sheet(complete=False))

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
        kept = read_sheet(self.out)
        write_json(self.out / SHEET, {**self._sheet(complete=True).to_dict(), "weights": kept.weights})
        (self.out / CHECKPOINT).unlink(missing_ok=True)
        return read_sheet(self.out)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        numbers = {
            "identity": self.identity,
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "log_bytes": self.log_bytes,
        }
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "numbers": json.dumps(numbers),
        }
        save_checkpoint(self.out / CHECKPOINT, state)

    def resume(self) -> None:
        """Load the checkpoint if there is one, and cut the log back to it.

        Raises:
            TrainingError: it belongs to other settings or data, or cannot be read.
        """
        path = self.out / CHECKPOINT
        if not path.exists():
            self._cut_log(0)
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            numbers = json.loads(state["numbers"])
        except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
            raise TrainingError(f"{path}: cannot be read ({error}); delete it to start again") from None
        if numbers.pop("identity") != self.identity:
            raise TrainingError(f"{path}: left by a run with other settings or data; choose another --out or delete it")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, value in numbers.items():
            setattr(self, name, value)
        self._cut_log(self.log_bytes)

    def _cut_log(self, size: int) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / LOG).open("ab") as stream:
            stream.truncate(size)

    def _log(self, **values: float) -> None:
        line: dict[str, Any] = {"step": self.step, "epoch": self.epoch, "lr": self._rate()}
        line |= {**values, "seconds": round(self.seconds, 2)}
        with (self.out / LOG).open("ab") as stream:
            stream.write((json.dumps(line) + "\n").encode())
            self.log_bytes = stream.tell()


def _identity(recipe: Recipe, labelled: Dataset, valid: Dataset) -> str:
    """Hash of everything that decides the outcome: task, settings, texts, labels."""
    settings = asdict(recipe.finetune)
    if not recipe.finetune.data_flow:  # so that what was begun before there was data flow can be resumed
        del settings["data_flow"], settings["data_flow_mode"]
    if recipe.finetune.whitespace == "collapsed":  # as it always was
        del settings["whitespace"]
    parts = [recipe.task.to_dict(), settings]
    for dataset in (labelled, valid):
        parts += [dataset.sha256(), dataset.known_labels()]  # type: ignore[list-item]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
