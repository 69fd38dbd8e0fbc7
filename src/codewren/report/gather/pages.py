"""Stage: what came out, as one page to show and one card to ship."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.recipe import Recipe
from codewren.report.card import model_card
from codewren.report.comparison import comparison_page
from codewren.report.facts import RunFacts
from codewren.report.gather.answers import data_at_hand
from codewren.report.gather.run_facts import run_facts
from codewren.report.gather.subject import kept_recipe
from codewren.report.page import run_page


def write_report(paths: Sequence[str], *, out: Path, card: Path | None = None, data: Recipe | None = None) -> None:
    """Write one page about one or more runs or bundles, and the model card of a single one.

    Args:
        paths: run folders, bundles, or names of shipped bundles.
        out: the HTML page.
        card: the Markdown card.
        data: recipe whose validation split bundles without a run are judged on; by default that of the first run.

    Raises:
        InputError: nothing to report on, a card of several runs, or a malformed file.
        BundleError: a bundle is damaged.
    """
    if card is not None and len(paths) != 1:
        raise InputError(
            f"a model card is about one model, {len(paths)} runs were given; give one, or leave --card out"
        )
    runs = gathered(paths, data=data)
    content = run_page(runs[0]) if len(runs) == 1 else comparison_page(runs)
    write_bytes(out, content.encode())
    if card is not None:
        write_bytes(card, model_card(runs[0]).encode())


def gathered(paths: Sequence[str], *, data: Recipe | None = None, benches: Sequence[Path] = ()) -> list[RunFacts]:
    """Facts of every run, under names that tell them apart.

    Args:
        paths: as in `write_report`.
        data: likewise.
        benches: further files of `codewren bench --json` that timed some of the bundles.

    Raises:
        InputError: no run, or a malformed file.
        BundleError: a bundle is damaged.
    """
    if not paths:
        raise InputError("no run given; give the folder of a run (codewren compress --out) or a *.wren file")
    data = data or next(
        (recipe for path in paths if (recipe := kept_recipe(path)) and data_at_hand(recipe, "valid")), None
    )
    short = Counter(Path(path).name for path in dict.fromkeys(paths))
    benches = [*benches, *(Path(path) / "bench.json" for path in paths)]
    return [
        run_facts(path, name="" if short[Path(path).name] == 1 else path, data=data, benches=benches)
        for path in dict.fromkeys(paths)
    ]
