"""What words alone say of two functions: three similarities that need no training."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

Similarity = Callable[[str, str], float]

WORD = re.compile(r"\w+|[^\w\s]")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
SUBTOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
KEYWORDS = frozenset(
    """abstract assert boolean break byte case catch char class const continue default do double else enum extends
    final finally float for if implements import instanceof int interface long native new null package private
    protected public return short static super switch synchronized this throw throws transient try void volatile while
    true false def elif in is not and or None True False lambda self pass auto vector string size_t unsigned sizeof
    struct std""".split()  # noqa: SIM905  a list to read
)


def jaccard(first: set[str], second: set[str]) -> float:
    """Shared members over all members; 0 for two empty sets."""
    return len(first & second) / max(1, len(first | second))


def words_similarity(first: str, second: str) -> float:
    """Jaccard index of the sets of words and signs.

    >>> words_similarity("a = b + c", "a = b - c")
    0.6666666666666666
    """
    return jaccard(set(WORD.findall(first)), set(WORD.findall(second)))


def trigrams_similarity(first: str, second: str) -> float:
    """Jaccard index of the sets of three tokens in a row, names blanked, from the first brace on."""
    return jaccard(blanked_trigrams(first), blanked_trigrams(second))


def blanked_trigrams(text: str) -> set[str]:
    """Three tokens in a row, every name but a keyword as ID.

    >>> sorted(blanked_trigrams("{ return x; }"))
    ['ID ; }', 'return ID ;']
    """
    tokens = WORD.findall(text[text.find("{") + 1 :])
    tokens = [token if token in KEYWORDS or not IDENTIFIER.fullmatch(token) else "ID" for token in tokens]
    return {" ".join(tokens[start : start + 3]) for start in range(len(tokens) - 2)}


def subtokens(text: str) -> list[str]:
    """Lower-case parts of all names.

    >>> subtokens("readHTTPHeader(line_no)")
    ['read', 'http', 'header', 'line', 'no']
    """
    return [subtoken.lower() for name in IDENTIFIER.findall(text) for subtoken in SUBTOKEN.findall(name)]


@dataclass(frozen=True, slots=True)
class SubtokenTfidf:
    """Cosine of TF-IDF vectors of name parts: the best of the baselines where names survive.

    Attributes:
        inverse: logarithm of all functions plus one over those with the subtoken plus one.
        unseen: the same for a part of no function.
    """

    inverse: Mapping[str, float]
    unseen: float

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Frequencies over some functions."""
        counts: Counter[str] = Counter()
        functions = 0
        for text in texts:
            counts.update(set(subtokens(text)))
            functions += 1
        inverse = {subtoken: math.log((functions + 1) / (count + 1)) for subtoken, count in counts.items()}
        return cls(inverse, math.log(functions + 1))

    def vector(self, text: str) -> dict[str, float]:
        """Weights of length 1; empty where no name subtoken weighs anything."""
        counts = Counter(subtokens(text))
        weights = {p: (1 + math.log(count)) * self.inverse.get(p, self.unseen) for p, count in counts.items()}
        norm = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
        return {subtoken: weight / norm for subtoken, weight in weights.items()} if norm else {}

    def similarity(self, first: str, second: str) -> float:
        """Cosine of two functions."""
        left, right = self.vector(first), self.vector(second)
        return math.fsum(weight * right.get(subtoken, 0.0) for subtoken, weight in left.items())
