"""Encoded splits, and batches of similar length that depend on seed, epoch and step only.

Letters: N tokens of a batch back to back, B distinct functions, R items, K functions per item, C labels.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.bundle.tokenizer_spec import BOS_ID, UNK_ID, TokenizerSpec
from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.train.flows import Flows, Graph, Nodes, batch_nodes
from codewren.train.tokenizer_training import encode_batch

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
        graphs: nodes of the data flow of `functions`, then of each of `copies`; empty where only code is read.
        vectors: (F, W) the teacher's own of `functions`, where the student learns from them too.
        weights: what each item counts in the loss, (n, 1) or, label by label, (n, C); None: all alike.
    """

    functions: list[NDArray[np.int32]]
    items: NDArray[np.int64]
    logits: NDArray[np.float32] | None
    labels: NDArray[np.int64]
    copies: tuple[list[NDArray[np.int32]], ...] = ()
    graphs: tuple[list[Graph], ...] = ()
    vectors: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def sha256(self) -> str:
        """Hash of what a training or a validation on this split depends on; weights follow from it and the recipe."""
        digest = hashlib.sha256()
        for functions in (self.functions, *self.copies):
            _add(digest, np.asarray([len(ids) for ids in functions]), *functions)
        _add(digest, self.items, self.labels, *(array for array in (self.logits, self.vectors) if array is not None))
        for graphs in self.graphs:
            for graph in graphs:
                _add(digest, graph.spans, graph.edges)
        return digest.hexdigest()

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
            tuple(mine + theirs for mine, theirs in zip(self.graphs, other.graphs, strict=True)),
            None if self.vectors is None or other.vectors is None else np.concatenate([self.vectors, other.vectors]),
        )


def _add(digest: "hashlib._Hash", *arrays: NDArray[Any]) -> None:
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())


@dataclass(frozen=True, slots=True)
class Batch:
    """What `Student.forward` takes, and what the loss compares with."""

    ids_N: Tensor
    lengths_B: Tensor
    items_RK: Tensor
    logits_RC: Tensor | None
    labels_R: Tensor
    nodes: Nodes | None = None
    vectors_BW: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...] | tuple[Tensor, Tensor, Tensor, Nodes]:
        """Arguments of `Student.forward`; nodes only where there are any, because other networks know none."""
        code = (self.ids_N, self.lengths_B, self.items_RK)
        return code if self.nodes is None else (*code, self.nodes)

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        if device.type == "cpu":
            return self
        logits = None if self.logits_RC is None else self.logits_RC.to(device)
        ids, lengths, items, labels = (t.to(device) for t in (self.ids_N, self.lengths_B, self.items_RK, self.labels_R))
        vectors = None if self.vectors_BW is None else self.vectors_BW.to(device)
        return Batch(ids, lengths, items, logits, labels, self.nodes and self.nodes.to(device), vectors)


def encode_split(
    dataset: Dataset,
    spec: TokenizerSpec,
    *,
    max_length: int,
    logits: NDArray[np.float32] | None = None,
    copies: Sequence[Mapping[str, str]] = (),
    max_data_flow: int = 0,
    cache: Path | None = None,
    vectors: NDArray[np.float32] | None = None,
) -> EncodedSplit:
    """Tokenise each distinct function once, and the text that each of `copies` has for it.

    Args:
        dataset: the split.
        spec: the tokenizer.
        max_length: ids of a function at most.
        logits: of the teacher.
        copies: another text for each function.
        max_data_flow: nodes of a function at most; 0 reads code only.
        cache: folder that keeps the graphs.
        vectors: (F, W) of the teacher.

    Raises:
        InputError: data flow is wanted and the task's language has none.
    """
    graphs: list[list[Graph]] = []

    def encoded(texts: list[str]) -> list[NDArray[np.int32]]:
        if max_data_flow:
            flows = Flows.cached(texts, dataset.task, cache=cache)
            ids, nodes = flows.encoded(spec, max_length=max_length, max_nodes=max_data_flow)
            graphs.append(nodes)
            return ids
        return [np.asarray(ids or [BOS_ID], dtype=np.int32) for ids in encode_batch(spec, texts, max_length)]

    return EncodedSplit(
        encoded(list(dataset.functions)),
        np.asarray(dataset.items, dtype=np.int64),
        logits,
        np.asarray([-1 if label is None else label for label in dataset.labels], dtype=np.int64),
        tuple(encoded([copy[text] for text in dataset.functions]) for copy in copies),
        tuple(graphs),
        vectors,
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
        chunk_items = order[start : start + chunk]
        chunk_items = chunk_items[np.argsort(size[chunk_items], kind="stable")]
        batches += [chunk_items[i : i + batch_size] for i in range(0, len(chunk_items), batch_size)]
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
    versions = np.zeros(len(used), dtype=np.int64)
    if rename and rng is not None and split.copies:
        versions = np.where(rng.random(len(used)) < rename, 1 + rng.integers(len(split.copies), size=len(used)), 0)
    shown = (split.functions, *split.copies)
    functions = [shown[k][i] for i, k in zip(used, versions, strict=True)]
    lengths = [len(ids) for ids in functions]
    ids = np.concatenate(functions).astype(np.int64)
    if word_dropout and rng is not None:
        ids = np.where((rng.random(len(ids)) < word_dropout) & (ids > UNK_ID), UNK_ID, ids)
    return Batch(
        torch.from_numpy(ids),
        torch.tensor(lengths),
        torch.from_numpy(local.reshape(items.shape)),
        None if split.logits is None else torch.from_numpy(split.logits[indices]),
        torch.from_numpy(split.labels[indices]),
        batch_nodes([split.graphs[k][i] for i, k in zip(used, versions, strict=True)], lengths)
        if split.graphs
        else None,
        None if split.vectors is None else torch.from_numpy(split.vectors[used]),
    )


def function_batches(split: EncodedSplit, *, tokens: int) -> Iterator[NDArray[np.int64]]:
    """Indices of functions, similar lengths together, about `tokens` tokens a batch: for evaluation."""
    lengths = np.asarray([len(ids) for ids in split.functions])
    order = np.argsort(lengths, kind="stable")
    bounds = np.cumsum(lengths[order]) // tokens
    yield from np.split(order, np.flatnonzero(np.diff(bounds)) + 1)
