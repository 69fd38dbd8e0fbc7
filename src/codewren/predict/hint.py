"""Hint at functions to review first, by a linear model of all features: how likely, which lines, which kind."""

import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, repeat
from typing import TYPE_CHECKING

from codewren import _native
from codewren.bundle.hint import LINE_STEP, MEASURES, REVIEW, HintBundle, HintConfig
from codewren.bundle.similarity import GENERAL
from codewren.core.errors import InputError
from codewren.predict.base_predictor import BasePredictor
from codewren.predict.checked_items import PAIR_LIMIT, Damage, Items, Languages, checked_items
from codewren.predict.explanation import Explanation, LineScore
from codewren.predict.hint_evidence import Fact, evidence_sentence

if TYPE_CHECKING:
    from codewren.predict.checked_items import Vectors
    from codewren.predict.correspondence import LineRange


@dataclass(frozen=True, slots=True)
class HintSums:
    """What the runtime adds up over a function.

    Attributes:
        heads: scores by name.
        kinds: in the order of the configuration's.
        measures: counts of the function.
    """

    heads: Mapping[str, float]
    kinds: Sequence[float]
    measures: Sequence[int]


@dataclass(frozen=True, slots=True)
class KnownFeatures:
    """What of a function a hint knows: the inputs of its ONNX form.

    Attributes:
        entries: numbers of the distinct features that have weights.
        counts: how often each occurs.
        measures: counts of the function, in the order of `MEASURES`.
    """

    entries: Sequence[int]
    counts: Sequence[int]
    measures: Sequence[int]


class HintPredictor(BasePredictor[HintBundle]):
    """A hint ready to judge functions.

    An item is a string. Languages do not matter: C and C++ are read alike. Nothing is cut off. The sums are
    whole-number arithmetic, equal on every processor.
    """

    def __init__(self, bundle: HintBundle, *, threads: int | None = None, target: str = "") -> None:
        """Make a predictor of a bundle that has been read.

        Raises:
            BundleError: a fingerprint is there twice.
            InputError: `target` names an instruction set, of which a hint needs none.
        """
        super().__init__(bundle, threads=threads)
        if target not in ("", self.target):
            raise InputError(f"target is {target!r}; a hint knows {self.target} only")
        self._model = _native_model(bundle)
        self._lines = _native.HintLines(bundle.line_trees) if bundle.line_trees else None

    @property
    def config(self) -> HintConfig:
        """Sizes and heads."""
        return self.bundle.config

    @property
    def vector_bytes(self) -> int:
        """Bytes of a function's vector: a hint makes none."""
        return 0

    @property
    def target(self) -> str:
        """The instruction set in use: look-ups gain nothing from any."""
        return "generic"

    def predict_proba(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Probabilities by the calibration in use, one row an item, columns in the order of `task.labels`.

        Raises:
            InputError: an item is no string.
        """
        calibration = self.bundle.calibration
        alarms = (calibration.probability(sums.heads, sums.measures) for sums in self._sums(items))
        return [self._columns(1 - alarm, alarm) for alarm in alarms]

    def logits(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Log odds of the positive label in its column, 0 in the other, one row an item.

        Raises:
            InputError: an item is no string.
        """
        calibration = self.bundle.calibration
        return [self._columns(0.0, calibration.log_odds(sums.heads, sums.measures)) for sums in self._sums(items)]

    def review_first(self, texts: Sequence[str]) -> list[float]:
        """How likely each function is to need a security fix one day, its length and role taken into account.

        Raises:
            InputError: not a list of strings.
        """
        return self._probabilities(texts, REVIEW)

    def suspicion(self, texts: Sequence[str]) -> list[float]:
        """How likely by what the text itself shows, among functions of equal length.

        Raises:
            InputError: not a list of strings.
        """
        return self._probabilities(texts, GENERAL)

    def kinds(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Of which kind a weakness would be, if there is one: probabilities by kind, one dictionary a function.

        Raises:
            InputError: not a list of strings.
        """
        return [self._kinds(sums) for sums in self._sums(texts)]

    def explain(self, texts: Sequence[str], *, languages: Languages = None) -> list[Explanation]:
        """What each line adds to the log odds of the positive label, how likely a patch changes it, and a sentence.

        The lines' scores, the bias and what the counts of the function add are together its log odds, exactly. The
        likelihoods are learned from security patches by themselves; the lines of a function share 1.

        Raises:
            InputError: not a list of strings.
        """
        items = [text for (text,) in checked_items(texts, None)]
        calibration = self.bundle.calibration
        factors = [calibration.heads.get(name, 0.0) * scale for name, scale in self.config.heads.items()]
        with Damage(self.path):
            rows = self._model.lines(items, factors, self.threads)
            facts = [[Fact(*fact) for fact in row] for row in _native.hint_evidence(items)]
        lines = map(_line_scores, rows, self.line_likelihoods(items) or repeat(None))
        return list(map(self._explanation, lines, self._sums(items), facts))

    def line_likelihoods(self, texts: Sequence[str]) -> list[list[float]]:
        """How likely a security patch of each function changes each of its lines; nothing where none was learned.

        The lines of a function share 1; those without a word, number or string have 0.

        Raises:
            InputError: not a list of strings.
        """
        items = [text for (text,) in checked_items(texts, None)]
        if self._lines is None:
            return []
        with Damage(self.path):
            return list(map(_shares, self._lines.scores(items, self.threads)))

    def known_features(self, texts: Sequence[str]) -> list[KnownFeatures]:
        """The features of each function that have weights, for other runtimes: the inputs of `hint_to_onnx`.

        Raises:
            InputError: not a list of strings.
        """
        items = [text for (text,) in checked_items(texts, None)]
        place = next(entry for entry in self.bundle.tensors if entry.name == "fingerprints")
        packed = struct.unpack(f"<{self.config.entries}I", self.bundle.weights[place.offset : place.end])
        entries = {fingerprint: entry for entry, fingerprint in enumerate(packed)}
        sizes, hashes, counts, measures = _native.hint_features(items)
        rows = zip(memoryview(hashes).cast("Q"), memoryview(counts).cast("I"), strict=True)
        width, totals = len(MEASURES), memoryview(measures).cast("I").tolist()
        found = []
        for number, size in enumerate(memoryview(sizes).cast("I")):
            own = Counter[int]()
            for value, times in islice(rows, size):
                if (entry := entries.get(value >> 32)) is not None:
                    own[entry] += times
            found.append(KnownFeatures(list(own), list(own.values()), totals[width * number : width * (number + 1)]))
        return found

    def encode(self, functions: Sequence[str], *, languages: Languages = None) -> "memoryview[int]":
        """Refuse: a hint makes no vectors.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.path} holds a hint, which makes no vectors of functions; give a clone bundle")

    def pairs_above(
        self, vectors: "Vectors", threshold: float | None = None, *, limit: int = PAIR_LIMIT
    ) -> list[tuple[int, int, float]]:
        """Refuse: a hint judges single functions.

        Raises:
            InputError: always.
        """
        raise InputError(f"task {self.task.name!r} judges single functions; comparing pairs needs a pair bundle")

    def correspondence(self, first: str, second: str, *, language: str = "") -> "tuple[LineRange, ...]":
        """Refuse: a hint judges single functions.

        Raises:
            InputError: always.
        """
        raise InputError(f"task {self.task.name!r} judges single functions; lines correspond in pairs")

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Tokens that are read, and all tokens, of each text: a hint reads them all.

        Raises:
            InputError: not a list of strings.
        """
        return [(sums.measures[0],) * 2 for sums in self._sums(texts)]

    def _explanation(self, lines: tuple[LineScore, ...], sums: HintSums, facts: Sequence[Fact]) -> Explanation:
        kinds = self._kinds(sums)
        return Explanation(
            lines=lines,
            kind=max(kinds, key=lambda kind: kinds[kind]) if kinds else None,
            evidence=evidence_sentence(lines, facts),
            tokens_read=sums.measures[0],
            tokens_total=sums.measures[0],
        )

    def _kinds(self, sums: HintSums) -> dict[str, float]:
        odds = {kind: prior + total for (kind, prior), total in zip(self.config.kinds.items(), sums.kinds, strict=True)}
        largest = max(odds.values(), default=0.0)
        powers = {kind: math.exp(value - largest) for kind, value in odds.items()}
        total = math.fsum(powers.values())
        return {kind: power / total for kind, power in powers.items()}

    def _probabilities(self, texts: Sequence[str], name: str) -> list[float]:
        calibration = self.bundle.calibrations[name]
        return [calibration.probability(sums.heads, sums.measures) for sums in self._sums(texts)]

    def _sums(self, items: Items) -> list[HintSums]:
        texts = [text for (text,) in checked_items(items, self.task)]
        with Damage(self.path):
            numbers = memoryview(self._model.sums(texts, self.threads)).cast("q")
        width = 1 + len(self.config.heads) + len(self.config.kinds) + len(MEASURES)
        return [self._divided(numbers[start : start + width]) for start in range(0, len(numbers), width)]

    def _divided(self, row: "memoryview[int]") -> HintSums:
        root, config = math.sqrt(row[0]) or 1.0, self.config
        kinds, measures = 1 + len(config.heads), 1 + len(config.heads) + len(config.kinds)
        return HintSums(
            {name: scale * row[k] / root for k, (name, scale) in enumerate(config.heads.items(), 1)},
            [config.kind_scale * total / root for total in row[kinds:measures]],
            list(row[measures:]),
        )

    def _columns(self, other: float, positive: float) -> list[float]:
        return [other, positive] if self.task.positive_index else [positive, other]


def _line_scores(scores: Sequence[float], likelihoods: Sequence[float] | None) -> tuple[LineScore, ...]:
    return tuple(map(LineScore, count(1), scores, likelihoods or repeat(None)))


def _shares(scores: Sequence[int | None]) -> list[float]:
    """Likelihoods by their logarithms in steps; None stands for a likelihood of 0."""
    largest = max((score for score in scores if score is not None), default=0)
    powers = [0.0 if score is None else math.exp(LINE_STEP * (score - largest)) for score in scores]
    total = math.fsum(powers) or 1.0
    return [power / total for power in powers]


def _native_model(bundle: HintBundle) -> _native.HintModel:
    config, offsets = bundle.config, {entry.name: entry.offset for entry in bundle.tensors}
    settings = (
        config.entries,
        len(config.heads),
        config.kind_entries,
        len(config.kinds),
        *(offsets[name] for name in ("fingerprints", "rows", "kind_rows")),
    )
    with Damage(bundle.path):
        return _native.HintModel(bundle.weights, settings)
