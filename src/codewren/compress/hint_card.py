"""The model card of a hint."""

from collections.abc import Mapping
from typing import Any

from codewren.core.hint_recipe import HintRecipe

KINDS = {
    "labelled": "functions that are vulnerable or not, some with their fixed versions",
    "ordinary": "functions that are not known to be vulnerable",
    "kinds": "vulnerable functions with the number of their weakness",
}

CARD = """# Hints for C and C++

A linear model over all features of a function: parts of names, called functions, pairs of tokens, arguments and
indices and whether they were compared before. Nothing is cut off. It says what to review first (text and length), how
suspicious the text is among functions of equal length, which lines carry that, and of which kind a weakness would be.
How likely a security patch changes each line is learned by itself, by trees over what a line is made of.
It is a reading order for a reviewer, not a judgement: most of what it puts first is not vulnerable.

## Trained on
{sources}

## What it was measured to be worth
{figures}

Of {review}: each project judged by a fit without it, {folds} groups of projects in turn. There, among the
{flagged:.0%} of each project's functions that come first, {precision:.1%} were vulnerable ({rate:.1%} of all were) and
{recall:.1%} of the vulnerable ones were among them. `lines` is the ranking by the number of lines alone.
`line hits` is how often a line that the patch changes is among the five likeliest of its function; beside it the five
longest lines, and five at random. The other sources were measured on {measured}, none of it learned from. More is in
docs/hints.md.

## Limits
Labels are noisy: a function counts as vulnerable when a fix touched it. Functions of the review source count as
vulnerable when a distribution had to patch them; the probabilities are of its rate, not of your project's. Kinds are
learned from a synthetic test suite. A vulnerable function and its fixed version differ little, and are told apart
mostly by how much was added.

## Seed
Seed {seed}.

## Licence
{license}
"""


def hint_card(recipe: HintRecipe, figures: Mapping[str, Any]) -> str:
    """The card, from the recipe and what was measured."""
    outside = figures[recipe.review]
    return CARD.format(
        review=recipe.review,
        folds=recipe.fit.folds,
        flagged=recipe.fit.flagged,
        precision=outside["precision_flagged"],
        rate=outside["rate"],
        recall=outside["recall_flagged"],
        sources="\n".join(f"- {name}: {KINDS[source.kind]};" for name, source in sorted(recipe.sources.items())),
        figures="\n".join(f"- {name}: {_listed(own)}" for name, own in sorted(figures.items())) or "Not measured.",
        measured=_measured(recipe),
        seed=recipe.fit.seed,
        license=recipe.license.strip() or "Not stated.",
    )


def _measured(recipe: HintRecipe) -> str:
    """Which files the sources were measured on."""
    files = {name: source.valid for name, source in sorted(recipe.sources.items()) if source.valid}
    return ", ".join(f"{file.rpartition('/')[2]} ({name})" for name, file in files.items()) or "nothing"


def _listed(own: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in own.items())


def _figure(value: float) -> str:
    """A count, or a share with four digits.

    >>> _figure(35_075), _figure(0.78891)
    ('35,075', '0.7889')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
