"""What a benchmark times: anything that judges items, and bundles, which need no torch."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from codewren.bench.judged_items import BenchItems
from codewren.bundle.hint import HintBundle
from codewren.bundle.open import AnyBundle
from codewren.bundle.read import Bundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.bundle.tensors import parameter_count
from codewren.core.errors import InputError
from codewren.core.formulas import PAPERS_LENGTH, papers_flops, student_flops
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.measure.fields import Fields
from codewren.measure.fresh_process import bundle_command
from codewren.predict.predictor import find_and_open, predictor_of
from codewren.predict.tokenizer import Tokenizer

KINDS = ("teacher", "original", "bundle")


@dataclass(frozen=True, slots=True)
class Flops:
    """Work of a mean item.

    Attributes:
        value: FLOPs of its matrix products, one multiply-add = 2.
        tokens: mean tokens of a function.
        how: they were found.
    """

    value: float
    tokens: float
    how: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        return cls(raw.number("value"), raw.number("tokens"), raw.text("how"))


@dataclass(frozen=True, slots=True)
class Identity:
    """What a model is, apart from what it costs to run.

    Attributes:
        name: unique in a report.
        kind: `bundle`, `teacher` or `original`.
        label: one line for people.
        size_bytes: the whole bundle; of a teacher its weight files.
        papers_flops: by both papers' formula, at their length of 514 tokens.
    """

    name: str
    kind: str
    label: str
    path: str | None = None
    sha256: str | None = None
    config: dict[str, Any] | None = None
    size_bytes: int | None = None
    parameters: int | None = None
    papers_flops: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        papers = None if self.papers_flops is None else {"value": self.papers_flops, "length": PAPERS_LENGTH}
        return {**asdict(self), "papers_flops": papers}

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        papers, config = raw.maybe(raw.within, "papers_flops"), raw.maybe(raw.within, "config")
        kind = raw.text("kind")
        if kind not in KINDS:
            raise InputError(f"{raw.where}: kind is {kind!r:.40}, wanted {', '.join(KINDS)}; make the file again")
        return cls(
            name=raw.text("name"),
            kind=kind,
            label=raw.text("label"),
            path=raw.maybe(raw.text, "path"),
            sha256=raw.maybe(raw.text, "sha256"),
            config=dict(config.raw) if config else None,
            size_bytes=raw.maybe(raw.count, "size_bytes"),
            parameters=raw.maybe(raw.count, "parameters"),
            papers_flops=papers.count("value") if papers else None,
        )


class Contestant(Protocol):
    """A model in a benchmark; items are named by their place in the benchmark's items."""

    @property
    def identity(self) -> Identity:
        """What it is."""

    def single(self, threads: int) -> Callable[[int], object]:
        """Judges one item; a new one remembers nothing of earlier items."""

    def bulk(self, threads: int) -> Callable[[Sequence[int]], object]:
        """Judges many items at once; likewise."""

    def flops(self, indices: Sequence[int]) -> Flops | None:
        """Work of these items, on average."""

    def command(self) -> list[str]:
        """A child process that judges items as `measure.fresh_process` asks it to."""

    def child_item(self, index: int) -> object:
        """An item in the form that child takes."""


class BundleModel:
    """A `*.wren` file."""

    def __init__(self, bundle: AnyBundle, items: BenchItems, *, name: str | None = None) -> None:
        self._bundle, self._items = bundle, items
        self._tokenizer = Tokenizer(bundle.tokenizer) if isinstance(bundle, Bundle) else None
        self.identity = _identity(bundle, name or bundle.path.stem)

    def single(self, threads: int) -> Callable[[int], object]:
        """Judge one item."""
        predictor, item = predictor_of(self._bundle, threads=threads), self._items.item
        return lambda index: predictor.predict_proba([item(index)])

    def bulk(self, threads: int) -> Callable[[Sequence[int]], object]:
        """Judge many at once."""
        predictor, item = predictor_of(self._bundle, threads=threads), self._items.item
        return lambda indices: predictor.predict_proba([item(index) for index in indices])

    def lengths(self, index: int) -> list[int]:
        """Tokens of each function of an item, cut to the student's length; none without a network."""
        if self._tokenizer is None or not isinstance(self._bundle, Bundle):
            return []
        longest = self._bundle.config.max_sequence_length
        return [len(self._tokenizer.encode(text, longest)) for text in self._items.sources[index]]

    def flops(self, indices: Sequence[int]) -> Flops | None:
        """By the formula of what the runtime really does; none where no matrices are multiplied."""
        if not isinstance(self._bundle, Bundle):
            return None
        config, task = self._bundle.config, self._bundle.task
        lengths = [self.lengths(index) for index in indices]
        # The formula takes both functions of a pair as equally long: the mean of the two is a pair of unlike ones.
        each = [
            statistics.fmean(student_flops(config, task, tokens=tokens) for tokens in tokens_of_item)
            for tokens_of_item in lengths
        ]
        tokens = statistics.fmean(tokens for tokens_of_item in lengths for tokens in tokens_of_item)
        return Flops(statistics.fmean(each), tokens, "formula: matrix products of the shipped form, real lengths")

    def command(self) -> list[str]:
        """Load the file and predict."""
        return bundle_command(self._bundle.path)

    def child_item(self, index: int) -> object:
        """The source text."""
        return self._items.item(index)


def read_bundles(names: Sequence[str]) -> list[AnyBundle]:
    """Bundles of one task.

    Raises:
        BundleError: a file is missing or damaged.
        InputError: they judge different things.
    """
    bundles = [find_and_open(name) for name in names]
    for bundle in bundles[1:]:
        check_task(bundle, bundles[0].task, str(bundles[0].path))
    return bundles


def check_task(bundle: AnyBundle, task: Task, other: str) -> None:
    """Refuse a bundle that does not judge what the others do.

    Raises:
        InputError: another unit, or other labels.
    """
    if (bundle.task.unit, bundle.task.labels) != (task.unit, task.labels):
        raise InputError(
            f"{bundle.path} judges a {bundle.task.unit} as {list(bundle.task.labels)}, {other} a {task.unit} as "
            f"{list(task.labels)}; bench one task at a time"
        )


def bundle_models(bundles: Sequence[AnyBundle], items: BenchItems) -> list[BundleModel]:
    """Models with names that differ: the file's own, with its folder's where two are alike."""
    stems = [bundle.path.stem for bundle in bundles]
    return [BundleModel(bundle, items, name=_name(bundle.path, stems)) for bundle in bundles]


def _name(path: Path, stems: Sequence[str]) -> str:
    return path.stem if stems.count(path.stem) == 1 else str(path)


def _identity(bundle: AnyBundle, name: str) -> Identity:
    common: dict[str, Any] = {
        "name": name,
        "kind": "bundle",
        "path": str(bundle.path),
        "sha256": bundle.sha256,
        "config": bundle.config.to_dict(),
        "size_bytes": bundle.size_bytes,
    }
    if isinstance(bundle, SimilarityBundle):
        tables = bundle.config.tables.values()
        numbers = sum(table.entries + table.rows * table.width for table in tables)
        return Identity(**common, label=f"encoder, {bundle.config.vector_bytes} bytes", parameters=numbers)
    if isinstance(bundle, HintBundle):
        numbers = bundle.config.entries * (1 + len(bundle.config.heads))
        return Identity(**common, label=f"hint, {bundle.config.entries} features", parameters=numbers)
    config = bundle.config
    return Identity(
        **common,
        label=f"{config.num_hidden_layers} layers, hidden {config.hidden_size}, {config.storage}",
        parameters=parameter_count(config, bundle.task),
        papers_flops=_papers_flops(config),
    )


def _papers_flops(config: StudentConfig) -> int:
    return int(
        papers_flops(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_hidden_layers,
            intermediate_size=config.intermediate_size,
            num_attention_heads=config.num_attention_heads,
        )
    )
