"""The registry of search strategies: by the name and options a recipe gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from codewren.core.errors import RecipeError, nearest
from codewren.core.recipe_sections import SearchSection
from codewren.search.explore import FLIPS
from codewren.search.papers.avatar import Avatar
from codewren.search.papers.avatar_v1 import AvatarV1
from codewren.search.papers.compressor import Compressor
from codewren.search.papers.morph import Morph
from codewren.search.random_search import RandomArchitecture, RandomSearch
from codewren.search.strategy import Mode, Strategy
from codewren.search.trials.trial import Trial
from codewren.search.wren import Wren

STRATEGIES: dict[str, type[Any]] = {
    kind.name: kind for kind in (Compressor, RandomArchitecture, RandomSearch, AvatarV1, Avatar, Morph, Wren)
}


_BY_FLIPS = (Morph.name, Wren.name)


def wants_flips(section: SearchSection) -> bool:
    """Whether the strategy that a recipe names trades off flips, so that trials have to measure them."""
    return section.strategy in _BY_FLIPS and FLIPS in strategy_of(section).objectives  # type: ignore[attr-defined]


def strategy_of(section: SearchSection, *, warm_start: Sequence[Trial] = ()) -> Strategy:
    """The strategy that a recipe names, with those of the recipe's options that it has.

    Raises:
        RecipeError: unknown strategy (`fixed` is none: it searches nothing), or one that cannot trade off flips.
    """
    if FLIPS in section.objectives and section.strategy not in _BY_FLIPS:
        raise RecipeError(f"search strategy {section.strategy!r} cannot trade off flips; take {' or '.join(_BY_FLIPS)}")
    options = {
        "mode": section.mode,
        "target_mb": section.target_mb,
        "trials": section.trials,
        "sample": section.trials,
        "epochs": section.trial_epochs,
        "population": section.population,
        "generations": section.generations,
        "objectives": tuple(section.objectives) or None,
        "warm_start": tuple(warm_start),
    }
    known = options_of(section.strategy)
    chosen = {option: value for option, value in options.items() if option in known and value is not None}
    return build_strategy(section.strategy, chosen)


def build_strategy(name: str, options: Mapping[str, Any]) -> Strategy:
    """The strategy with these options; the others keep their defaults.

    Raises:
        RecipeError: unknown strategy or option, or a mode that is none.
    """
    known = options_of(name)
    for option in options:
        if option not in known:
            raise RecipeError(f"search strategy {name!r} has no option {option!r}; {nearest(option, known)}")
    chosen = dict(options)
    if "mode" in chosen:
        if chosen["mode"] not in list(Mode):
            raise RecipeError(f"search mode {chosen['mode']!r} is not one of {', '.join(Mode)}")
        chosen["mode"] = Mode(chosen["mode"])
    strategy: Strategy = STRATEGIES[name](**chosen)
    return strategy


def options_of(name: str) -> tuple[str, ...]:
    """Options a strategy understands.

    Raises:
        RecipeError: unknown strategy.
    """
    if name not in STRATEGIES:
        raise RecipeError(f"search strategy {name!r} is unknown; {nearest(name, STRATEGIES)}")
    return tuple(spec.name for spec in fields(STRATEGIES[name]))
