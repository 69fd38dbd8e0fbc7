"""Distillation: train a student on the teacher's logits, keep the best epoch, resume to the last digit.

Everything random in a step follows from (seed, epoch, step), so a checkpoint holds no generator state.

Source: SPEC 1.11 (Compressor), 2.8 (Avatar).
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.errors import TrainingError
from codewren.core.files import write_bytes, write_json
from codewren.core.progress import Bar
from codewren.core.recipe_sections import DistilSection
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.train.batches import Batch, EncodedSplit, batch_plan, function_batches, make_batch
from codewren.train.checkpoint import save_checkpoint
from codewren.train.flows import batch_nodes
from codewren.train.processes import Processes, keep_freed_memory, one_thread
from codewren.train.student import Student

CHECKPOINT_EVERY_S = 60.0
EVALUATION_TOKENS = 16_384
Select = Callable[[NDArray[np.int64], NDArray[np.float32]], float]
"""Validation labels and logits to the score that picks the epoch, larger is better."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a distillation leaves behind.

    Attributes:
        tensors: the best weights under the names of `tensor_shapes`.
        score: validation score of these weights.
        epoch: the epoch they come from; 0 is the average of the last steps.
        history: validation score after every epoch.
        seconds: training time, all sessions together.
    """

    tensors: dict[str, NDArray[np.float32]]
    score: float
    epoch: int
    history: tuple[float, ...]
    seconds: float


def distil(
    config: StudentConfig,
    task: Task,
    *,
    train: EncodedSplit,
    valid: EncodedSplit,
    options: DistilSection,
    select: Select,
    out: Path,
    stop_after: int | None = None,
    quiet: bool = False,
) -> Distilled:
    """Train a student, or go on where a checkpoint in `out` stopped.

    Args:
        config: the student; its learning rate and batch size are used.
        task: what is judged.
        train: items with teacher logits.
        valid: items with labels.
        options: loss, epochs and the rest; the schedule is laid out for `options.epochs`.
        select: validation score.
        out: folder for `checkpoint.pt`, `best.pt` and `log.jsonl`.
        stop_after: end after this epoch; a later call with a larger number goes on from there.
        quiet: no progress on stderr.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint belongs to another run.
    """
    keep_freed_memory()
    run = _Run(config, task, train=train, valid=valid, options=options, select=select, out=out, quiet=quiet)
    run.resume()
    last = min(stop_after or options.epochs, options.epochs)
    while run.epoch < last:
        run.train_epoch()
    if run.epoch == options.epochs:
        run.try_average()
    return run.result()


def step_seconds(
    config: StudentConfig, task: Task, *, train: EncodedSplit, options: DistilSection, steps: int
) -> list[float]:
    """Processor seconds of each of some training steps on one thread, after one to warm up; nothing is kept.

    Of equal steps the least is least disturbed by other work; batches of long and short functions want the mean.
    """
    keep_freed_memory()
    run = _Run(config, task, train=train, valid=train, options=options, select=_no_score, out=Path(), quiet=True)
    plan = batch_plan(train, config.batch_size, seed=options.seed, epoch=0)
    taken = []
    with one_thread():
        for step in range(steps + 1):
            started = time.process_time()
            run.train_step(plan[step % len(plan)])
            taken.append(time.process_time() - started)
    return taken[1:]


def predict_logits(student: Student, split: EncodedSplit) -> NDArray[np.float32]:
    """Logits (n, C) of every item, each distinct function encoded once."""
    student.eval()
    device = next(student.parameters()).device
    vectors = torch.empty(len(split.functions), student.config.hidden_size, device=device)
    with torch.inference_mode():
        for part in function_batches(split, tokens=EVALUATION_TOKENS):
            functions = [split.functions[i] for i in part]
            ids = torch.from_numpy(np.concatenate(functions).astype(np.int64)).to(device)
            lengths = torch.tensor([len(one) for one in functions], device=device)
            nodes = None
            if split.graphs:
                nodes = batch_nodes([split.graphs[0][i] for i in part], [len(one) for one in functions]).to(device)
            vectors[torch.from_numpy(part).to(device)] = student.encode(ids, lengths, nodes)
        logits: NDArray[np.float32] = student.head(vectors, torch.from_numpy(split.items).to(device)).cpu().numpy()
    return logits


def distillation_loss(student_RC: Tensor, batch: Batch, options: DistilSection) -> Tensor:
    """T² KL(teacher ‖ student) or the mean squared error of logits, mixed with cross-entropy where labels are known.

    Source: SPEC 1.11; Hinton et al. 2015.
    """
    if batch.logits_RC is None:
        raise TrainingError("a split to train on has no teacher logits; run codewren label for it first")
    teacher_RC, hot = batch.logits_RC, options.temperature
    if options.loss == "mse":
        loss = F.mse_loss(student_RC, teacher_RC)
    else:
        log_q, log_p = (student_RC / hot).log_softmax(-1), (teacher_RC / hot).log_softmax(-1)
        loss = hot**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    share = options.hard_label_weight
    known = batch.labels_R >= 0
    if share and bool(known.any()):
        loss = (1 - share) * loss + share * F.cross_entropy(student_RC[known], batch.labels_R[known])
    return loss


def learning_rate_at(step: int, *, total: int, warmup: float) -> float:
    """Factor of the peak rate: linear up over the first `warmup` share of steps, linear down to 0.

    >>> [learning_rate_at(step, total=10, warmup=0.2) for step in (0, 1, 5, 9)]
    [0.5, 1.0, 0.625, 0.125]
    """
    rising = max(1, math.ceil(total * warmup)) if warmup else 0
    return (step + 1) / rising if step < rising else (total - step) / max(1, total - rising)


class _Run:
    """One training with everything that a checkpoint must hold."""

    def __init__(
        self,
        config: StudentConfig,
        task: Task,
        *,
        train: EncodedSplit,
        valid: EncodedSplit,
        options: DistilSection,
        select: Select,
        out: Path,
        quiet: bool,
    ) -> None:
        self.config, self.task, self.train, self.valid = config, task, train, valid
        self.options, self.select, self.out = options, select, out
        self.processes = Processes()
        self.quiet = quiet or not self.processes.first
        self.student = self._build().to(self.processes.device)
        self.trained = [
            parameter for name, parameter in self.student.named_parameters() if options.train_all or _is_matrix(name)
        ]
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=config.learning_rate, eps=1e-8, weight_decay=options.weight_decay, fused=True
        )
        self.steps_per_epoch = math.ceil(len(train) / config.batch_size)
        self.total = self.steps_per_epoch * options.epochs
        self.average_from = self.total - math.ceil(self.total * options.average_checkpoints)
        self.average: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.best_score, self.best_epoch = -math.inf, -1
        self.history: list[float] = []
        self.step, self.seconds = 0, 0.0

    @cached_property
    def _train_sha256(self) -> str:
        return self.train.sha256()

    @cached_property
    def _valid_sha256(self) -> str:
        return self.valid.sha256()

    def _build(self) -> nn.Module:
        """The network to train; the BiLSTM baseline puts its own here."""
        return Student(self.config, self.task, seed=self.options.seed)

    def _predict(self, split: EncodedSplit) -> NDArray[np.float32]:
        return predict_logits(cast(Student, self.student), split)

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history)

    def train_epoch(self) -> None:
        """Go to the end of the current epoch, validate, keep the best, save."""
        plan = batch_plan(self.train, self.config.batch_size, seed=self.options.seed, epoch=self.epoch)
        done = self.step - self.epoch * self.steps_per_epoch
        self.student.train()
        started = saved = time.monotonic()
        before, losses = self.seconds, []
        with Bar(f"distil epoch {self.epoch + 1}/{self.options.epochs}", len(plan), quiet=self.quiet) as bar:
            bar.advance(done)
            for indices in plan[done:]:
                losses.append(self.train_step(indices))
                bar.advance(note=f"loss {np.mean(losses[-50:]):.4f}")
                self.seconds = before + time.monotonic() - started
                if time.monotonic() - saved > CHECKPOINT_EVERY_S:
                    self.save()
                    saved = time.monotonic()
            score = self._validate(self.epoch + 1)
            bar.advance(0, note=f"loss {np.mean(losses) if losses else math.nan:.4f}  valid {score:.4f}")
        self.history.append(score)
        self._log(loss=float(np.mean(losses)) if losses else None, score=score)
        self.save()

    def try_average(self) -> None:
        """Validate the average of the last steps' weights and keep it if it is better."""
        if not self.average:
            return
        current = {name: tensor.clone() for name, tensor in self.student.state_dict().items()}
        self.student.load_state_dict(self.average)
        self._validate(0)
        self.student.load_state_dict(current)

    def result(self) -> Distilled:
        """The best weights as numpy arrays."""
        if not self.best:
            raise TrainingError(f"{self.out}: no epoch was finished; raise distil.epochs to at least 1")
        tensors = {name: tensor.cpu().numpy() for name, tensor in self.best.items()}
        return Distilled(tensors, self.best_score, self.best_epoch, tuple(self.history), self.seconds)

    def train_step(self, indices: NDArray[np.int64]) -> float:
        """One step on these items; returns the loss."""
        options = self.options
        rng = np.random.default_rng([options.seed, self.step, self.processes.rank])
        torch.manual_seed(int(rng.integers(2**62)))
        mine = self.processes.share(indices)
        batch = make_batch(
            self.train,
            mine,
            rng=rng,
            word_dropout=options.word_dropout,
            swap_pairs=options.swap_pairs,
            rename=options.rename,
        ).to(self.processes.device)
        loss = distillation_loss(self.student(*batch.inputs), batch, options)
        loss = loss * (len(mine) / len(indices))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value = self.processes.sum_gradients(self.trained, loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"loss is {value} at step {self.step + 1}; the last checkpoint in {self.out} is intact: "
                f"lower learning_rate (now {self.config.learning_rate:g}) or set distil.max_grad_norm"
            )
        if options.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.trained, options.max_grad_norm)
        factor = learning_rate_at(self.step, total=self.total, warmup=options.warmup)
        self.optimizer.param_groups[0]["lr"] = self.config.learning_rate * factor
        self.optimizer.step()
        self.step += 1
        if self.step > self.average_from:
            self._add_to_average()
        return value

    def _add_to_average(self) -> None:
        count = self.step - self.average_from
        with torch.no_grad():
            for name, tensor in self.student.state_dict().items():
                if name in self.average:
                    self.average[name] += (tensor - self.average[name]) / count
                else:
                    self.average[name] = tensor.clone()

    def _validate(self, epoch: int) -> float:
        score = self.select(self.valid.labels, self._predict(self.valid))
        self.student.train()
        if score >= self.best_score:  # ties go to the later epoch, as the papers' CodeBERT scripts do
            self.best = {name: tensor.detach().clone() for name, tensor in self.student.state_dict().items()}
            self.best_score, self.best_epoch = score, epoch
        return score

    def _identity(self) -> dict[str, Any]:
        options = {**asdict(self.options), "train_on": list(self.options.train_on)}
        data = {"train": self._train_sha256, "valid": self._valid_sha256}
        return {"config": self.config.to_dict(), "options": options, "items": len(self.train), "data": data}

    def save(self) -> None:
        """Write `checkpoint.pt` atomically."""
        if not self.processes.first:
            return
        state = {
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "average": self.average,
            "numbers": json.dumps(
                {
                    "identity": self._identity(),
                    "best": [self.best_score, self.best_epoch],
                    "history": self.history,
                    "step": self.step,
                    "seconds": self.seconds,
                }
            ),
        }
        save_checkpoint(self.out / "checkpoint.pt", state)

    def resume(self) -> None:
        """Load `checkpoint.pt` if there is one.

        Raises:
            TrainingError: it belongs to another configuration, data or teacher, or cannot be read.
        """
        path = self.out / "checkpoint.pt"
        if not path.exists():
            write_json(self.out / "distil.json", self._identity())
            self._cut_log(0)
            return
        try:
            state = torch.load(path, map_location=self.processes.device, weights_only=True)
            numbers = json.loads(state["numbers"])
        except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
            raise TrainingError(f"{path}: cannot be read ({error}); delete it to start again") from None
        if numbers["identity"] != self._identity():
            raise TrainingError(
                f"{path}: left by a run with other settings, data or teacher; choose another --out, or delete it"
            )
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.average = state["best"], state["average"]
        self.best_score, self.best_epoch = numbers["best"]
        self.history, self.step, self.seconds = numbers["history"], numbers["step"], numbers["seconds"]
        self._cut_log(len(self.history))

    def _cut_log(self, epochs: int) -> None:
        """Forget lines of epochs that were logged and then lost: a kill may come before their checkpoint."""
        path = self.out / "log.jsonl"
        if self.processes.first and path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            if len(lines) > epochs:
                write_bytes(path, b"".join(lines[:epochs]))

    def _log(self, **values: float | None) -> None:
        if self.processes.first:
            line = {"epoch": self.epoch, "step": self.step, "seconds": round(self.seconds, 3), **values}
            with (self.out / "log.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")


def _no_score(labels: NDArray[np.int64], logits: NDArray[np.float32]) -> float:
    return 0.0


def _is_matrix(name: str) -> bool:
    return not ("bias" in name or "norm." in name)
