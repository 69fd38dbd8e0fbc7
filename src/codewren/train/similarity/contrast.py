"""Contrastive training of a similarity encoder: several sources, in-batch negatives, the teachers' probabilities.

Shape key: P pairs of a batch, D numbers of a vector.
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from codewren.core.errors import InputError, TrainingError
from codewren.core.similarity_recipe import ContrastSection
from codewren.train.similarity.corpus import Corpus
from codewren.train.similarity.encoder import SimilarityEncoder
from codewren.train.similarity.feature_bags import Integers
from codewren.train.similarity.pair_draws import Draw, Groups, Problems

Progress = Callable[[str], None]
WARM_UP_STEPS, LEAST_PACE = 20, 0.02
SCALE_LEARNING_RATE = 0.02
REPORT_EVERY = 100


class Scales(nn.Module):
    """The learned inverse temperature (its logarithm), and slope and offset of the teachers' probability."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.log_inverse = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        self.line = nn.Parameter(torch.tensor([10.0, -4.0]))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What batches are drawn from: sources by name with their weights, and pairs with probabilities."""

    draws: dict[str, Draw]
    weights: dict[str, float]
    pairs: Integers
    probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, corpus: Corpus, sizes: Integers, settings: ContrastSection) -> "Lessons":
        """The lessons that a corpus can give.

        Raises:
            InputError: it can give none.
        """
        draws: dict[str, Draw] = {}
        if any(sum(map(len, languages.values())) > 1 for languages in corpus.problems.values()):
            draws["problems"] = Problems(corpus.problems)
        if corpus.names:
            draws["names"] = Groups(_by_language(corpus.names, corpus.languages))
        if corpus.edits:
            by_size = sorted(corpus.edits, key=lambda group: int(sizes[group[0]]))
            draws["edits"] = Groups(_by_language(by_size, corpus.languages), neighbours=0.6)
        if corpus.changes:
            draws["changes"] = Groups(_by_language(corpus.changes, corpus.languages), neighbours=1.0, spread=1)
        if corpus.docs:
            draws["docs"] = Groups(_by_language(corpus.docs, corpus.languages))
        names = [*draws, *(["pairs"] if corpus.pairs else [])]
        weights = {name: getattr(settings.mix, name) for name in names if getattr(settings.mix, name) > 0}
        if not weights:
            raise InputError(
                "no source gives a lesson: no problem is solved twice, no name is shared, no pair is there"
            )
        pairs = np.array(corpus.pairs, np.int64).reshape(-1, 2)
        return cls(draws, weights, pairs, np.array(corpus.probabilities, np.float32))


def _by_language(groups: Sequence[list[int]], languages: Sequence[str]) -> dict[str, list[list[int]]]:
    by_language: dict[str, list[list[int]]] = defaultdict(list)
    for group in groups:
        by_language[languages[group[0]]].append(group)
    return dict(by_language)


def train_encoder(
    encoder: SimilarityEncoder, lessons: Lessons, settings: ContrastSection, *, progress: Progress
) -> dict[str, float]:
    """Train the tables of the encoder; the mean loss of the last batches of each source.

    Raises:
        TrainingError: a loss that is no number.
    """
    rng, generator = random.Random(settings.seed), torch.Generator().manual_seed(settings.seed + 1)
    scales, losses = Scales(settings.temperature), defaultdict[str, list[float]](list)
    optimizer = torch.optim.Adam(
        [
            {"params": list(encoder.parameters()), "base": settings.learning_rate},
            {"params": list(scales.parameters()), "base": SCALE_LEARNING_RATE},
        ],
        betas=(0.9, 0.99),
    )
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * _pace(step, settings.steps)
        name = rng.choices(list(lessons.weights), list(lessons.weights.values()))[0]
        encode = _Encode(encoder, settings.dropout, generator)
        loss = _loss(encode, scales, lessons, name=name, pairs=settings.pairs, rng=rng)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
        optimizer.step()
        losses[name].append(loss.item())
        if not math.isfinite(losses[name][-1]):
            raise TrainingError(
                f"the loss of {name} is {losses[name][-1]} at step {step}; lower contrast.learning_rate"
            )
        if step % REPORT_EVERY == REPORT_EVERY - 1:
            progress(f"step {step + 1} of {settings.steps}: {_means(losses)}")
    return _means(losses)


def _means(losses: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(float(np.mean(values[-50:])), 4) for name, values in sorted(losses.items())}


@dataclass(frozen=True, slots=True)
class _Encode:
    encoder: SimilarityEncoder
    dropout: float
    generator: torch.Generator

    def __call__(self, functions: Integers) -> Tensor:
        vectors: Tensor = self.encoder(functions, dropout=self.dropout, generator=self.generator)
        return vectors


def _pace(step: int, steps: int) -> float:
    """Share of the learning rate: a warm-up, then a cosine down to a fiftieth."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * max(LEAST_PACE, 0.5 * (1 + math.cos(math.pi * step / steps)))


def _loss(encode: _Encode, scales: Scales, lessons: Lessons, *, name: str, pairs: int, rng: random.Random) -> Tensor:
    if name == "pairs":
        drawn = np.array([rng.randrange(len(lessons.pairs)) for _ in range(2 * pairs)])
        return _teacher_loss(encode, scales, lessons.pairs[drawn], lessons.probabilities[drawn])
    return _contrast_loss(encode, scales, np.array(lessons.draws[name](rng, pairs), np.int64))


def _contrast_loss(encode: _Encode, scales: Scales, pairs: Integers) -> Tensor:
    """Each function must tell its partner from the partners of all others, both ways.

    Source: InfoNCE, van den Oord et al., arXiv 1807.03748.
    """
    vectors = encode(pairs.T.ravel())
    left_PD, right_PD = vectors[: len(pairs)], vectors[len(pairs) :]
    logits_PP, partners_P = scales.log_inverse.exp() * left_PD @ right_PD.T, torch.arange(len(pairs))
    return (cross_entropy(logits_PP, partners_P) + cross_entropy(logits_PP.T, partners_P)) / 2


def _teacher_loss(encode: _Encode, scales: Scales, pairs: Integers, probabilities: NDArray[np.float32]) -> Tensor:
    """Cross-entropy of a line through the similarity against the teachers' probabilities."""
    functions, indices = np.unique(pairs, return_inverse=True)
    vectors, indices = encode(functions), indices.reshape(pairs.shape)
    similarity_P = (vectors[indices[:, 0]] * vectors[indices[:, 1]]).sum(dim=1)
    log_odds_P = scales.line[0] * similarity_P + scales.line[1]
    return binary_cross_entropy_with_logits(log_odds_P, torch.from_numpy(probabilities))
