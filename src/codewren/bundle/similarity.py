"""The form of bundle that holds a similarity encoder: functions become int8 vectors, pairs their dot products.

Vectors are made of four parts: a hashed sketch and a learned sum of a function's names, and of its structure. The
encoder's form is in `docs/bundle-format.md`; `native/similarity` computes it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import prod
from typing import Any, Self

from codewren.bundle.container import (
    AGAIN,
    BundleFile,
    Container,
    Decision,
    Form,
    check_ranges,
    manifest_field,
    manifest_number,
    naming,
    tensor_offset,
)
from codewren.bundle.layout import aligned
from codewren.core.errors import BundleError
from codewren.core.task import Unit

LEXER = {"kind": "source", "version": 1}  # what tokenizer.json says: the tokens and features are the program's own
ENTRY_LIMIT = 1 << 22  # entries of a table
WIDTH_LIMIT = 1 << 12  # numbers of one of the four parts
ITEM_BYTES = {"uint32": 4, "uint8": 1, "int8": 1}
SQUARE = 1 << 16  # dot product of a vector with itself, but for rounding
GENERAL = "general"


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Sizes of the table of one kind of feature.

    Attributes:
        entries: known features, each with a fingerprint and a weight.
        rows: how many of them, the first ones, have a learned row too.
        width: numbers of a row.
        sketch_width: numbers of the sketch, a power of two, or 0 for none.
        unknown: weight in the sketch of a feature without an entry.
    """

    entries: int
    rows: int
    width: int
    sketch_width: int
    unknown: int

    def __post_init__(self) -> None:
        for field, most in (
            ("entries", ENTRY_LIMIT),
            ("rows", self.entries),
            ("width", WIDTH_LIMIT),
            ("sketch_width", WIDTH_LIMIT),
            ("unknown", 255),
        ):
            if not 0 <= getattr(self, field) <= most:
                raise BundleError(f"{field} is {getattr(self, field)}, wanted: 0 to {most}; {AGAIN}")
        if self.sketch_width & (self.sketch_width - 1):
            raise BundleError(f"sketch_width {self.sketch_width} is no power of two; {AGAIN}")


@dataclass(frozen=True, slots=True)
class SimilarityConfig:
    """Sizes of an encoder, and how much each part of the vector counts.

    Attributes:
        names: the table of names and literals.
        structure: the table of n-grams of the normalised tokens.
        roots: roots of the shares of names sketch, names, structure, structure sketch.
    """

    names: FeatureTable
    structure: FeatureTable
    roots: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        if not all(0 <= root <= 1 for root in self.roots) or math.fsum(root * root for root in self.roots) > 1.001:
            raise BundleError(f"roots {list(self.roots)!r:.90} are no shares of a whole; {AGAIN}")
        if not self.vector_bytes:
            raise BundleError(f"an encoder of no width; {AGAIN}")

    @property
    def part_widths(self) -> tuple[int, int, int, int]:
        """Numbers of names sketch, names, structure, structure sketch."""
        names, structure = self.names, self.structure
        return names.sketch_width, names.width, structure.width, structure.sketch_width

    @property
    def vector_bytes(self) -> int:
        """Bytes of a function's vector."""
        return sum(self.part_widths)

    @property
    def tables(self) -> dict[str, FeatureTable]:
        """The two tables by name."""
        return {"names": self.names, "structure": self.structure}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "roots": list(self.roots)}


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a similarity becomes a probability, and a probability a label, for one idea of a clone.

    Attributes:
        slope: of the log odds by the similarity, positive.
        offset: log odds at similarity 0.
        threshold: the probability a clone exceeds.
        alert_threshold: takes its place when whole repositories are scanned; None is the same.
    """

    slope: float
    offset: float
    threshold: float = 0.5
    alert_threshold: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.offset)):
            raise BundleError(f"calibration: slope {self.slope} or offset {self.offset} is out of range; {AGAIN}")
        for threshold in (self.threshold, 0.0 if self.alert_threshold is None else self.alert_threshold):
            if not 0 <= threshold <= 1:
                raise BundleError(f"calibration: threshold {threshold} is out of range; {AGAIN}")

    def log_odds(self, product: int) -> float:
        """Log odds of a pair whose vectors have this dot product."""
        return self.slope * (product / SQUARE) + self.offset

    def probability(self, product: int) -> float:
        """Probability of a pair whose vectors have this dot product."""
        return 1 / (1 + math.exp(min(-self.log_odds(product), 700)))

    def least_product(self, threshold: float) -> int:
        """The smallest dot product whose probability exceeds the threshold; one more than any where none does."""
        low, high = -SQUARE * 8, SQUARE * 8
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.probability(middle) > threshold else (middle + 1, high)
        return low

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One row of the tensor table: little-endian whole numbers, row major.

    Attributes:
        name: as `similarity_layout` names it.
        dtype: uint32, uint8 or int8.
        shape: (size,) or (rows, width).
        offset: first byte, from the start of `weights.bin`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * ITEM_BYTES[self.dtype]

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.offset + self.size_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "shape": list(self.shape), "nbytes": self.size_bytes}


def similarity_layout(config: SimilarityConfig) -> tuple[TableEntry, ...]:
    """Place the tensors of an encoder back to back, each start aligned."""
    return back_to_back(
        (f"{table_name}.{name}", dtype, shape)
        for table_name, table in config.tables.items()
        for name, dtype, shape in (
            ("fingerprints", "uint32", (table.entries,)),
            ("weights", "uint8", (table.entries,)),
            ("rows", "int8", (table.rows, table.width)),
        )
    )


def back_to_back(tensors: Iterable[tuple[str, str, tuple[int, ...]]]) -> tuple[TableEntry, ...]:
    """Place tensors of these names, types and shapes one after another, each start aligned."""
    layout: list[TableEntry] = []
    for name, dtype, shape in tensors:
        layout.append(TableEntry(name, dtype, shape, aligned(layout[-1].end) if layout else 0))
    return tuple(layout)


@dataclass(frozen=True, slots=True)
class SimilarityBundle(BundleFile):
    """A bundle with a similarity encoder, whose structure has been checked; it judges pairs by two labels.

    Attributes:
        config: sizes of the encoder.
        calibrations: one for each idea of a clone, "general" among them.
        calibration: the one in use.
        tensors: places in `weights`, in file order.
    """

    config: SimilarityConfig
    calibrations: Mapping[str, Calibration]
    calibration: Calibration
    tensors: tuple[TableEntry, ...]

    @classmethod
    def of(cls, container: Container) -> Self:
        """Check what a container says of its encoder.

        Raises:
            BundleError: it holds something else, or the parts do not fit each other.
        """
        manifest = container.manifest
        with naming(container.path):
            if container.form is not Form.SIMILARITY:
                raise BundleError(f"the file holds a {container.form}, a similarity encoder was wanted; give one")
            if container.task.unit is not Unit.PAIR or len(container.task.labels) != 2:
                raise BundleError(f"a similarity encoder judges pairs by two labels, this one does not; {AGAIN}")
            if container.tokenizer != LEXER:
                raise BundleError(f"tokenizer.json is {dict(container.tokenizer)!r:.60}, wanted: {LEXER}; {AGAIN}")
            config = _config(manifest_field(manifest, "config", dict))
            calibrations = _calibrations(manifest_field(manifest, "calibrations", dict))
            return cls(
                *container.in_common,
                config=config,
                calibrations=calibrations,
                calibration=calibrations[GENERAL],
                tensors=table_entries(manifest, similarity_layout(config), container.weights),
            )

    @property
    def calibration_name(self) -> str:
        """What the calibration in use is called."""
        return next(name for name, known in self.calibrations.items() if known is self.calibration)

    @property
    def decision(self) -> Decision:
        """Thresholds of the calibration in use; its probabilities need no temperature."""
        return Decision(self.calibration.threshold, 1.0, self.calibration.alert_threshold)

    def calibrated(self, name: str) -> Self:
        """The same encoder with another idea of a clone.

        Raises:
            BundleError: the bundle has no calibration of this name.
        """
        if name not in self.calibrations:
            raise BundleError(f"{self.path}: no calibration {name!r}; it has {', '.join(self.calibrations)}")
        return replace(self, calibration=self.calibrations[name])


def _config(raw: Mapping[str, Any]) -> SimilarityConfig:
    if set(raw) != {"names", "structure", "roots"}:
        raise BundleError(f"config has {sorted(map(str, raw))!r:.80}, wanted: names, roots, structure; {AGAIN}")
    roots = manifest_field(raw, "roots", list)
    if len(roots) != 4 or not all(isinstance(root, int | float) and not isinstance(root, bool) for root in roots):
        raise BundleError(f"roots are {roots!r:.60}, four numbers were wanted; {AGAIN}")
    try:
        names_sketch, names, structure, structure_sketch = map(float, roots)
    except OverflowError:
        raise BundleError(f"roots are out of range; {AGAIN}") from None
    return SimilarityConfig(
        _feature_table(manifest_field(raw, "names", dict)),
        _feature_table(manifest_field(raw, "structure", dict)),
        (names_sketch, names, structure, structure_sketch),
    )


def _feature_table(raw: Mapping[str, Any]) -> FeatureTable:
    wanted = [field.name for field in fields(FeatureTable)]
    if set(raw) != set(wanted):
        raise BundleError(f"a table has {sorted(map(str, raw))!r:.90}, wanted: {', '.join(wanted)}; {AGAIN}")
    return FeatureTable(*(manifest_field(raw, name, int) for name in wanted))


def _calibrations(raw: Mapping[str, Any]) -> dict[str, Calibration]:
    if GENERAL not in raw:
        raise BundleError(f"calibrations lack {GENERAL!r}; {AGAIN}")
    return {str(name): _calibration(manifest_field(raw, name, dict)) for name in raw}


def _calibration(raw: Mapping[str, Any]) -> Calibration:
    slope, offset, threshold = (manifest_number(raw, name, "calibration") for name in ("slope", "offset", "threshold"))
    alert = None if raw.get("alert_threshold") is None else manifest_number(raw, "alert_threshold", "calibration")
    return Calibration(slope, offset, threshold, alert)


def table_entries(
    manifest: Mapping[str, Any], wanted: Iterable[TableEntry], weights: memoryview
) -> tuple[TableEntry, ...]:
    """The tensors that a manifest names: those of the layout wanted, wherever they lie in the weights.

    Raises:
        BundleError: others, or they overlap or lie outside.
    """
    layout = {entry.name: entry for entry in wanted}
    tensors = tuple(_tensor(row, layout) for row in manifest_field(manifest, "tensors", list))
    if len(tensors) != len(layout) or {entry.name for entry in tensors} != layout.keys():
        raise BundleError(f"the table names {len(tensors)} tensors, not the {len(layout)} wanted; {AGAIN}")
    check_ranges(((entry.offset, entry.end) for entry in tensors), len(weights))
    return tensors


def _tensor(row: Any, layout: Mapping[str, TableEntry]) -> TableEntry:
    if not isinstance(row, dict):
        raise BundleError(f"tensor table: {row!r:.60} is no row; {AGAIN}")
    name = row.get("name")
    if not isinstance(name, str) or name not in layout:
        raise BundleError(f"tensor {name!r:.60}: no such tensor; {AGAIN}")
    wanted = layout[name]
    entry = replace(wanted, offset=tensor_offset(row, "offset"))
    stated = {key: row.get(key) for key in ("dtype", "shape", "nbytes")}
    expected = {key: entry.to_dict()[key] for key in stated}
    if stated != expected:
        raise BundleError(f"tensor {name} is {stated!r:.90}, wanted: {expected}; {AGAIN}")
    return entry
