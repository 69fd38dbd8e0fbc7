"""What a student is trained to lower: its distance from the teacher's logits, and from the labels where asked.

Letters: R items, C labels. Weights (R, 1) count items, (R, C) single label decisions.

Source: SPEC 1.11; Hinton et al. 2015.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.core.errors import TrainingError
from codewren.core.recipe_sections import DistilSection
from codewren.train.batches import Batch


def distillation_loss(
    student_RC: Tensor,
    batch: Batch,
    options: DistilSection,
    *,
    multi_label: bool = False,
    weights: Tensor | None = None,
) -> Tensor:
    """T² KL(teacher ‖ student) or the mean squared error of logits, mixed with cross-entropy where labels are known.

    Of a multi-label task both are means over labels, each of which is there or not.
    """
    if batch.logits_RC is None:
        raise TrainingError("a split to train on has no teacher logits; run codewren label for it first")
    teacher_RC, hot = batch.logits_RC, options.temperature
    if options.loss == "mse":
        loss = F.mse_loss(student_RC, teacher_RC) if weights is None else _mean((student_RC - teacher_RC) ** 2, weights)
    elif multi_label:
        loss = hot**2 * binary_divergence(student_RC / hot, teacher_RC / hot, weights)
    else:
        loss = hot**2 * divergence(student_RC / hot, teacher_RC / hot, weights)
    share = options.hard_label_weight
    known = batch.labels_R >= 0
    if share and bool(known.any()):
        chosen = None if weights is None else weights[known]
        loss = (1 - share) * loss + share * label_loss(student_RC[known], batch.labels_R[known], multi_label, chosen)
    return loss


def divergence(student_RC: Tensor, teacher_RC: Tensor, weights: Tensor | None = None) -> Tensor:
    """KL(teacher ‖ student) of an item on average."""
    log_q, log_p = student_RC.log_softmax(-1), teacher_RC.log_softmax(-1)
    if weights is None:
        return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return _mean(F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1, keepdim=True), weights)


def binary_divergence(student_RC: Tensor, teacher_RC: Tensor, weights: Tensor | None = None) -> Tensor:
    """KL(teacher ‖ student) of one label, there or not, on average."""
    probabilities = teacher_RC.sigmoid()
    surely = F.binary_cross_entropy_with_logits(teacher_RC, probabilities, weights)
    return F.binary_cross_entropy_with_logits(student_RC, probabilities, weights) - surely


def label_loss(
    student_RC: Tensor, labels_R: Tensor, multi_label: bool = False, weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy with the true label, or with each bit of the true set."""
    if multi_label:
        truth_RC = (labels_R[:, None] >> torch.arange(student_RC.shape[1], device=labels_R.device)) & 1
        return F.binary_cross_entropy_with_logits(student_RC, truth_RC.to(student_RC.dtype), weights)
    if weights is None:
        return F.cross_entropy(student_RC, labels_R)
    return _mean(F.cross_entropy(student_RC, labels_R, reduction="none")[:, None], weights)


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    return (losses * weights).mean()
