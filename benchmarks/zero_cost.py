"""Scores of an untrained student that cost a batch or nothing: what a search might rank students by.

Gradient norm and SNIP need one backward pass, synflow none of the data (Tanaka et al., NeurIPS 2020), the spread of
vectors one forward pass (after Mellor et al., ICML 2021). `linear_probe` is how well a logistic regression judges by a
student's frozen vectors, as LPASS (arXiv 2505.24451) ranks compressed models.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.student_config import StudentConfig
from codewren.core.task import Task, Unit
from codewren.train.batches import Batch, EncodedSplit, function_batches
from codewren.train.student import Student, pair_features

ZERO_COST = ("gradient norm", "snip", "synflow", "vectors")


def zero_cost_scores(config: StudentConfig, task: Task, batch: Batch, *, seed: int = 0) -> dict[str, float]:
    """All four of an untrained student, as logarithms where they are products or sums of many."""
    student = Student(config, task, seed=seed).eval()
    logits = student(*batch.inputs)
    F.cross_entropy(logits, batch.labels_R).backward()
    pairs = [(p.detach(), p.grad) for p in student.parameters() if p.grad is not None]
    norm = float(torch.sqrt(sum((g.square().sum() for _, g in pairs), torch.zeros(()))))
    snip = float(sum((p * g).abs().sum() for p, g in pairs))
    with torch.no_grad():
        vectors = F.normalize(student.encode(batch.ids_N, batch.lengths_B).double())
        spread = float(torch.linalg.slogdet(vectors @ vectors.T + 1e-6 * torch.eye(len(vectors)))[1])
    return dict(zip(ZERO_COST, (np.log(norm + 1e-12), np.log(snip + 1e-12), synflow(student), spread), strict=True))


def synflow(student: Student) -> float:
    """log Σ |w ∂R/∂w|, R the flow of ones through the absolute weights; attention uniform, norms left out."""
    weights = {name: p.detach().double().abs().requires_grad_() for name, p in student.named_parameters()}
    flow = _flow(student, weights).log()  # its gradient is that of R over R: no overflow in twelve layers
    grads = torch.autograd.grad(flow, [weights[name] for name in weights], allow_unused=True)
    total = sum(float((w.detach() * g).sum()) for w, g in zip(weights.values(), grads, strict=True) if g is not None)
    return float(flow.detach()) + float(np.log(total))


def _flow(student: Student, weights: dict[str, Tensor]) -> Tensor:
    x_H = weights["embeddings.word"].mean(0)
    if "embeddings.projection" in weights:
        x_H = weights["embeddings.projection"] @ x_H
    for index in range(len(student.layers)):
        layer = {n.removeprefix(f"layers.{index}."): w for n, w in weights.items() if n.startswith(f"layers.{index}.")}
        x_H = x_H + layer["attention.output.weight"] @ (layer["attention.value.weight"] @ x_H)
        x_H = x_H + layer["output.weight"] @ (layer["intermediate.weight"] @ x_H)
    pooled = x_H if student.task.unit is Unit.FUNCTION else torch.cat([x_H, x_H])
    return (weights["head.out.weight"] @ (weights["head.dense.weight"] @ pooled)).sum()


def linear_probe(student: Student, split: EncodedSplit, items: Sequence[int]) -> float:
    """Accuracy on the second half of the items of a logistic regression on frozen vectors, fitted to the first half."""
    rows = np.asarray(items)
    used, local = np.unique(split.items[rows], return_inverse=True)
    vectors = _vectors(student, EncodedSplit([split.functions[i] for i in used], split.items[:0], None, split.labels))
    local = local.reshape(len(rows), -1)
    if local.shape[1] == 2:
        a, b = (torch.from_numpy(vectors[local[:, side]]) for side in (0, 1))
        table = pair_features(a, b, student.config.pair_head).numpy()
    else:
        table = vectors[local[:, 0]]
    table = (table - table.mean(0)) / (table.std(0) + 1e-9)
    half = len(rows) // 2
    model = LogisticRegression(C=0.1, max_iter=200).fit(table[:half], split.labels[rows[:half]])
    return float(model.score(table[half:], split.labels[rows[half:]]))


def _vectors(student: Student, split: EncodedSplit) -> NDArray[np.float32]:
    student.eval()
    vectors = np.empty((len(split.functions), student.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for indices in function_batches(split, tokens=16_384):
            some = [split.functions[i] for i in indices]
            ids = torch.from_numpy(np.concatenate(some).astype(np.int64))
            vectors[indices] = student.encode(ids, torch.tensor([len(ids) for ids in some])).numpy()
    return vectors
