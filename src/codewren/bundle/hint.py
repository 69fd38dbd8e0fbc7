"""The form of bundle that holds a hint: a weight of each known feature of a function for each head.

A head adds up its weights over all features of the function, none left out, with damped counts, and divides by the root
of the counts' squares. A calibration is a line through the scores of heads and a few counts of the function.
`native/hint` computes the sums; `docs/bundle-format.md` has the form in words.
"""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from codewren.bundle.container import AGAIN, BundleFile, Container, Decision, manifest_field, naming
from codewren.bundle.similarity import GENERAL, TableEntry, back_to_back, table_entries
from codewren.core.errors import BundleError
from codewren.core.hint_recipe import LINE_TREE_LIMIT
from codewren.core.task import Unit

LEXER = {"kind": "hint", "version": 1}  # what tokenizer.json says: the tokens and features are the program's own
ENTRY_LIMIT = 1 << 22
HEAD_LIMIT = 64
MEASURES = ("tokens", "lines", "calls", "depth", "loops", "branches", "returns", "indices", "dereferences")
"""Counts of a function, in the order in which the runtime gives them."""

LONG = 6.0
"""Logarithm of the tokens beyond which a function is long: the line through the counts has a corner there."""

COVARIATES = (*(f"log {name}" for name in MEASURES), "long", *(f"root {name}" for name in MEASURES))
"""What the line of a calibration goes through beside the heads."""

LINE_MEASURES = (
    *("bytes", "tokens", "variables", "calls", "numbers", "strings", "assignments", "comparisons", "conjunctions"),
    *("negations", "indices", "members", "products", "sums", "shifts", "commas", "branches", "loops", "jumps", "sizes"),
    *("types", "capitals", "compared", "uncompared", "first", "last", "uses", "facts", "unchecked", "goes on"),
    *("declares", "depth", "place", "number", "behind", "all", "size words", "failure words", "freeing words"),
    "copying words",
    *(
        f"{neighbour} {name}"
        for neighbour in ("before", "behind")
        for name in ("tokens", "calls", "assignments", "branches", "loops", "jumps", "declares", "facts", "failures")
    ),
)
"""What is known of a line, in the order in which the runtime gives it."""

LINE_DEPTH = 3
LINE_NUMBERS = 2 * LINE_DEPTH + (1 << LINE_DEPTH)
"""Of one tree: a measure and a limit for each level, and what each leaf adds."""

LARGEST_LIMIT, LARGEST_LEAF = 255, 1 << 20
LINE_STEP = 1 / 256
"""What one step of a leaf adds to the logarithm of a line's likelihood."""

REVIEW = "review"
"""The calibration that says what to review first; the general one says what the text itself shows."""


def covariates(measures: Sequence[int]) -> list[float]:
    """Logarithms of the counts, how far that of the tokens lies beyond `LONG`, and roots of the counts.

    >>> covariates([3, *[0] * 8])[9:11]
    [0.0, 1.7320508075688772]
    """
    logarithms = [math.log1p(count) for count in measures]
    return [*logarithms, max(0.0, logarithms[0] - LONG), *map(math.sqrt, measures)]


@dataclass(frozen=True, slots=True)
class HintCalibration:
    """A line through the scores of heads and the counts of a function: log odds, and what becomes of them.

    Attributes:
        heads: slopes of the log odds by the score of each head, by name.
        counts: slopes by each of the `COVARIATES`.
        offset: log odds where all of them are 0.
        threshold: the probability an alarm exceeds.
        alert_threshold: takes its place when whole repositories are scanned; None is the same.
    """

    heads: Mapping[str, float]
    counts: tuple[float, ...]
    offset: float
    threshold: float = 0.5
    alert_threshold: float | None = None

    def __post_init__(self) -> None:
        if len(self.counts) != len(COVARIATES) or not all(map(math.isfinite, (self.offset, *self.counts))):
            raise BundleError(f"calibration: {len(self.counts)} slopes of counts, or a number out of range; {AGAIN}")
        for threshold in (self.threshold, 0.0 if self.alert_threshold is None else self.alert_threshold):
            if not 0 <= threshold <= 1:
                raise BundleError(f"calibration: threshold {threshold} is out of range; {AGAIN}")

    def log_odds(self, scores: Mapping[str, float], measures: Sequence[int]) -> float:
        """Log odds of the positive label, by the scores of the heads and the counts of the function."""
        line = map(operator.mul, self.counts, covariates(measures))
        return math.fsum((self.offset, *(slope * scores[head] for head, slope in self.heads.items()), *line))

    def probability(self, scores: Mapping[str, float], measures: Sequence[int]) -> float:
        """Probability of the positive label."""
        return 1 / (1 + math.exp(min(-self.log_odds(scores, measures), 700)))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        values = {**asdict(self), "heads": dict(self.heads), "counts": list(self.counts)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class HintConfig:
    """Sizes and heads of a hint.

    Attributes:
        entries: known features.
        heads: by name, in the order of their weights: what one step of a weight is worth.
        kind_entries: how many of the features, the first ones, have weights for kinds too.
        kind_scale: what one step of a weight for kinds is worth.
        kinds: names of the kinds of weakness, with the log odds of each before anything is read.
    """

    entries: int
    heads: Mapping[str, float]
    kind_entries: int
    kind_scale: float
    kinds: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 0 <= self.kind_entries <= self.entries <= ENTRY_LIMIT:
            raise BundleError(f"{self.kind_entries} of {self.entries} entries have kinds; {AGAIN}")
        if not (0 < len(self.heads) <= HEAD_LIMIT and len(self.kinds) <= HEAD_LIMIT):
            raise BundleError(f"{len(self.heads)} heads and {len(self.kinds)} kinds; {AGAIN}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "heads": dict(self.heads), "kinds": dict(self.kinds)}


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
class HintBundle(BundleFile):
    """A bundle with a hint, whose structure has been checked; it judges single functions by two labels.

    Attributes:
        config: sizes and heads.
        calibrations: "general" and "review" among them.
        calibration: the one in use.
        tensors: places in `weights`, in file order.
        line_trees: numbers of the trees that say which lines a patch would change, tree by tree; empty: there are none.
    """

    config: HintConfig
    calibrations: Mapping[str, HintCalibration]
    calibration: HintCalibration
    tensors: tuple[TableEntry, ...]
    line_trees: tuple[int, ...]

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
                *container.in_common,
                config=config,
                calibrations=calibrations,
                calibration=calibrations[GENERAL],
                tensors=table_entries(manifest, hint_layout(config), container.weights),
                line_trees=_line_trees(manifest),
            )

    @property
    def calibration_name(self) -> str:
        """What the calibration in use is called."""
        return next(name for name, known in self.calibrations.items() if known is self.calibration)

    @property
    def record_key(self) -> str:
        """Of the file and the calibration: a record holds its probabilities, where an encoder's holds vectors."""
        return f"{self.sha256}@{self.calibration_name}"

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


def _line_trees(manifest: Mapping[str, Any]) -> tuple[int, ...]:
    trees = manifest_field(manifest, "line_trees", list) if "line_trees" in manifest else []
    if len(trees) > LINE_TREE_LIMIT or not all(map(_is_line_tree, trees)):
        raise BundleError(f"line_trees holds a list of {len(trees)} that are not all trees; {AGAIN}")
    return tuple(number for tree in trees for number in tree)


def _is_line_tree(tree: Any) -> bool:
    if not isinstance(tree, list) or [type(number) for number in tree] != [int] * LINE_NUMBERS:
        return False
    questions, leaves = tree[: 2 * LINE_DEPTH], tree[2 * LINE_DEPTH :]
    return (
        all(0 <= measure < len(LINE_MEASURES) for measure in questions[::2])
        and all(0 <= limit <= LARGEST_LIMIT for limit in questions[1::2])
        and all(abs(leaf) <= LARGEST_LEAF for leaf in leaves)
    )


def _config(raw: Mapping[str, Any]) -> HintConfig:
    wanted = [field.name for field in fields(HintConfig)]
    if set(raw) != set(wanted):
        raise BundleError(f"config has {sorted(map(str, raw))!r:.80}, wanted: {', '.join(wanted)}; {AGAIN}")
    return HintConfig(
        manifest_field(raw, "entries", int),
        _numbers(raw, "heads"),
        manifest_field(raw, "kind_entries", int),
        _number(raw, "kind_scale"),
        _numbers(raw, "kinds"),
    )


def _numbers(raw: Mapping[str, Any], name: str) -> dict[str, float]:
    values = manifest_field(raw, name, dict)
    return {str(key): _number(values, key) for key in values}


def _number(raw: Mapping[Any, Any], name: Any) -> float:
    value = raw.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= 1e12:
        raise BundleError(f"config {name} is {value!r:.40}, a number was wanted; {AGAIN}")
    return float(value)


def _calibrations(raw: Mapping[str, Any], config: HintConfig) -> dict[str, HintCalibration]:
    missing = {GENERAL, REVIEW} - raw.keys()
    if missing:
        raise BundleError(f"calibrations lack {', '.join(sorted(missing))}; {AGAIN}")
    calibrations = {str(name): _calibration(manifest_field(raw, name, dict)) for name in raw}
    for calibration in calibrations.values():
        if not calibration.heads.keys() <= config.heads.keys():
            raise BundleError(f"calibration: heads {sorted(calibration.heads)!r:.60} are not all there; {AGAIN}")
    return calibrations


def _calibration(raw: Mapping[str, Any]) -> HintCalibration:
    counts = dict(enumerate(manifest_field(raw, "counts", list)))
    alert = None if raw.get("alert_threshold") is None else _number(raw, "alert_threshold")
    line = tuple(_number(counts, index) for index in counts)
    return HintCalibration(_numbers(raw, "heads"), line, _number(raw, "offset"), _number(raw, "threshold"), alert)
