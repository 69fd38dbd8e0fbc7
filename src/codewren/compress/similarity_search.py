"""Search over the sizes of a similarity encoder, as `size_search.py` says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from codewren.compress.similarity_run import SimilarityRun, drafted, trained_rows
from codewren.compress.size_search import MANIFEST_BYTES, SizeTask, Trial, chosen_sizes, search_front
from codewren.compress.staged_run import content_key
from codewren.compress.transfer_report import bundle_figures, valid_solutions
from codewren.core.errors import InputError
from codewren.core.pareto import Scores
from codewren.core.similarity_recipe import EncoderSizes, SimilarityRecipe
from codewren.measure.transfer import area_under_curve
from codewren.predict.similarity import SimilarityPredictor
from codewren.search.space.encoder_space import described, encoder_space
from codewren.train.similarity.fitting import read_labelled, similarities

EncoderTrial = Trial[EncoderSizes]
TRIAL_ROWS = "trials/{key}.npz"
TIMED_FUNCTIONS, TIMES = 500, 3

TrainSizes = Callable[[EncoderSizes, int], EncoderTrial]
"""Trains an encoder of these sizes for so many steps, and measures it."""


def search_sizes(recipe: SimilarityRecipe, out: Path, *, context: str, train: TrainSizes) -> tuple[EncoderSizes, str]:
    """Search as `[search]` says; the chosen sizes, and why.

    Raises:
        InfeasibleError: as `search_front`.
    """
    space = encoder_space(recipe.sizes)
    task = SizeTask(space, recipe.search, recipe.budget, recipe.contrast.steps, EncoderSizes.from_dict)
    return search_front(task, out, context=context, train=train)


def searched(run: SimilarityRun) -> SimilarityRun:
    """The run with the sizes that its search chooses, and nothing left to search; a finished search is not repeated.

    Raises:
        InputError: there is nothing to judge sizes by, or rows to start from, which have sizes already.
        InfeasibleError: as `search_sizes`.
    """
    recipe = run.recipe
    if recipe.valid is None:
        raise InputError("a search judges encoders by [objective.valid]; add it, or set search.strategy = 'fixed'")
    if recipe.contrast.initial is not None:
        raise InputError("contrast.initial has sizes of its own; leave it out, or set search.strategy = 'fixed'")
    context = content_key([run.data_key(), asdict(recipe.contrast), asdict(recipe.sizes.shares)])
    key = content_key([context, asdict(recipe.search), asdict(recipe.budget)])

    def train(sizes: EncoderSizes, steps: int) -> EncoderTrial:
        run.tell(f"trial: {described(sizes)}, {steps} steps")
        return trained_trial(run, sizes, steps)

    def search() -> tuple[EncoderSizes, str]:
        return search_sizes(recipe, run.out, context=context, train=train)

    chosen = chosen_sizes(run.out, key, EncoderSizes.from_dict, search)
    return replace(run, recipe=replace(recipe, sizes=chosen, search=replace(recipe.search, strategy="fixed")))


def trained_trial(run: SimilarityRun, sizes: EncoderSizes, steps: int) -> EncoderTrial:
    """Train an encoder of these sizes, and measure it through the runtime."""
    recipe = run.recipe
    trial_run = replace(run, recipe=replace(recipe, sizes=sizes, contrast=replace(recipe.contrast, steps=steps)))
    predictor = drafted(trial_run, trained_rows(trial_run, TRIAL_ROWS.format(key=trial_run.training_key()[:16])))
    solutions = list(valid_solutions(recipe, recipe.valid)) if recipe.valid else []
    sets = {name: figures.auc for name, figures in bundle_figures(predictor, solutions).items()}
    for name, source in sorted(recipe.sources.items()):
        if source.kind == "pairs" and source.valid is not None:
            pairs, labels = read_labelled(recipe, source, source.valid)
            values = similarities(predictor, pairs)
            sets[name] = area_under_curve(values[labels], values[~labels])
    size_bytes = predictor.bundle.size_bytes + MANIFEST_BYTES
    latency_s = seconds_a_function(predictor, [solution.text for solution in solutions[:TIMED_FUNCTIONS]])
    scores = Scores(float(np.mean(list(sets.values()))), size_bytes, latency_s, measured=True)
    return EncoderTrial(sizes, steps, scores, sets)


def seconds_a_function(predictor: SimilarityPredictor, texts: Sequence[str]) -> float:
    """Processor time of encoding one, tokenisation included: the least of a few rounds, on one thread."""
    predictor.threads = 1
    rounds = []
    for _ in range(TIMES):
        start = time.process_time()
        predictor.encode(texts)
        rounds.append(time.process_time() - start)
    return min(rounds) / max(1, len(texts))
