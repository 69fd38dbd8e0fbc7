"""The recipe of a similarity encoder: `[objective] kind = "similarity"`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from codewren.core.errors import RecipeError
from codewren.core.pareto import Budget
from codewren.core.plain_values import TOP, build, check_keys
from codewren.core.sourced_recipe import DataFolder, SourcedRecipe, check_trials
from codewren.core.task import Task, Unit

KIND = "similarity"
HINT = "hint"
TASK = Task("clone", Unit.PAIR, ("different", "clone"), "clone")


@dataclass(frozen=True, slots=True)
class SimilaritySource:
    """Functions to learn from, in a file as those of other recipes.

    Attributes:
        kind: `problems` are solved several times, `functions` come from projects, `pairs` have labels or logits.
        path: the functions: JSONL, CSV, TSV or Parquet, plain or compressed, below `data.root`.
        text: column of the source text.
        problem: column of what a function solves.
        project: column of where it is from.
        name: column of its name; without it the name is read from the text.
        doc: column of what its documentation says; without it there is none to learn from.
        id: column by which pairs name it.
        language: of all functions; empty: there is a column `language`.
        where: keep the rows whose columns have these values.
        limit: of `functions`: keep so many drawn ones.
        labelled: of `pairs`: files of id1, id2, label, learned as they are.
        unlabelled: of `pairs`: a file of id1, id2, for which there are `logits`.
        logits: the teachers' for `unlabelled`: .npy files of two columns, averaged.
        valid: of `pairs`: a file to measure on.
        split_projects: of `functions`: put 15 of 100 projects, by a hash of their names, aside to fit thresholds, and
            15 to measure false alarms; else all teach but those named next.
        fit_projects: put aside by name, to fit thresholds.
        test_projects: put aside by name, to measure false alarms.
    """

    kind: Literal["problems", "functions", "pairs"]
    path: str
    text: str = "func"
    problem: str = "problem"
    project: str = "project"
    name: str = "name"
    doc: str = "doc"
    id: str = "idx"
    language: str = ""
    where: Mapping[str, str | int] = field(default_factory=dict)
    limit: int | None = None
    labelled: str | None = None
    unlabelled: str | None = None
    logits: Sequence[str] = ()
    valid: str | None = None
    split_projects: bool = False
    fit_projects: Sequence[str] = ()
    test_projects: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind of lesson gives a batch.

    Attributes:
        problems: two solutions of one problem.
        names: functions of one name in two projects, the name hidden.
        edits: a function and its edited copy.
        pairs: labels and teachers' logits.
        changes: near copies that do something else, which must be told from the original.
        docs: what the documentation says, and the function with its name hidden.
    """

    problems: float = 5.0
    names: float = 3.0
    edits: float = 2.0
    pairs: float = 1.5
    changes: float = 0.0
    docs: float = 0.0


@dataclass(frozen=True, slots=True)
class ContrastSection:
    """Training by contrast.

    Attributes:
        steps: batches in all.
        pairs: of a batch; each function must tell its partner from those of all others.
        learning_rate: of the rows, with a warm-up of 20 steps and a cosine.
        dropout: chance that a feature is left out of the learned parts.
        temperature: at the start; it is learned.
        mix: how often each kind of lesson gives a batch.
        originals: functions of each language that are edited, and documented ones at most.
        initial: `rows.npz` of another run, whose rows are the start of these: a smaller encoder learns from a larger.
        seed: of everything drawn.
    """

    steps: int = 1300
    pairs: int = 224
    learning_rate: float = 0.01
    dropout: float = 0.1
    temperature: float = 0.06
    mix: Mix = field(default_factory=Mix)
    originals: int = 2200
    initial: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TableSizes:
    """Sizes of one table of features.

    Attributes:
        entries: features with a weight in the sketch, the most frequent ones.
        rows: of the first of them, which have a learned row too.
        width: numbers of a row.
        sketch_width: numbers of the sketch, a power of two.
    """

    entries: int
    rows: int
    width: int = 96
    sketch_width: int = 256


@dataclass(frozen=True, slots=True)
class Shares:
    """How much each part of a vector counts in the similarity; any scale.

    Attributes:
        names_sketch: hashed names and literals.
        names: learned rows of names and literals.
        structure: learned rows of runs of tokens.
        structure_sketch: hashed runs of tokens.
    """

    names_sketch: float = 0.20
    names: float = 0.34
    structure: float = 0.35
    structure_sketch: float = 0.11


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """Sizes of an encoder: what a function's vector is made of.

    Attributes:
        names: the table of names and literals.
        structure: the table of runs of up to six tokens.
        shares: how much each part counts.
    """

    names: TableSizes
    structure: TableSizes
    shares: Shares = field(default_factory=Shares)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form.

        Raises:
            RecipeError: unknown or missing key, or a value of the wrong kind.
        """
        return build(cls, raw, where="student")

    @property
    def roots(self) -> tuple[float, float, float, float]:
        """Roots of the shares, which add up to 1."""
        shares = self.shares
        parts = (shares.names_sketch, shares.names, shares.structure, shares.structure_sketch)
        names_sketch, names, structure, structure_sketch = (math.sqrt(share / math.fsum(parts)) for share in parts)
        return names_sketch, names, structure, structure_sketch

    @property
    def table_bytes(self) -> int:
        """Bytes of both tables: what a bundle holds but for a few kilobytes."""
        return sum(table.rows * table.width + 5 * table.entries for table in (self.names, self.structure))


@dataclass(frozen=True, slots=True)
class AlertSection:
    """What fits the alert threshold: few random pairs of functions of different projects may exceed it.

    Attributes:
        rate: the share that may.
        pairs: drawn in each language.
        functions: of each project at most.
    """

    rate: float = 1e-4
    pairs: int = 40_000
    functions: int = 60

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise RecipeError(f"alert.rate: {self.rate} is no share; wanted above 0 and below 1")


@dataclass(frozen=True, slots=True)
class EncoderSearch:
    """How the sizes of an encoder are found.

    Attributes:
        strategy: `fixed` takes `[student]`; `halving` trains many sizes briefly, and the better half fully; `wren`
            does that too, but draws only the first half of the brief ones, and chooses the others by a surrogate.
        space: `extended`: rows and width of both tables, and both sketches.
        trials: sizes that are trained briefly.
        trial_steps: of a brief training.
        pick: rule that takes one candidate off the front.
        seed: of what is drawn.
    """

    strategy: Literal["fixed", "halving", "wren"] = "fixed"
    space: Literal["extended"] = "extended"
    trials: int = 12
    trial_steps: int = 200
    pick: str = "knee"
    seed: int = 0

    def __post_init__(self) -> None:
        check_trials(self.trials, self.trial_steps)


@dataclass(frozen=True, slots=True)
class Objective:
    """What is learned, where it is no classification: `similarity` makes an encoder that compares functions.

    Attributes:
        kind: what the student is for.
        sources: by any name, what it learns from.
        valid: functions that solve problems, to measure transfer on.
    """

    kind: Literal["similarity"]
    sources: Mapping[str, SimilaritySource]
    valid: SimilaritySource | None = None


@dataclass(frozen=True, slots=True)
class SimilarityRecipe(SourcedRecipe[SimilaritySource]):
    """Everything that makes a similarity encoder; `folder` is where relative paths start."""

    root: str
    license: str
    sources: Mapping[str, SimilaritySource]
    valid: SimilaritySource | None
    sizes: EncoderSizes
    contrast: ContrastSection
    alert: AlertSection
    budget: Budget
    search: EncoderSearch = field(default_factory=EncoderSearch)
    folder: Path = Path()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Build a recipe from parsed TOML.

        Raises:
            RecipeError: an unknown key (the nearest is named), a missing one, or a value of the wrong kind.
        """
        check_keys(raw, {"objective", "data", "student", "contrast", "alert", "budget", "search"}, where=TOP)
        objective, data = raw.get("objective", {}), raw.get("data", {})
        check_keys(objective, {"kind", "sources", "valid"}, where="objective")
        sources = {
            name: build(SimilaritySource, source, where=f"objective.sources.{name}")
            for name, source in objective.get("sources", {}).items()
        }
        if not sources:
            raise RecipeError("objective: no sources; add [objective.sources.NAME] with kind and path")
        valid, located = objective.get("valid"), build(DataFolder, data, where="data")
        return cls(
            root=located.root,
            license=located.license,
            sources=sources,
            valid=None if valid is None else build(SimilaritySource, valid, where="objective.valid"),
            sizes=EncoderSizes.from_dict(raw.get("student", {})),
            contrast=build(ContrastSection, raw.get("contrast", {}), where="contrast"),
            alert=build(AlertSection, raw.get("alert", {}), where="alert"),
            budget=build(Budget, raw.get("budget", {}), where="budget"),
            search=build(EncoderSearch, raw.get("search", {}), where="search"),
            folder=folder,
        )

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe, saved beside every output: what `from_tables` reads."""
        plain = asdict(self)
        objective = {"kind": KIND, "sources": plain["sources"], "valid": plain["valid"]}
        tables = {name: plain[name] for name in ("contrast", "alert", "budget", "search")}
        data = {"root": self.root, "license": self.license}
        return {"objective": objective, "data": data, "student": plain["sizes"], **tables, "folder": str(self.folder)}


def objective_kind(raw: Mapping[str, Any]) -> str:
    """The kind of objective of parsed TOML; empty for a classifier, which has none.

    Raises:
        RecipeError: there is no such kind.
    """
    if "objective" not in raw:
        return ""
    kind = raw["objective"].get("kind") if isinstance(raw["objective"], dict) else raw["objective"]
    if kind not in (KIND, HINT):
        raise RecipeError(
            f"objective.kind: {kind!r} is not known; wanted {KIND!r}, {HINT!r}, or no [objective] for a classifier"
        )
    return str(kind)


def is_similarity(raw: Mapping[str, Any]) -> bool:
    """Whether parsed TOML is the recipe of a similarity encoder.

    Raises:
        RecipeError: it has an objective of an unknown kind.
    """
    return objective_kind(raw) == KIND
