"""The recipe of a hint: `[objective] kind = "hint"`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from codewren.core.errors import RecipeError
from codewren.core.pareto import Budget
from codewren.core.plain_values import TOP, build, check_keys
from codewren.core.sourced_recipe import DataFolder, SourcedRecipe, check_trials

LINE_TREE_LIMIT = 1 << 12
"""Trees that a bundle may hold."""


@dataclass(frozen=True, slots=True)
class HintSource:
    """Functions to learn from, in a file as those of other recipes.

    Attributes:
        kind: `labelled` functions are vulnerable or not, `ordinary` ones are not known to be, `kinds` have a CWE.
        path: JSONL, CSV, TSV or Parquet, plain or compressed, below `data.root`.
        text: column of the function.
        label: column of the label; that of `kinds` is a CWE such as `CWE121`.
        project: column of the project; empty: there is none.
        name: column of the function's name; empty: there is none.
        fixed: column of the text after the fix, of vulnerable functions; empty: there is none.
        where: keep the rows whose columns have these values.
        limit: keep so many drawn ones.
        weight: of the source in the loss.
        valid: a file like `path` to measure on; never learned from.
    """

    kind: Literal["labelled", "ordinary", "kinds"]
    path: str
    text: str = "func"
    label: str = "target"
    project: str = ""
    name: str = ""
    fixed: str = ""
    where: Mapping[str, str | int] = field(default_factory=dict)
    limit: int | None = None
    weight: float = 1.0
    valid: str | None = None


@dataclass(frozen=True, slots=True)
class FitSection:
    """How the weights are fitted.

    Attributes:
        l2: weight decay of the features' weights.
        own_l2: weight decay of a head of one source.
        iterations: of L-BFGS.
        pair_weight: of vulnerable functions above their fixed versions in the loss.
        pair_line: how much a line through the counts of the functions, learned from these pairs, counts beside the
            text, in standard deviations of the text's score.
        review_text: how much the text counts beside the logarithm of the tokens in what to review first, both in
            standard deviations.
        review_strength: fits what to review first as a line through the text and the logarithms of all counts instead:
            the inverse of its weight decay, summed over the functions of known projects; 0: does not.
        rate: share of functions that are vulnerable, which probabilities are of; 0: that of the review source.
        folds: groups of projects; each is judged by a fit without it, and calibrations are fitted on that.
        flagged: share of functions that alarm.
        least_functions: features of fewer functions are left out.
        line_trees: trees that learn which lines patches change, from the fixed versions; 0: none.
        leave_out: projects that are not learned from, nor functions of other sources that bear the name of one of
            theirs.
        share: of the rows of each source that are drawn.
        seed: of everything drawn.
    """

    l2: float = 1e-3
    own_l2: float = 3e-4
    iterations: int = 25
    pair_weight: float = 0.1
    pair_line: float = 0.06
    review_text: float = 0.5
    review_strength: float = 0.0
    rate: float = 0.025
    folds: int = 4
    flagged: float = 0.02
    least_functions: int = 5
    line_trees: int = 150
    leave_out: Sequence[str] = ()
    share: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class HintSizes:
    """How large a hint is.

    Attributes:
        entries: features that have weights.
        kind_entries: how many of them have weights for kinds.
        order: 2 takes features that two neighbouring tokens make as well, 1 does not.
    """

    entries: int = 30_000
    kind_entries: int = 3_000
    order: int = 2

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise RecipeError(f"student.order: {self.order} is no order of features; wanted 1 or 2")


@dataclass(frozen=True, slots=True)
class HintSearch:
    """How the sizes of a hint are found.

    Attributes:
        strategy: `fixed` takes `[student]`; `halving` fits many sizes briefly, and the better half fully; `wren` does
            that too, but draws only the first half of the brief ones, and chooses the others by a surrogate.
        trials: sizes that are fitted briefly.
        trial_steps: iterations of a brief fit; a full one has those of `[fit]`.
        pick: rule that takes one candidate off the front.
        seed: of what is drawn.
    """

    strategy: Literal["fixed", "halving", "wren"] = "fixed"
    trials: int = 12
    trial_steps: int = 8
    pick: str = "knee"
    seed: int = 0

    def __post_init__(self) -> None:
        check_trials(self.trials, self.trial_steps)


@dataclass(frozen=True, slots=True)
class HintObjective:
    """What is learned: `hint` makes a linear model of what to review first.

    Attributes:
        kind: what the model is for.
        sources: by any name, what it learns from.
        review: the labelled source with projects that calibrations and figures are of.
        own_heads: labelled sources that get a head and a calibration of their own.
    """

    kind: Literal["hint"]
    sources: Mapping[str, HintSource]
    review: str
    own_heads: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HintRecipe(SourcedRecipe[HintSource]):
    """Everything that makes a hint; `folder` is where relative paths start.

    Attributes:
        review: the labelled source with projects that calibrations and figures are of.
        own_heads: labelled sources that get a head and a calibration of their own.
    """

    root: str
    license: str
    sources: Mapping[str, HintSource]
    review: str
    own_heads: Sequence[str]
    sizes: HintSizes
    fit: FitSection
    budget: Budget
    search: HintSearch = field(default_factory=HintSearch)
    folder: Path = Path()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Build a recipe from parsed TOML.

        Raises:
            RecipeError: an unknown key (the nearest is named), a missing one, or a value of the wrong kind.
        """
        check_keys(raw, {"objective", "data", "student", "fit", "budget", "search"}, where=TOP)
        objective = build(HintObjective, raw.get("objective", {}), where="objective")
        data = build(DataFolder, raw.get("data", {}), where="data")
        sources = {
            name: build(HintSource, source, where=f"objective.sources.{name}")
            for name, source in raw["objective"]["sources"].items()
        }
        for name in (objective.review, *objective.own_heads):
            if name not in sources or sources[name].kind != "labelled":
                known = ", ".join(sources)
                raise RecipeError(f"objective: {name!r} is no labelled source; wanted one of {known}")
        fit = build(FitSection, raw.get("fit", {}), where="fit")
        if not 0 <= fit.line_trees <= LINE_TREE_LIMIT:
            raise RecipeError(f"fit: line_trees is {fit.line_trees}; wanted 0 to {LINE_TREE_LIMIT}")
        if not sources[objective.review].project:
            raise RecipeError(f"objective.sources.{objective.review}: project is missing; name the column that says it")
        return cls(
            root=data.root,
            license=data.license,
            sources=sources,
            review=objective.review,
            own_heads=tuple(objective.own_heads),
            sizes=build(HintSizes, raw.get("student", {}), where="student"),
            fit=fit,
            budget=build(Budget, raw.get("budget", {}), where="budget"),
            search=build(HintSearch, raw.get("search", {}), where="search"),
            folder=folder,
        )

    def reviewed(self) -> list[str]:
        """Names of the labelled sources whose projects are known: calibrations are fitted on them."""
        return [name for name, source in self.of_kind("labelled").items() if source.project]

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe, saved beside every output: what `from_tables` reads."""
        plain = asdict(self)
        objective = {"kind": "hint", **{name: plain[name] for name in ("sources", "review", "own_heads")}}
        data = {"root": self.root, "license": self.license}
        tables = {"student": plain["sizes"], "fit": plain["fit"], "budget": plain["budget"], "search": plain["search"]}
        return {"objective": objective, "data": data, **tables, "folder": str(self.folder)}
