"""Encoded splits, and batches of similar length that depend on seed, epoch and step only.

Letters: N tokens of a batch back to back, B distinct functions, R items, K functions per item, C labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.tokenizer_spec import BOS_ID, UNK_ID, TokenizerSpec
from codewren.train.tokenizer import encode_batch

CHUNK_BATCHES = 50
"""Batches whose items are sorted by length together: padding factor about 1.07 (ECOSYSTEM, Training)."""


@dataclass(frozen=True, slots=True)
class EncodedSplit:
    """One split as numbers.

    Attributes:
        functions: token ids of each distinct function.
        items: (n, K) indices into `functions`.
        logits: (n, C) of the teacher, or None.
        labels: (n,) true labels, -1 where unknown.
        copies: token ids of the same functions with other names for their variables, once a copy.
    """

    functions: list[NDArray[np.int32]]
    items: NDArray[np.int64]
    logits: NDArray[np.float32] | None
    labels: NDArray[np.int64]
    copies: tuple[list[NDArray[np.int32]], ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def joined(self, other: "EncodedSplit") -> "EncodedSplit":
        """Both splits as one; both need teacher logits."""
        if self.logits is None or other.logits is None:
            raise TeacherError("a split to train on has no teacher logits; run codewren label for it first")
        return EncodedSplit(
            self.functions + other.functions,
            np.concatenate([self.items, other.items + len(self.functions)]),
            np.concatenate([self.logits, other.logits]),
            np.concatenate([self.labels, other.labels]),
            tuple(mine + theirs for mine, theirs in zip(self.copies, other.copies, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What `Student.forward` takes, and what the loss compares with."""

    ids_N: Tensor
    lengths_B: Tensor
    items_RK: Tensor
    logits_RC: Tensor | None
    labels_R: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        if device.type == "cpu":
            return self
        logits = None if self.logits_RC is None else self.logits_RC.to(device)
        ids, lengths, items, labels = (t.to(device) for t in (self.ids_N, self.lengths_B, self.items_RK, self.labels_R))
        return Batch(ids, lengths, items, logits, labels)


def encode_split(
    dataset: Dataset,
    spec: TokenizerSpec,
    *,
    max_length: int,
    logits: NDArray[np.float32] | None = None,
    copies: Sequence[Mapping[str, str]] = (),
) -> EncodedSplit:
    """Tokenise each distinct function once, and the text that each of `copies` has for it."""

    def encoded(texts: list[str]) -> list[NDArray[np.int32]]:
        return [np.asarray(one or [BOS_ID], dtype=np.int32) for one in encode_batch(spec, texts, max_length)]

    return EncodedSplit(
        encoded(list(dataset.functions)),
        np.asarray(dataset.items, dtype=np.int64),
        logits,
        np.asarray([-1 if label is None else label for label in dataset.labels], dtype=np.int64),
        tuple(encoded([copy[text] for text in dataset.functions]) for copy in copies),
    )


def batch_plan(split: EncodedSplit, batch_size: int, *, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Item indices of every batch of one epoch: shuffled, then grouped by length within chunks."""
    rng = np.random.default_rng([seed, epoch])
    lengths = np.asarray([len(ids) for ids in split.functions])
    size = lengths[split.items].sum(axis=1)
    order = rng.permutation(len(split))
    chunk = batch_size * CHUNK_BATCHES
    batches = []
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        part = part[np.argsort(size[part], kind="stable")]
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def make_batch(
    split: EncodedSplit,
    indices: NDArray[np.int64],
    *,
    rng: np.random.Generator | None = None,
    word_dropout: float = 0.0,
    swap_pairs: bool = False,
    rename: float = 0.0,
) -> Batch:
    """Collate items, each distinct function once; `rng` drives the augmentation.

    Args:
        split: where they come from.
        indices: the items.
        rng: without it nothing is augmented.
        word_dropout: chance that a token becomes `<unk>`.
        swap_pairs: half of the pairs come as (b, a).
        rename: chance that a function is shown as one of its copies.
    """
    items = split.items[indices]
    if swap_pairs and rng is not None and items.shape[1] == 2:
        items = np.where(rng.random(len(items))[:, None] < 0.5, items[:, ::-1], items)
    used, local = np.unique(items, return_inverse=True)
    functions = [split.functions[i] for i in used]
    if rename and rng is not None and split.copies:
        picks = np.where(rng.random(len(used)) < rename, rng.integers(len(split.copies), size=len(used)), -1)
        functions = [split.copies[k][i] if k >= 0 else split.functions[i] for i, k in zip(used, picks, strict=True)]
    ids = np.concatenate(functions).astype(np.int64)
    if word_dropout and rng is not None:
        ids = np.where((rng.random(len(ids)) < word_dropout) & (ids > UNK_ID), UNK_ID, ids)
    return Batch(
        torch.from_numpy(ids),
        torch.tensor([len(one) for one in functions]),
        torch.from_numpy(local.reshape(items.shape)),
        None if split.logits is None else torch.from_numpy(split.logits[indices]),
        torch.from_numpy(split.labels[indices]),
    )


def function_batches(split: EncodedSplit, *, tokens: int) -> Iterator[NDArray[np.int64]]:
    """Indices of functions, similar lengths together, about `tokens` tokens a batch: for evaluation."""
    lengths = np.asarray([len(ids) for ids in split.functions])
    order = np.argsort(lengths, kind="stable")
    bounds = np.cumsum(lengths[order]) // tokens
    yield from np.split(order, np.flatnonzero(np.diff(bounds)) + 1)
