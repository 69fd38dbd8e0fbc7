"""Words that learn probabilities: TF-IDF and logistic regression of what judges said, with an honest temperature.

An item whose judges are divided stands in the regression once a label, with the label's probability as its weight. The
strength of the penalty and the temperature are those that suit folds which the regression has not seen.

Source: stacking out of fold, Wolpert 1992; temperature scaling, Guo et al., On Calibration, ICML 2017.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.progress import Bar
from codewren.train.teachers.ngrams import TOKEN

ALGORITHM = 1  # raise it when the same texts and probabilities would give other logits
FOLDS = 5
STRENGTHS = (1.0, 10.0)
"""Inverse penalties to choose from: noisy judgements want the first."""
FAINT = 0.01
"""A label that is less likely does not enter the regression as this item's."""
LEAST = 1e-4
LOG_TEMPERATURES = (-3.0, 5.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SoftWords:
    """What learnt probabilities.

    Attributes:
        vectorizer: from texts to features.
        models: of a single-label task one, of a multi-label task one a label; None where only one answer was seen.
        answers: of each model, the outcomes that it knows.
        temperature: divides the logits.
        labels: how many; of a multi-label task each is a question of its own.
        multi_label: whether that is so.
    """

    vectorizer: Any
    models: tuple[Any, ...]
    answers: tuple[NDArray[np.int64], ...]
    temperature: float
    labels: int
    multi_label: bool

    def logits(self, texts: Sequence[str]) -> Floats:
        """(n, C), centred; of a multi-label task log-odds."""
        features = self.vectorizer.transform(_cut(texts))
        columns = []
        for model, answers in zip(self.models, self.answers, strict=True):
            likely = np.full((len(texts), 2 if self.multi_label else self.labels), LEAST)
            likely[:, answers] = 1.0 if model is None else np.clip(model.predict_proba(features), LEAST, None)
            logarithms = np.log(likely)
            odds, centred = logarithms[:, 1:] - logarithms[:, :1], logarithms - logarithms.mean(axis=1, keepdims=True)
            columns.append(odds if self.multi_label else centred)
        return np.asarray(np.concatenate(columns, axis=1) / self.temperature)


@dataclass(frozen=True, slots=True, eq=False)
class SoftFit:
    """The words of all items, and the logits (n, C) that words without an item's fold give it."""

    words: SoftWords
    out_of_fold: Floats


def fit_soft_words(
    texts: Sequence[str], probabilities: Floats, *, multi_label: bool = False, quiet: bool = True
) -> SoftFit:
    """Learn probabilities (n, C) of texts; copies of a text are never on both sides of a fold."""
    words, fold_N = _cut(texts), _folds(texts)
    logits_of = {strength: np.zeros(probabilities.shape) for strength in STRENGTHS}
    with Bar("words learn judgements", FOLDS + 1, quiet=quiet) as bar:
        for fold in np.unique(fold_N):
            held_out, known = np.flatnonzero(fold_N == fold), np.flatnonzero(fold_N != fold)
            for strength, logits in logits_of.items():
                if len(known):
                    fitted = _fitted([words[at] for at in known.tolist()], probabilities[known], strength, multi_label)
                    logits[held_out] = fitted.logits([texts[at] for at in held_out.tolist()])
            bar.advance()
        best = {c: _temperature(logits, probabilities, multi_label=multi_label) for c, logits in logits_of.items()}
        strength = min(STRENGTHS, key=lambda c: best[c][1])
        temperature, _ = best[strength]
        fitted = replace(_fitted(words, probabilities, strength, multi_label), temperature=temperature)
        bar.advance()
    return SoftFit(fitted, logits_of[strength] / temperature)


def _fitted(words: Sequence[str], probabilities: Floats, strength: float, multi_label: bool) -> SoftWords:
    """Learn at temperature 1; what only other folds know is no feature, as in a text that is new."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, lowercase=False)
    features = vectorizer.fit_transform(words)
    questions = (
        [np.stack([1 - p_N, p_N], axis=1) for p_N in probabilities.T] if multi_label else [np.asarray(probabilities)]
    )
    fits = [_regression(features, question, strength) for question in questions]
    models, answers = (tuple(column) for column in zip(*fits, strict=True))
    return SoftWords(vectorizer, models, answers, 1.0, probabilities.shape[1], multi_label)


def _regression(features: Any, probabilities: Floats, strength: float) -> tuple[Any, NDArray[np.int64]]:
    """A regression and the outcomes it tells apart; None where there is but one."""
    from sklearn.linear_model import LogisticRegression

    items, outcomes = np.nonzero(probabilities >= min(FAINT, 1 / probabilities.shape[1]))
    seen = np.unique(outcomes)
    if len(seen) < 2:
        return None, seen
    model = LogisticRegression(C=strength, max_iter=300)
    return model.fit(features[items], outcomes, sample_weight=probabilities[items, outcomes]), seen


def _temperature(logits: Floats, probabilities: Floats, *, multi_label: bool) -> tuple[float, float]:
    """The temperature at which logits say least that is wrong of the probabilities, and their cross-entropy there."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_expit, log_softmax

    def loss(log_temperature: float) -> float:
        cool = logits / np.exp(log_temperature)
        if multi_label:
            gain = probabilities * log_expit(cool) + (1 - probabilities) * log_expit(-cool)
        else:
            gain = probabilities * log_softmax(cool, axis=1)
        return float(-gain.sum(axis=1).mean())

    least = minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded")
    return float(np.exp(least.x)), float(least.fun)


def _cut(texts: Sequence[str]) -> list[str]:
    """Identifiers, numbers and signs, apart; layout does not enter."""
    return [" ".join(TOKEN.findall(text)) for text in texts]


def _folds(texts: Sequence[str]) -> NDArray[np.int64]:
    digests = (hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.asarray([int.from_bytes(digest[:8], "big") % FOLDS for digest in digests])
