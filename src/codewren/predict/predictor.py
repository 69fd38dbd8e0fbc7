"""Load a bundle and predict with it: `codewren.load`."""

import math
import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from codewren import _native
from codewren.bundle.hint import REVIEW, HintBundle
from codewren.bundle.layout import TensorEntry
from codewren.bundle.open import AnyBundle, open_bundle
from codewren.bundle.read import Bundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.core.errors import BundleError, InputError, nearest
from codewren.core.student_config import PairHead, StudentConfig
from codewren.core.task import Unit
from codewren.predict.base_predictor import BasePredictor
from codewren.predict.checked_items import (
    PAIR_LIMIT,
    Damage,
    Items,
    Languages,
    checked_items,
    foreign_vectors,
    languages_of,
    too_many_above,
)
from codewren.predict.correspondence import LineRange, corresponding_lines
from codewren.predict.explanation import Explanation, LinesLeftOut, explanation_by_lines, log_odds
from codewren.predict.hint import HintPredictor
from codewren.predict.similarity import SimilarityPredictor
from codewren.predict.tokenizer import Tokenizer

if TYPE_CHECKING:
    from codewren.predict.checked_items import Vectors
    from codewren.predict.graph_ids import GraphEncoder

BUNDLES = Path(__file__).resolve().parents[1] / "bundle/shipped"


def load(path_or_name: str | os.PathLike[str]) -> "AnyPredictor":
    """Load a bundle from a path, or one that ships with codewren by its short name.

    Where it has several calibrations, `NAME@CALIBRATION` takes another than the general one.

    Raises:
        BundleError: no such bundle, or it is damaged, foreign, or of a newer schema.
    """
    return predictor_of(find_and_open(path_or_name))


def load_for_report(path_or_name: str | os.PathLike[str]) -> "AnyPredictor":
    """Load a bundle that reports: as `load`, but a hint goes by what to review first unless `@` names another.

    By what the text shows, among functions of equal length, alarms are mostly short functions: `NAME@general`.

    Raises:
        BundleError: as `load`.
    """
    bundle = find_and_open(path_or_name)
    is_named = "@" in os.fspath(path_or_name) and not Path(path_or_name).exists()
    if isinstance(bundle, HintBundle) and not is_named:
        bundle = bundle.calibrated(REVIEW)
    return predictor_of(bundle)


def find_and_open(path_or_name: str | os.PathLike[str]) -> AnyBundle:
    """Read a bundle given by path or short name, with `@CALIBRATION` behind it or not.

    Raises:
        BundleError: as `load`.
    """
    name, at, calibration = os.fspath(path_or_name).rpartition("@")
    if not at or Path(path_or_name).exists():
        return open_bundle(find_bundle(path_or_name))
    bundle = open_bundle(find_bundle(name))
    if isinstance(bundle, Bundle):
        raise BundleError(f"{bundle.path} has no calibrations; leave out @{calibration}")
    return bundle.calibrated(calibration)


def predictor_of(bundle: AnyBundle, *, threads: int | None = None, target: str = "") -> "AnyPredictor":
    """What answers with a bundle: a student, a similarity encoder, or a hint.

    Raises:
        BundleError: its weights are damaged.
    """
    if isinstance(bundle, SimilarityBundle):
        return SimilarityPredictor(bundle, threads=threads, target=target)
    if isinstance(bundle, HintBundle):
        return HintPredictor(bundle, threads=threads, target=target)
    return Predictor(bundle, threads=threads, target=target)


def shipped_bundles() -> dict[str, Path]:
    """Short names and paths of the bundles inside the package; a name without a size means the mini one."""
    bundles = {path.stem: path for path in sorted(BUNDLES.glob("*.wren"))}
    minis = {name.removesuffix("-mini"): path for name, path in bundles.items() if name.endswith("-mini")}
    return {**minis, **bundles}


def find_bundle(path_or_name: str | os.PathLike[str]) -> Path:
    """Path of a bundle given by path or short name.

    Raises:
        BundleError: neither a file nor a known name.
    """
    path = Path(path_or_name)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    shipped = shipped_bundles()
    if path.name in shipped:
        return shipped[path.name]
    known = nearest(path.name, shipped) if shipped else "none ships with this installation"
    raise BundleError(f"{path.name!r} is neither a file nor the name of a bundle ({known}); give the path of a *.wren")


def is_shipped(name: str) -> bool:
    """Whether this is the short name of a bundle that ships, with `@CALIBRATION` or not, and no path."""
    return not Path(name).exists() and name.partition("@")[0] in shipped_bundles()


class Predictor(BasePredictor[Bundle]):
    """A student ready to judge source code."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None, target: str = "") -> None:
        """Make a predictor of a bundle that has been read.

        `target` names an instruction set of `codewren._native.targets()`; by default the best one is used.

        Raises:
            BundleError: a weight is NaN or infinite.
        """
        super().__init__(bundle, threads=threads, target=target)
        tokenizer = Tokenizer(bundle.tokenizer)
        self._tokenizer = tokenizer.native
        self._model = _native_model(bundle, target)
        self._graphs = _graph_encoders(bundle, tokenizer) if bundle.config.max_data_flow else None

    def __repr__(self) -> str:
        """Which bundle, and what it judges."""
        joint = " and " if self.task.is_multi_label else " or "
        return f"<Predictor {self.path.name}: {joint.join(self.task.labels)} of a {self.task.unit}>"

    @property
    def config(self) -> StudentConfig:
        """The student's hyperparameters."""
        return self.bundle.config

    @property
    def target(self) -> str:
        """The instruction set in use."""
        return str(self._model.target)

    @property
    def vector_bytes(self) -> int:
        """Bytes of the vector that `encode` makes of a function."""
        return 4 * self.config.hidden_size

    def predict_proba(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Probabilities, one row an item, columns in the order of `task.labels`; `languages` as in `predict`.

        Raises:
            InputError: an item is not what the task judges.
        """
        normal = _sigmoid if self.task.is_multi_label else _softmax
        return [normal(row, self.bundle.decision.temperature) for row in self.logits(items, languages=languages)]

    def logits(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Raw outputs, one row an item, columns in the order of `task.labels`; `languages` as in `predict`.

        Raises:
            InputError: an item is not what the task judges.
        """
        texts = [text for item in checked_items(items, self.task) for text in item]
        spoken = (
            languages_of(languages, len(items), self.task.functions_per_item) if self._graphs else [None] * len(texts)
        )
        functions = list(zip(texts, spoken, strict=True))
        places = {function: index for index, function in enumerate(dict.fromkeys(functions))}
        vectors = self._encode([text for text, _ in places], [language for _, language in places])
        with Damage(self.path):
            flat = list(_floats(self._model.logits(vectors, [places[function] for function in functions])))
        columns = len(self.task.labels)
        return [flat[start : start + columns] for start in range(0, len(flat), columns)]

    def explain(self, texts: Sequence[str], *, languages: Languages = None) -> list[Explanation]:
        """What each line of each function carries: the log-odds of the positive label that are lost without it.

        A student of one layer leaves the line's tokens out where they stand. One of more layers, or that reads data
        flow, reads the text again without the line, which costs a prediction a line. `languages` as in `predict`.

        Raises:
            InputError: not a list of strings, or the task judges pairs.
        """
        if self.task.unit is Unit.PAIR:
            raise InputError(f"task {self.task.name!r} judges pairs; lines are explained for single functions")
        items = [text for (text,) in checked_items(texts, None)]
        spoken = languages_of(languages, len(items), 1)
        with Damage(self.path):
            if self._graphs or self.config.num_hidden_layers > 1:
                left_out = [self._reread(text, language) for text, language in zip(items, spoken, strict=True)]
            else:
                rows = self._model.without_lines(items, self._tokenizer, self.threads)
                left_out = [
                    LinesLeftOut(read, total, lines, self._log_odds(_floats(flat))) for read, total, lines, flat in rows
                ]
        label = self.task.positive
        return [explanation_by_lines(text, lines, label) for text, lines in zip(items, left_out, strict=True)]

    def correspondence(self, first: str, second: str, *, language: str = "") -> tuple[LineRange, ...]:
        """Which lines of a pair correspond; the language is the task's unless another is named.

        Raises:
            InputError: the task judges single functions, or the language is unknown.
        """
        if self.task.unit is not Unit.PAIR:
            raise InputError(f"task {self.task.name!r} judges single functions; lines correspond in pairs")
        return corresponding_lines(first, second, language or self.task.language or "")

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Tokens that are read, and all tokens, of each text.

        Raises:
            InputError: not a list of strings.
        """
        length = self.config.max_sequence_length
        with Damage(self.path):
            return [self._tokenizer.encode_lines(text, length)[2:] for (text,) in checked_items(texts, None)]

    def _reread(self, text: str, language: str | None) -> LinesLeftOut:
        """Predict the text again without each line, as far as the model reads it."""
        _, bounds, read, total = self._tokenizer.encode_lines(text, self.config.max_sequence_length)
        numbers = [number for number, (start, end) in enumerate(pairwise(bounds), 1) if start < end]
        lines = text.split("\n")[: numbers[-1] if numbers else 0]
        texts = ["\n".join(lines), *("\n".join(lines[: number - 1] + lines[number:]) for number in numbers)]
        rows = self.logits(texts, languages=language and [language] * len(texts))
        return LinesLeftOut(read, total, numbers, self._log_odds([value for row in rows for value in row]))

    def _log_odds(self, logits: Sequence[float]) -> list[float]:
        """Log-odds of the positive label of each row of logits."""
        columns, temperature = len(self.task.labels), self.bundle.decision.temperature
        rows = [logits[start : start + columns] for start in range(0, len(logits), columns)]
        if self.task.is_multi_label:
            return [row[self.task.positive_index] / temperature for row in rows]
        return [log_odds(row, self.task.positive_index, temperature) for row in rows]

    def encode(self, functions: Sequence[str], *, languages: Languages = None) -> "memoryview[float]":
        """First-token vectors, float32 of shape (functions, hidden_size): what the head compares.

        `languages` as in `predict`.

        Raises:
            InputError: not a list of strings.
        """
        texts = [text for (text,) in checked_items(functions, None)]
        vectors = self._encode(texts, languages_of(languages, len(texts), 1))
        return _floats(vectors, len(functions), self.config.hidden_size) if functions else _floats(vectors)

    def pairs_above(
        self, vectors: "Vectors", threshold: float | None = None, *, limit: int = PAIR_LIMIT
    ) -> list[tuple[int, int, float]]:
        """All pairs i < j of `encode`d functions whose positive probability exceeds the threshold, sorted by (i, j).

        The `concat` head judges (a, b) and (b, a) differently: both orders are scored and their probabilities
        averaged. Its dense layer is applied once to each function, not to each pair. `threshold` defaults to the
        bundle's own.

        Raises:
            InputError: not a pair task, or vectors of another model.
            TooManyPairsError: more than `limit` pairs.
        """
        if self.task.unit is not Unit.PAIR:
            raise InputError(f"task {self.task.name!r} judges single functions; comparing pairs needs a pair bundle")
        decision = self.bundle.decision
        wanted = decision.threshold if threshold is None else threshold
        with too_many_above(wanted, limit), foreign_vectors():
            found: list[tuple[int, int, float]] = self._model.pairs_above(
                bytes(vectors), wanted, decision.temperature, self.task.positive_index, limit, self.threads
            )
        return found

    def _encode(self, functions: list[str], languages: list[str | None]) -> bytes:
        if self._graphs is None:
            with Damage(self.path):
                return bytes(self._model.encode(functions, self._tokenizer, self.threads))
        with Damage(self.path):
            graphs = [
                self._graphs(language or self.task.language).encode(text)
                for text, language in zip(functions, languages, strict=True)
            ]
            rows = [(one.ids, one.spans, one.edges) for one in graphs]
            return bytes(self._model.encode_graphs(rows, self.threads))


AnyPredictor = Predictor | SimilarityPredictor | HintPredictor


def _floats(packed: bytes, *shape: int) -> "memoryview[float]":
    view = memoryview(packed)
    return view.cast("f", shape) if shape else view.cast("f")


def _softmax(logits: list[float], temperature: float) -> list[float]:
    largest = max(logits)
    powers = [math.exp((value - largest) / temperature) for value in logits]
    total = math.fsum(powers)
    return [power / total for power in powers]


def _sigmoid(logits: list[float], temperature: float) -> list[float]:
    powers = [math.exp(-abs(value) / temperature) for value in logits]
    return [(1.0 if value > 0 else power) / (1 + power) for value, power in zip(logits, powers, strict=True)]


def _native_model(bundle: Bundle, target: str) -> _native.Model:
    config, task = bundle.config, bundle.task
    with Damage(bundle.path):
        return _native.Model(
            bundle.weights,
            {place.name: _native_row(place) for place in bundle.tensors},
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_attention_heads=config.num_attention_heads,
            num_hidden_layers=config.num_hidden_layers,
            max_sequence_length=config.max_sequence_length,
            hidden_act=str(config.hidden_act),
            position_embedding_type=str(config.position_embedding_type),
            labels=len(task.labels),
            pair=task.unit is Unit.PAIR,
            symmetric=config.pair_head is PairHead.SYMMETRIC,
            target=target,
            embedding_size=config.embedding_size,
            max_data_flow=config.max_data_flow,
        )


def _graph_encoders(bundle: Bundle, tokenizer: Tokenizer) -> "Callable[[str | None], GraphEncoder]":
    """What reads the functions of a language, made once each.

    Raises:
        BundleError: the task names no language that has data flow.
    """
    from codewren.predict.graph_ids import GraphEncoder
    from codewren.syntax.grammars import LANGUAGES

    task, config = bundle.task, bundle.config
    if task.language not in LANGUAGES:
        raise BundleError(
            f"{bundle.path}: the model reads data flow, and its task's language is {task.language!r}, none of "
            f"{', '.join(sorted(LANGUAGES))}; fetch or export it again"
        )

    @cache
    def encoder(language: str) -> GraphEncoder:
        return GraphEncoder(tokenizer, language, max_length=config.max_sequence_length, max_nodes=config.max_data_flow)

    return lambda language: encoder(str(language))


def _native_row(place: TensorEntry) -> tuple[str, int, int, int, int]:
    rows, columns = place.shape if len(place.shape) == 2 else (1, place.shape[0])
    return str(place.dtype), rows, columns, place.offset, place.scale_offset or 0
