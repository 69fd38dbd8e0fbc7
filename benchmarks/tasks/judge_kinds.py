"""Models that play judges: each learns true labels, and gives probabilities (n, C) of functions that it is asked about.

Their kinds err in different ways: words with logistic regression; characters with a support vector machine, whose
margins its own calibration makes probabilities; boosted trees that count the commonest words; a Transformer of one
layer trained from nothing.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from compared import words
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn

Texts = Sequence[str]
Judge = Callable[[Texts, np.ndarray, Texts], np.ndarray]
COMMON_WORDS, KNOWN_WORDS, LENGTH, WIDTH, EPOCHS, BATCH = 400, 6000, 192, 64, 12, 16


def by_words(texts: Texts, labels: np.ndarray, asked: Texts) -> np.ndarray:
    """TF-IDF of words and logistic regression."""
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    model = LogisticRegression(C=10.0, max_iter=200).fit(vectorizer.fit_transform(texts), labels)
    return model.predict_proba(vectorizer.transform(asked))


def by_characters(texts: Texts, labels: np.ndarray, asked: Texts) -> np.ndarray:
    """TF-IDF of character n-grams, a linear support vector machine, and a sigmoid fitted out of fold."""
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), min_df=3, sublinear_tf=True, max_features=60_000)
    model = CalibratedClassifierCV(LinearSVC(C=0.5), cv=3).fit(vectorizer.fit_transform(texts), labels)
    return model.predict_proba(vectorizer.transform(asked))


def by_trees(texts: Texts, labels: np.ndarray, asked: Texts) -> np.ndarray:
    """Gradient boosting over how often each of the commonest words stands there."""
    vectorizer = CountVectorizer(analyzer=words, max_features=COMMON_WORDS)
    counts = vectorizer.fit_transform(texts).toarray()
    model = HistGradientBoostingClassifier(max_iter=120, max_leaf_nodes=15, random_state=0).fit(counts, labels)
    return model.predict_proba(vectorizer.transform(asked).toarray())


class SmallTransformer(nn.Module):
    """One layer over word and place vectors, the mean of its tokens, and a linear map."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(KNOWN_WORDS + 2, WIDTH, padding_idx=0), nn.Embedding(LENGTH, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.3, batch_first=True)
        self.last = nn.Linear(WIDTH, labels)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, T) ids, 0 where nothing is, to (B, C)."""
        there = ids > 0
        x = self.layer(self.words(ids) + self.places.weight[: ids.shape[1]], src_key_padding_mask=~there)
        return self.last((x * there[..., None]).sum(1) / there.sum(1, keepdim=True))


def by_transformer(texts: Texts, labels: np.ndarray, asked: Texts) -> np.ndarray:
    """A small Transformer trained from nothing on the functions' own words."""
    torch.manual_seed(0)
    counts = Counter(word for text in texts for word in words(text))
    known = {word: number for number, (word, _) in enumerate(counts.most_common(KNOWN_WORDS), start=2)}
    taught, shown = _ids(texts, known), _ids(asked, known)
    model, truth = SmallTransformer(int(labels.max()) + 1), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for some in torch.randperm(len(taught)).split(BATCH):
            ids = taught[some]
            ids = torch.where(torch.rand(ids.shape) < 0.1, ids.clamp(max=1), ids)
            loss = nn.functional.cross_entropy(model(ids), truth[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part).softmax(1) for part in shown.split(64)]).double().numpy()


def _ids(texts: Texts, known: dict[str, int]) -> torch.Tensor:
    """(n, T) numbers of words, 1 for those that are not known, 0 behind a text."""
    rows = torch.zeros(len(texts), LENGTH, dtype=torch.int64)
    for row, text in zip(rows, texts, strict=True):
        ids = [known.get(word, 1) for word in words(text)[:LENGTH]]
        row[: len(ids)] = torch.tensor(ids)
    return rows
