"""Load a bundle and predict with it: `codewren.load`."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codewren import _native
from codewren.bundle.layout import TensorPlace
from codewren.bundle.read import Bundle
from codewren.core.errors import BundleError, InputError, nearest
from codewren.core.student_config import PairHead, StudentConfig
from codewren.core.task import Task, Unit
from codewren.predict.tokenizer import Tokenizer

if TYPE_CHECKING:
    from codewren.predict.graph_ids import GraphEncoder

BUNDLES = Path(__file__).resolve().parents[1] / "bundle/shipped"
PAIR_LIMIT = 1_000_000


class TooManyPairsError(InputError):
    """More pairs lie above the threshold than the limit allows."""


Items = Sequence[str] | Sequence[Sequence[str]]
Languages = Sequence[str] | None


def load(path_or_name: str | os.PathLike[str]) -> "Predictor":
    """Load a bundle from a path, or one that ships with codewren by its short name.

    Raises:
        BundleError: no such bundle, or it is damaged, foreign, or of a newer schema.
    """
    return Predictor(Bundle.read(find_bundle(path_or_name)))


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


class Predictor:
    """A student ready to judge source code.

    An item is a string for a function task, and two strings (a tuple or list) for a pair task.

    Attributes:
        bundle: the checked file.
        labels: an `IntEnum` of the task's labels in column order: `labels(1)`, `labels["clone"]`.
        threads: how many functions are encoded at once; results do not depend on it.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None, target: str = "") -> None:
        """Make a predictor of a bundle that has been read.

        `target` names an instruction set of `codewren._native.targets()`; by default the best one is used.

        Raises:
            BundleError: a weight is NaN or infinite.
        """
        self.bundle = bundle
        self.threads = threads or os.cpu_count() or 1
        self.labels = _label_enum(bundle.task)
        tokenizer = Tokenizer(bundle.tokenizer)
        self._tokenizer = tokenizer.native
        self._model = _native_model(bundle, target)
        self._graphs = _graph_encoders(bundle, tokenizer) if bundle.config.max_data_flow else None

    @property
    def path(self) -> Path:
        """Where the bundle was read."""
        return self.bundle.path

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The bundle's manifest."""
        return self.bundle.manifest

    @property
    def task(self) -> Task:
        """What is judged."""
        return self.bundle.task

    @property
    def config(self) -> StudentConfig:
        """The student's hyperparameters."""
        return self.bundle.config

    @property
    def target(self) -> str:
        """The instruction set in use."""
        return str(self._model.target)

    def predict(self, items: Items, *, languages: Languages = None) -> list[IntEnum]:
        """One label an item; members compare equal to the label numbers of data files and carry a `name`.

        A student that reads data flow has to know the language of every item: `languages` names one each, by default
        they are all the task's.

        Raises:
            InputError: an item is not what the task judges.
        """
        task, threshold = self.task, self.bundle.decision.threshold
        rows = self.predict_proba(items, languages=languages)
        if len(task.labels) == 2:
            positive = task.positive_index
            return [self.labels(positive if row[positive] > threshold else 1 - positive) for row in rows]
        return [self.labels(row.index(max(row))) for row in rows]

    def predict_proba(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Probabilities, one row an item, columns in the order of `task.labels`; `languages` as in `predict`.

        Raises:
            InputError: an item is not what the task judges.
        """
        return [_softmax(row, self.bundle.decision.temperature) for row in self.logits(items, languages=languages)]

    def logits(self, items: Items, *, languages: Languages = None) -> list[list[float]]:
        """Raw outputs, one row an item, columns in the order of `task.labels`; `languages` as in `predict`.

        Raises:
            InputError: an item is not what the task judges.
        """
        texts = [text for item in _checked(items, self.task) for text in item]
        spoken = _spoken(languages, len(items), self.task.functions_per_item) if self._graphs else [None] * len(texts)
        functions = list(zip(texts, spoken, strict=True))
        places = {function: index for index, function in enumerate(dict.fromkeys(functions))}
        vectors = self._encode([text for text, _ in places], [language for _, language in places])
        with _Damage(self.path):
            flat = list(_floats(self._model.logits(vectors, [places[function] for function in functions])))
        columns = len(self.task.labels)
        return [flat[start : start + columns] for start in range(0, len(flat), columns)]

    def encode(self, functions: Sequence[str], *, languages: Languages = None) -> "memoryview[float]":
        """First-token vectors, float32 of shape (functions, hidden_size): what the head compares.

        `languages` as in `predict`.

        Raises:
            InputError: not a list of strings.
        """
        texts = [text for (text,) in _checked(functions, None)]
        vectors = self._encode(texts, _spoken(languages, len(texts), 1))
        return _floats(vectors, len(functions), self.config.hidden_size) if functions else _floats(vectors)

    def pairs_above(
        self, vectors: "memoryview[float]", threshold: float | None = None, *, limit: int = PAIR_LIMIT
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
        try:
            found: list[tuple[int, int, float]] = self._model.pairs_above(
                bytes(vectors), wanted, decision.temperature, self.task.positive_index, limit, self.threads
            )
        except OverflowError:
            raise TooManyPairsError(
                f"more than {limit} pairs lie above {wanted}; raise the threshold or the limit"
            ) from None
        except ValueError as error:
            raise InputError(f"{error}; give what encode() of the same predictor returned") from None
        return found

    def _encode(self, functions: list[str], languages: list[str | None]) -> bytes:
        if self._graphs is None:
            with _Damage(self.path):
                return bytes(self._model.encode(functions, self._tokenizer, self.threads))
        with _Damage(self.path):
            graphs = [
                self._graphs(language or self.task.language).encode(text)
                for text, language in zip(functions, languages, strict=True)
            ]
            rows = [(one.ids, one.spans, one.edges) for one in graphs]
            return bytes(self._model.encode_graphs(rows, self.threads))


class _Damage:
    """Turns what the core says of impossible weights into the error a user sees."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _native.DamagedError):
            raise BundleError(f"{self.path}: {error}; fetch or export it again") from None
        if isinstance(error, MemoryError):
            raise BundleError(f"{self.path}: the model needs more memory than there is; try a smaller one") from None
        if isinstance(error, UnicodeEncodeError):
            raise InputError("a text holds half a surrogate pair; decode the file with errors='replace'") from None


def _checked(items: Any, task: Task | None) -> list[tuple[str, ...]]:
    """Items as tuples of one or two strings; None stands for single functions.

    Raises:
        InputError: anything else.
    """
    pair = task is not None and task.unit is Unit.PAIR
    wanted = "pairs of strings, such as [(a, b)]" if pair else "source strings, such as [code]"
    if isinstance(items, str | bytes) or not isinstance(items, Sequence):
        raise InputError(f"items are of type {type(items).__name__}; wanted: a list of {wanted}")
    checked = [tuple(item) if pair and isinstance(item, tuple | list) else (item,) for item in items]
    for index, item in enumerate(checked):
        if len(item) != 1 + pair or not all(isinstance(text, str) for text in item):
            raise InputError(f"item {index} is {_described(items[index])}; wanted: a list of {wanted}")
    return checked


def _spoken(languages: Languages, items: int, functions_per_item: int) -> list[str | None]:
    """The language of every function, None for the task's own.

    Raises:
        InputError: not one an item.
    """
    if languages is None:
        return [None] * (items * functions_per_item)
    if len(languages) != items:
        raise InputError(f"{len(languages)} languages for {items} items; give one for each")
    return [language for language in languages for _ in range(functions_per_item)]


def _described(item: object) -> str:
    if isinstance(item, tuple | list):
        return f"a {type(item).__name__} of ({', '.join(type(part).__name__ for part in item[:4])})"
    return f"of type {type(item).__name__}"


def _floats(packed: bytes, *shape: int) -> "memoryview[float]":
    view = memoryview(packed)
    return view.cast("f", shape) if shape else view.cast("f")


def _softmax(logits: list[float], temperature: float) -> list[float]:
    largest = max(logits)
    powers = [math.exp((value - largest) / temperature) for value in logits]
    total = math.fsum(powers)
    return [power / total for power in powers]


def _label_enum(task: Task) -> type[IntEnum]:
    try:
        return cast("type[IntEnum]", IntEnum("Label", [(name, index) for index, name in enumerate(task.labels)]))
    except (TypeError, ValueError) as error:
        raise BundleError(f"task {task.name!r}: labels {list(task.labels)!r:.60} are not usable ({error})") from None


def _native_model(bundle: Bundle, target: str) -> _native.Model:
    config, task = bundle.config, bundle.task
    with _Damage(bundle.path):
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
    from codewren.dataflow.extract import LANGUAGES
    from codewren.predict.graph_ids import GraphEncoder

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


def _native_row(place: TensorPlace) -> tuple[str, int, int, int, int]:
    rows, columns = place.shape if len(place.shape) == 2 else (1, place.shape[0])
    return str(place.dtype), rows, columns, place.offset, place.scale_offset or 0
