"""One training in several processes: `torchrun --nproc_per_node 2 -m codewren …`; alone it costs nothing."""

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Names of malloc.h."""


class Processes:
    """This process among the others that `torchrun` started (gloo on CPU, nccl on GPU)."""

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        cuda = torch.cuda.is_available()
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = torch.device("cuda", local) if cuda else torch.device("cpu")
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")

    @classmethod
    def alone(cls) -> Self:
        """This process by itself, whatever others there are."""
        processes = cls.__new__(cls)
        processes.size, processes.rank = 1, 0
        processes.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return processes

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def share(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's part of a batch; the last processes take its first item where there are too few."""
        mine = indices[self.rank :: self.size]
        return mine if len(mine) else indices[:1]

    def sum_gradients(self, parameters: Sequence[Tensor], loss: Tensor) -> float:
        """Add up gradients and loss over all processes; returns the loss."""
        if self.size > 1:
            grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
            flat = torch.cat([loss.reshape(1), *(grad.flatten() for grad in grads)])
            dist.all_reduce(flat)
            loss, gradients = flat[0], flat[1:]
            for parameter, gradient in zip(parameters, torch.split(gradients, [g.numel() for g in grads]), strict=True):
                parameter.grad = gradient.view_as(parameter)
        return float(loss)


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks; elsewhere it does nothing.

    A step's tensors are as large as the last one's, and asking the system for zeroed pages anew costs a fifth of a
    student's training time (docs/log.md).
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_TOP_PAD, 1 << 28)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread meanwhile, so that a latency means the same on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def use_threads(count: int) -> None:
    """Torch computes on so many threads from now on."""
    torch.set_num_threads(count)


def has_gpu() -> bool:
    """Whether trainings and teachers run on a GPU here."""
    return torch.cuda.is_available()
