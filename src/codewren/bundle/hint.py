"""The form of bundle that holds a hint: a weight of each known feature of a function for each head.

A head adds up its weights over all features of the function, none left out, divides the sum by the root of the
features' squares, and adds a line through a few counts of the function. `native/hint` computes the sums;
`docs/bundle-format.md` has the form in words.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from codewren.bundle.container import AGAIN, Container, Decision, Form, file_sha256, manifest_field, naming
from codewren.bundle.similarity import GENERAL, TableEntry, back_to_back, table_entries
from codewren.core.errors import BundleError
from codewren.core.task import Task, Unit

LEXER = {"kind": "hint", "version": 1}  # what tokenizer.json says: the tokens and features are the program's own
ENTRY_LIMIT = 1 << 22
HEAD_LIMIT = 64
MEASURES = ("tokens", "lines", "calls", "depth", "loops", "branches", "returns", "indices", "dereferences")
"""Counts of a function, in the order in which the runtime gives them."""

LONG = 6.0
"""Logarithm of the tokens beyond which a function is long: the line through the counts has a corner there."""

REVIEW = "review"
"""The calibration that says what to review first; the general one says what the text itself shows."""


def covariates(measures: Sequence[int]) -> list[float]:
    """What a head's line goes through: the logarithms of the counts, and how far the tokens lie beyond the corner.

    >>> covariates([0] * 9)
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    logarithms = [math.log1p(count) for count in measures]
    return [*logarithms, max(0.0, logarithms[0] - LONG)]


@dataclass(frozen=True, slots=True)
class Head:
    """How the sums of one head become its score.

    Attributes:
        scale: of the weights of features.
        bias: score of a function without anything.
        slopes: of the `covariates`.
    """

    scale: float
    bias: float
    slopes: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.slopes) != len(MEASURES) + 1 or not all(map(math.isfinite, (self.scale, self.bias, *self.slopes))):
            raise BundleError(f"a head has {len(self.slopes)} slopes, or numbers out of range; {AGAIN}")

    def score(self, features: float, measures: Sequence[int]) -> float:
        """Score of a function, by the sum of its features over their root, and its counts."""
        line = math.fsum(slope * x for slope, x in zip(self.slopes, covariates(measures), strict=True))
        return self.scale * features + self.bias + line


@dataclass(frozen=True, slots=True)
class HintCalibration:
    """How the score of a head becomes a probability, and a probability a label.

    Attributes:
        head: whose score.
        slope: of the log odds by the score, positive.
        offset: log odds at score 0.
        threshold: the probability an alarm exceeds.
        alert_threshold: takes its place when whole repositories are scanned; None is the same.
    """

    head: str
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

    def log_odds(self, score: float) -> float:
        """Log odds of the positive label."""
        return self.slope * score + self.offset

    def probability(self, score: float) -> float:
        """Probability of the positive label."""
        return 1 / (1 + math.exp(min(-self.log_odds(score), 700)))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class HintConfig:
    """Sizes and heads of a hint.

    Attributes:
        entries: known features.
        heads: by name, in the order of their weights.
        kind_entries: how many of the features, the first ones, have weights for kinds too.
        kind_scale: of the weights for kinds.
        kinds: names of the kinds of weakness, with the log odds of each before anything is read.
    """

    entries: int
    heads: Mapping[str, Head]
    kind_entries: int
    kind_scale: float
    kinds: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 0 <= self.kind_entries <= self.entries <= ENTRY_LIMIT:
            raise BundleError(f"{self.kind_entries} of {self.entries} entries have kinds; {AGAIN}")
        if not (0 < len(self.heads) <= HEAD_LIMIT and len(self.kinds) <= HEAD_LIMIT):
            raise BundleError(f"{len(self.heads)} heads and {len(self.kinds)} kinds; {AGAIN}")
        if not all(map(math.isfinite, (self.kind_scale, *self.kinds.values()))):
            raise BundleError(f"numbers of the kinds are out of range; {AGAIN}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        heads = {name: {**asdict(head), "slopes": list(head.slopes)} for name, head in self.heads.items()}
        return {
            "entries": self.entries,
            "heads": heads,
            "kind_entries": self.kind_entries,
            "kind_scale": self.kind_scale,
            "kinds": dict(self.kinds),
        }


def hint_layout(config: HintConfig) -> tuple[TableEntry, ...]:
    """Place the tensors of a hint back to back, each start aligned."""
    return back_to_back(
        (
            ("fingerprints", "uint32", (config.entries,)),
            ("rows", "int8", (config.entries, len(config.heads))),
            ("kind_rows", "int8", (config.kind_entries, len(config.kinds))),
        )
    )


@dataclass(frozen=True, slots=True)
class HintBundle:
    """A bundle with a hint, whose structure has been checked.

    Attributes:
        path: where it was read.
        size_bytes: size of the whole file: what a budget counts.
        manifest: the JSON of `manifest.json`.
        task: what is judged: single functions, with two labels.
        config: sizes and heads.
        calibrations: "general" and "review" among them.
        calibration: the one in use.
        tensors: places in `weights`, in file order.
        weights: bytes of `weights.bin`, mapped into memory, read only.
        card: the model card.
    """

    path: Path
    size_bytes: int
    manifest: Mapping[str, Any]
    task: Task
    config: HintConfig
    calibrations: Mapping[str, HintCalibration]
    calibration: HintCalibration
    tensors: tuple[TableEntry, ...]
    weights: memoryview
    card: str

    @classmethod
    def of(cls, container: Container) -> Self:
        """Check what a container says of its hint.

        Raises:
            BundleError: it holds something else, or the parts do not fit each other.
        """
        manifest = container.manifest
        with naming(container.path):
            if container.task.unit is not Unit.FUNCTION or len(container.task.labels) != 2:
                raise BundleError(f"a hint judges functions by two labels, this one does not; {AGAIN}")
            if container.tokenizer != LEXER:
                raise BundleError(f"tokenizer.json is {dict(container.tokenizer)!r:.60}, wanted: {LEXER}; {AGAIN}")
            config = _config(manifest_field(manifest, "config", dict))
            calibrations = _calibrations(manifest_field(manifest, "calibrations", dict), config)
            return cls(
                path=container.path,
                size_bytes=container.size_bytes,
                manifest=manifest,
                task=container.task,
                config=config,
                calibrations=calibrations,
                calibration=calibrations[GENERAL],
                tensors=table_entries(manifest, hint_layout(config), container.weights),
                weights=container.weights,
                card=container.card,
            )

    @property
    def sha256(self) -> str:
        """Hash of the whole file, computed when asked."""
        return file_sha256(self.path)

    @property
    def decision(self) -> Decision:
        """Thresholds of the calibration in use; its probabilities need no temperature."""
        return Decision(self.calibration.threshold, 1.0, self.calibration.alert_threshold)

    def calibrated(self, name: str) -> Self:
        """The same hint with another calibration.

        Raises:
            BundleError: the bundle has no calibration of this name.
        """
        if name not in self.calibrations:
            raise BundleError(f"{self.path}: no calibration {name!r}; it has {', '.join(self.calibrations)}")
        return replace(self, calibration=self.calibrations[name])


def _config(raw: Mapping[str, Any]) -> HintConfig:
    wanted = [field.name for field in fields(HintConfig)]
    if set(raw) != set(wanted):
        raise BundleError(f"config has {sorted(map(str, raw))!r:.80}, wanted: {', '.join(wanted)}; {AGAIN}")
    heads, kinds = manifest_field(raw, "heads", dict), manifest_field(raw, "kinds", dict)
    return HintConfig(
        manifest_field(raw, "entries", int),
        {str(name): _head(manifest_field(heads, name, dict)) for name in heads},
        manifest_field(raw, "kind_entries", int),
        _number(raw, "kind_scale"),
        {str(name): _number(kinds, name) for name in kinds},
    )


def _head(raw: Mapping[str, Any]) -> Head:
    slopes = dict(enumerate(manifest_field(raw, "slopes", list)))
    return Head(_number(raw, "scale"), _number(raw, "bias"), tuple(_number(slopes, index) for index in slopes))


def _number(raw: Mapping[Any, Any], name: Any) -> float:
    value = raw.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e12:
        raise BundleError(f"config {name} is {value!r:.40}, a number was wanted; {AGAIN}")
    return float(value)


def _calibrations(raw: Mapping[str, Any], config: HintConfig) -> dict[str, HintCalibration]:
    missing = {GENERAL, REVIEW} - raw.keys()
    if missing:
        raise BundleError(f"calibrations lack {', '.join(sorted(missing))}; {AGAIN}")
    calibrations = {str(name): _calibration(manifest_field(raw, name, dict)) for name in raw}
    for calibration in calibrations.values():
        if calibration.head not in config.heads:
            raise BundleError(f"calibration: no head {calibration.head!r:.40}; {AGAIN}")
    return calibrations


def _calibration(raw: Mapping[str, Any]) -> HintCalibration:
    slope, offset, threshold = (_number(raw, name) for name in ("slope", "offset", "threshold"))
    alert = None if raw.get("alert_threshold") is None else _number(raw, "alert_threshold")
    return HintCalibration(manifest_field(raw, "head", str), slope, offset, threshold, alert)
