"""The model card of a similarity encoder."""

from collections.abc import Mapping
from typing import Any

from codewren.bundle.similarity import Calibration
from codewren.core.similarity_recipe import SimilarityRecipe

KINDS = {
    "problems": "solutions of programming problems, several of each",
    "functions": "functions of projects: of one name, the name hidden, and edited copies of them",
    "pairs": "pairs with labels or with the teachers' logits",
}

CARD = """# Clones

Compares functions of several languages, and judges pairs: different, clone. An encoder makes a vector of {vector_bytes}
bytes of each function, from its names and its structure; a pair is judged by the vectors' dot product. White space
and comments change nothing.

## Trained on
{sources}

## Transfer
Functions that it was not trained on: two of one problem are clones, two of different ones are not. Beside it three
lexical baselines, which need no training.

{transfer}

## Alerts
Scans alert above a probability of {alert:.4f}: at most one in {rate:,.0f} random pairs of functions of different
projects exceeds it, in each language that projects were put aside for. On {projects} projects that it was neither
trained nor fitted on, false alarms in 10,000 pairs: {alarms}. Pairs of projects that share three
copied functions or more do not count.
Copies of their functions above the alert threshold: {copies}.

## Limits
It sees names, literals and runs of up to six tokens: what is written alike, or named alike, not what runs alike. Two
functions that do the same in other words and by another algorithm are missed. A block inside a longer function is no
pair. Very short functions are alike by nature. A finding is a hint for a reader, not a proof.

## Seed
Seed {seed}.

## Licence
{license}
"""


def model_card(recipe: SimilarityRecipe, general: Calibration, figures: Mapping[str, Any]) -> str:
    """The card, from the recipe and what was measured."""
    sizes = recipe.sizes
    return CARD.format(
        vector_bytes=sum(table.width + table.sketch_width for table in (sizes.names, sizes.structure)),
        sources="\n".join(f"- {name}: {KINDS[source.kind]};" for name, source in sorted(recipe.sources.items())),
        transfer="\n".join([figures.get("table", "Not measured."), *_pairs(recipe, figures)]),
        alert=general.alert_threshold or general.threshold,
        rate=1 / recipe.alert.rate,
        projects=figures["projects"],
        alarms=_listed(figures["false_alarms_per_10000"], ".1f"),
        copies=_listed(figures["copies_above_alert"], ".1%"),
        seed=recipe.contrast.seed,
        license=recipe.license.strip() or "Not stated.",
    )


def _pairs(recipe: SimilarityRecipe, figures: Mapping[str, Any]) -> list[str]:
    return [
        f"\n{name} validation: accuracy {figures[name]['accuracy']:.4f}, AUC {figures[name]['auc']:.4f}, "
        f"with the calibration `@{name}`."
        for name, source in sorted(recipe.sources.items())
        if source.kind == "pairs" and name in figures
    ]


def _listed(values: Mapping[str, float], form: str) -> str:
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())
