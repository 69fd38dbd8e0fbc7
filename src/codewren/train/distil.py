"""Distillation: train a student on the teacher's logits, keep the best epoch, resume to the last digit.

Source: SPEC 1.11 (Compressor), 2.8 (Avatar).
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codewren.core.errors import TrainingError
from codewren.core.files import write_json
from codewren.core.recipe_sections import DistilSection
from codewren.core.run_folder import CHECKPOINT, IDENTITY
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.train.batches import Batch, EncodedSplit, batch_plan, function_batches, make_batch
from codewren.train.class_weights import NONE, weighted
from codewren.train.distillation_loss import distillation_loss
from codewren.train.feature_loss import VectorMap, relations_loss
from codewren.train.flows import batch_nodes
from codewren.train.loop import TrainingLoop
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
        out: folder for `checkpoint.pt`, `distil.json` (whose run it is) and `log.jsonl`.
        stop_after: end after this epoch; a later call with a larger number goes on from there.
        quiet: no progress on stderr.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint belongs to another run.
    """
    keep_freed_memory()
    loop = DistilLoop(
        Student(config, task, seed=options.seed, initializer_range=options.initializer_range),
        config,
        train=weighted(train, task, options.class_weights),
        valid=valid,
        options=options,
        select=select,
        out=out,
        quiet=quiet,
        predict=predict_logits,
        also=loss_of(task),
    )
    return run_to(loop, min(stop_after or options.epochs, options.epochs))


def run_to(loop: "DistilLoop", last: int) -> Distilled:
    """Train from the checkpoint to the end of epoch `last`; after the last one of all the average is tried."""
    loop.resume()
    while loop.epoch < last:
        loop.train_epoch()
    if loop.epoch == loop.epochs:
        loop.try_average()
    return loop.result()


def step_seconds(
    config: StudentConfig, task: Task, *, train: EncodedSplit, options: DistilSection, steps: int
) -> list[float]:
    """Processor seconds of each of some training steps on one thread, after one to warm up; nothing is kept.

    Of equal steps the least is least disturbed by other work; batches of long and short functions want the mean.
    """
    keep_freed_memory()
    loop = DistilLoop(
        Student(config, task, seed=options.seed, initializer_range=options.initializer_range),
        config,
        train=weighted(train, task, options.class_weights),
        valid=train,
        options=options,
        select=_no_score,
        out=Path(),
        quiet=True,
        predict=predict_logits,
        also=loss_of(task),
    )
    plan = batch_plan(train, config.batch_size, seed=options.seed, epoch=0)
    seconds = []
    with one_thread():
        for step in range(steps + 1):
            started = time.process_time()
            loop.train_step(plan[step % len(plan)])
            seconds.append(time.process_time() - started)
    return seconds[1:]


def predict_logits(student: Student, split: EncodedSplit) -> NDArray[np.float32]:
    """Logits (n, C) of every item, each distinct function encoded once."""
    student.eval()
    device = next(student.parameters()).device
    vectors = torch.empty(len(split.functions), student.config.hidden_size, device=device)
    with torch.inference_mode():
        for indices in function_batches(split, tokens=EVALUATION_TOKENS):
            functions = [split.functions[i] for i in indices]
            ids = torch.from_numpy(np.concatenate(functions).astype(np.int64)).to(device)
            lengths = torch.tensor([len(ids) for ids in functions], device=device)
            nodes = None
            if split.graphs:
                nodes = batch_nodes([split.graphs[0][i] for i in indices], [len(ids) for ids in functions]).to(device)
            vectors[torch.from_numpy(indices).to(device)] = student.encode(ids, lengths, nodes)
        logits: NDArray[np.float32] = student.head(vectors, torch.from_numpy(split.items).to(device)).cpu().numpy()
    return logits


def loss_of(task: Task) -> dict[str, bool]:
    """What names a run whose loss is not the softmax's: equal numbers would mean something else."""
    return {"multi_label": True} if task.is_multi_label else {}


class DistilLoop(TrainingLoop):
    """The distillation of one network: keeps the best epoch's weights and the average of the last steps'.

    Args:
        network: a student, or the BiLSTM baseline.
        config: its learning rate and batch size are used; all of it names the run.
        predict: the network's logits (n, C) of a split.
        also: what else names the run; `loss_of` the task is there where another loss is wanted.
    """

    title, network_key, rate_key = "distil", "student", "learning_rate"

    def __init__(
        self,
        network: nn.Module,
        config: StudentConfig,
        *,
        train: EncodedSplit,
        valid: EncodedSplit,
        options: DistilSection,
        select: Select,
        out: Path,
        quiet: bool,
        predict: Callable[[Any, EncodedSplit], NDArray[np.float32]],
        also: Mapping[str, Any] | None = None,
    ) -> None:
        trained = [parameter for name, parameter in network.named_parameters() if options.train_all or _is_matrix(name)]
        self.vector_map = _vector_map(train, config, options)
        trained += [] if self.vector_map is None else self.vector_map.parameters()
        super().__init__(network, train, options, config, out=out, processes=Processes(), trained=trained, quiet=quiet)
        self.config, self.valid, self.options, self.select, self.predict = config, valid, options, select, predict
        self.also = also or {}
        self.average_from = self.steps - math.ceil(self.steps * options.average_checkpoints)
        self.average: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.best_score, self.best_epoch = -math.inf, -1
        self.history: list[float] = []
        self._saved = time.monotonic()

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Configuration, options and the hashes of both splits."""
        options = {**asdict(self.options), "train_on": list(self.options.train_on)}
        if options["class_weights"] == NONE:  # so that what was begun before there were any can be resumed
            del options["class_weights"]
        data = {"train": self.train.sha256(), "valid": self.valid.sha256()}
        return {
            "config": self.config.to_dict(),
            "options": options,
            "items": len(self.train),
            "data": data,
            **self.also,
        }

    def loss(self, indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """The distillation loss of an augmented batch."""
        options = self.options
        batch = make_batch(
            self.train,
            indices,
            rng=rng,
            word_dropout=options.word_dropout,
            swap_pairs=options.swap_pairs,
            rename=options.rename,
        ).to(self.processes.device)
        every = self.train.weights
        weights = None if every is None else torch.from_numpy(every[indices]).to(self.processes.device)
        if options.features == "none":
            return self._distance(self.network(*batch.inputs), batch, weights)
        return self._loss_with_features(batch, weights)

    def _distance(self, student_RC: Tensor, batch: Batch, weights: Tensor | None) -> Tensor:
        """The distillation loss of the task."""
        several = "multi_label" in self.also
        return distillation_loss(student_RC, batch, self.options, multi_label=several, weights=weights)

    def _loss_with_features(self, batch: Batch, weights: Tensor | None) -> Tensor:
        """The same and what the vectors of the batch's functions say."""
        student, vectors_BW = cast(Student, self.network), batch.vectors_BW
        if vectors_BW is None:
            raise TrainingError("a split to train on has no vectors of the teacher; run codewren label again")
        student_BH = student.encode(batch.ids_N, batch.lengths_B, batch.nodes)
        student_RC = student.head(student_BH, batch.items_RK)
        loss = self._distance(student_RC, batch, weights)
        compared = relations_loss if self.vector_map is None else self.vector_map
        return loss + self.options.feature_weight * compared(student_BH, vectors_BW)

    def train_step(self, indices: NDArray[np.int64]) -> float:
        """One step, and the average of the weights after it."""
        loss = super().train_step(indices)
        if self.step > self.average_from:
            self._add_to_average()
        return loss

    def after_step(self, loss: float) -> None:
        """Save from time to time."""
        if time.monotonic() - self._saved > CHECKPOINT_EVERY_S:
            self.save()
            self._saved = time.monotonic()

    def validate(self) -> dict[str, float]:
        """The score that picks the epoch."""
        return {"valid": self.select(self.valid.labels, self.predict(self.network, self.valid))}

    def end_epoch(self, losses: list[float], scores: dict[str, float]) -> dict[str, float | None]:
        """Keep the weights if they are the best so far."""
        self._keep_if_best(scores["valid"], self.epoch)
        self.history.append(scores["valid"])
        return {"loss": float(np.mean(losses)) if losses else None, "score": scores["valid"]}

    def try_average(self) -> None:
        """Validate the average of the last steps' weights and keep it if it is better."""
        if not self.average:
            return
        current = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(self.average)
        self._keep_if_best(self.validate()["valid"], 0)
        self.network.load_state_dict(current)

    def result(self) -> Distilled:
        """The best weights as numpy arrays."""
        if not self.best:
            raise TrainingError(f"{self.out}: no epoch was finished; raise distil.epochs to at least 1")
        tensors = {name: tensor.cpu().numpy() for name, tensor in self.best.items()}
        return Distilled(tensors, self.best_score, self.best_epoch, tuple(self.history), self.seconds)

    def _add_to_average(self) -> None:
        count = self.step - self.average_from
        with torch.no_grad():
            for name, tensor in self.network.state_dict().items():
                if name in self.average:
                    self.average[name] += (tensor - self.average[name]) / count
                else:
                    self.average[name] = tensor.clone()

    def _keep_if_best(self, score: float, epoch: int) -> None:
        if score >= self.best_score:  # ties go to the later epoch, as the papers' CodeBERT scripts do (SPEC 1.11)
            self.best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            self.best_score, self.best_epoch = score, epoch

    def extra_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The best and the average weights, and what is known of the epochs."""
        numbers = {"best": [self.best_score, self.best_epoch], "history": self.history}
        also = {} if self.vector_map is None else {"vector_map": self.vector_map.state_dict()}
        return {"best": self.best, "average": self.average, **also}, numbers

    def load_extra_state(self, tensors: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
        """Take them up again."""
        self.best, self.average = tensors["best"], tensors["average"]
        if self.vector_map is not None:
            self.vector_map.load_state_dict(tensors["vector_map"])
        self.best_score, self.best_epoch = numbers["best"]
        self.history = numbers["history"]
        self.epoch = len(self.history)

    def resume(self) -> None:
        """Load the checkpoint, or write down whose run begins."""
        if not (self.out / CHECKPOINT).exists() and self.processes.first:
            write_json(self.out / IDENTITY, self.identity)
        super().resume()


def _vector_map(train: EncodedSplit, config: StudentConfig, options: DistilSection) -> VectorMap | None:
    if options.features != "vectors":
        return None
    if train.vectors is None:
        raise TrainingError("a split to train on has no vectors of the teacher; run codewren label again")
    return VectorMap(train.vectors, config.hidden_size, seed=options.seed).to(Processes().device)


def _no_score(labels: NDArray[np.int64], logits: NDArray[np.float32]) -> float:
    return 0.0


def _is_matrix(name: str) -> bool:
    return not ("bias" in name or "norm." in name)
