"""The training loop of every network here: steps, a validation after each epoch, resumed to the last digit.

Everything random in a step follows from (seed, step, process), so a checkpoint holds no generator state. Students, the
BiLSTM baseline and teachers differ in their batches and losses, and in what they keep of the best epoch.

Source: SPEC 1.10 (teachers), 1.11 (students).
"""

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codewren.core.errors import TrainingError
from codewren.core.files import atomic_write
from codewren.core.progress import Bar
from codewren.core.recipe_sections import DistilSection, FinetuneSection
from codewren.core.run_folder import CHECKPOINT, LOG
from codewren.core.student_config import StudentConfig
from codewren.train.batches import EncodedSplit, batch_plan
from codewren.train.processes import Processes


def learning_rate_at(step: int, *, total: int, warmup: float) -> float:
    """Factor of the peak rate: linear up over the first `warmup` share of steps, linear down to 0 (SPEC 1.11).

    >>> [learning_rate_at(step, total=10, warmup=0.2) for step in (0, 1, 5, 9)]
    [0.5, 1.0, 0.625, 0.125]
    """
    rising = max(1, math.ceil(total * warmup)) if warmup else 0
    return (step + 1) / rising if step < rising else (total - step) / max(1, total - rising)


class TrainingLoop(ABC):
    """One training with everything that a checkpoint must hold.

    Args:
        network: to be trained.
        train: the items to learn from.
        options: epochs, warm-up, clipping, weight decay, seed.
        settings: the peak of the learning rate, and the items of a step of all processes together.
        trained: the parameters that learn; None: all.
        out: folder of checkpoint and log.
        processes: those that share every batch.
        quiet: no progress on stderr.
    """

    title: ClassVar[str]
    """What the progress says is done."""
    network_key: ClassVar[str]
    """Name of the network's weights in a checkpoint."""
    rate_key: ClassVar[str]
    """What the recipe calls the peak rate."""

    def __init__(
        self,
        network: nn.Module,
        train: EncodedSplit,
        options: DistilSection | FinetuneSection,
        settings: StudentConfig | FinetuneSection,
        *,
        out: Path,
        processes: Processes,
        trained: Iterable[nn.Parameter] | None = None,
        quiet: bool = False,
    ) -> None:
        self.train, self.out, self.processes = train, out, processes
        self.epochs, self.warmup, self.seed = options.epochs, options.warmup, options.seed
        self.learning_rate, self.batch_size = settings.learning_rate, settings.batch_size
        self.max_grad_norm = options.max_grad_norm
        self.quiet = quiet or not processes.first
        self.network = network.to(processes.device)
        self.trained = list(network.parameters() if trained is None else trained)
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=self.learning_rate, eps=1e-8, weight_decay=options.weight_decay, fused=True
        )
        self.steps_per_epoch = math.ceil(len(train) / self.batch_size)
        self.steps = self.steps_per_epoch * options.epochs
        self.step, self.epoch, self.seconds = 0, 0, 0.0

    @property
    @abstractmethod
    def identity(self) -> Any:
        """Everything that decides the outcome, as JSON holds it: a checkpoint of another one is refused."""

    @abstractmethod
    def loss(self, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Mean loss of some items; `rng` drives what is random in their batch."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Scores on the validation split by name."""

    @abstractmethod
    def end_epoch(self, losses: list[float], scores: dict[str, float]) -> dict[str, float | None]:
        """Keep what an epoch's end asks for, the best weights say; returns what the log shall hold."""

    @abstractmethod
    def after_step(self, loss: float) -> None:
        """Save, or log, when it is time to."""

    @abstractmethod
    def extra_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a checkpoint holds besides network, optimizer and step: tensors, and what JSON can write."""

    @abstractmethod
    def load_extra_state(self, tensors: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
        """Take up what `extra_state` gave; `tensors` is the whole checkpoint."""

    def train_epoch(self) -> None:
        """Go to the end of the current epoch, validate, log, save."""
        plan = batch_plan(self.train, self.batch_size, seed=self.seed, epoch=self.epoch)
        done = self.step - self.epoch * self.steps_per_epoch
        self.network.train()
        started, before, losses = time.monotonic(), self.seconds, []
        with Bar(f"{self.title} epoch {self.epoch + 1}/{self.epochs}", len(plan), quiet=self.quiet) as bar:
            bar.advance(done)
            for indices in plan[done:]:
                losses.append(self.train_step(indices))
                self.seconds = before + time.monotonic() - started
                bar.advance(note=f"loss {np.mean(losses[-50:]):.4f}")
                self.after_step(losses[-1])
            scores = self.validate()
            bar.advance(0, note="  ".join(f"{name} {score:.4f}" for name, score in scores.items()))
        self.epoch += 1
        self.log(**self.end_epoch(losses, scores))
        self.save()

    def train_step(self, indices: NDArray[np.int64]) -> float:
        """One step of AdamW on these items (SPEC 1.11); returns the loss.

        Raises:
            TrainingError: the loss is not finite; nothing has been changed.
        """
        rng = np.random.default_rng([self.seed, self.step, self.processes.rank])
        torch.manual_seed(int(rng.integers(2**62)))
        share = self.processes.share(indices)
        loss = self.loss(share, rng) * (len(share) / len(indices))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value = self.processes.sum_gradients(self.trained, loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"loss is {value} at step {self.step + 1} of {self.steps}; what was kept in {self.out} is "
                f"intact: lower {self.rate_key} (now {self.learning_rate:g}) and choose another --out"
            )
        if self.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.trained, self.max_grad_norm)
        self.optimizer.param_groups[0]["lr"] = self._rate()
        self.optimizer.step()
        self.step += 1
        return value

    def save(self) -> None:
        """Write the checkpoint atomically.

        Raises:
            InputError: the disk is full; the last checkpoint is as it was.
        """
        if not self.processes.first:
            return
        tensors, numbers = self.extra_state()
        state = {
            self.network_key: self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            **tensors,
            "numbers": json.dumps({"identity": self.identity, **numbers, "step": self.step, "seconds": self.seconds}),
        }
        save_checkpoint(self.out / CHECKPOINT, state)

    def resume(self) -> None:
        """Load the checkpoint if there is one, and cut the log back to it.

        Raises:
            TrainingError: it belongs to other settings, data or teacher, or cannot be read.
        """
        path = self.out / CHECKPOINT
        if path.exists():
            try:
                state = torch.load(path, map_location=self.processes.device, weights_only=True)
                numbers = json.loads(state["numbers"])
            except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
                raise TrainingError(f"{path}: cannot be read ({error}); delete it to start again") from None
            if numbers["identity"] != self.identity:
                raise TrainingError(
                    f"{path}: left by a run with other settings or data, or another teacher; "
                    "choose another --out, or delete it"
                )
            self.network.load_state_dict(state[self.network_key])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = numbers["step"], numbers["seconds"]
            self.load_extra_state(state, numbers)
        self._cut_log()

    def log(self, **values: float | None) -> None:
        """Add a line to the log."""
        if self.processes.first:
            line = {"epoch": self.epoch, "step": self.step, "lr": self._rate()}
            with (self.out / LOG).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({**line, "seconds": round(self.seconds, 3), **values}) + "\n")

    def _rate(self) -> float:
        return self.learning_rate * learning_rate_at(self.step, total=self.steps, warmup=self.warmup)

    def _cut_log(self) -> None:
        """Drop what was logged after the checkpoint: it will be logged again."""
        path = self.out / LOG
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self.processes.first or not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        known = [line for line in lines if _moment(line) <= (self.epoch, self.step)]
        if known != lines:
            with atomic_write(path) as stream:
                stream.write("".join(known).encode())


def _moment(line: str) -> tuple[float, float]:
    """Epoch and step of a line of the log; of one cut off in the middle, after everything."""
    try:
        values = json.loads(line)
        return values["epoch"], values["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf, math.inf


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and text as `torch.load(weights_only=True)` reads them, atomically.

    Raises:
        InputError: the disk is full or the folder cannot be written; the file is as it was.
    """
    with atomic_write(path) as stream:
        try:
            torch.save(dict(state), stream)
        except RuntimeError as error:
            if isinstance(
                error.__context__, OSError
            ):  # torch's writer hides a full disk behind an assertion of its own
                raise error.__context__ from None
            raise
