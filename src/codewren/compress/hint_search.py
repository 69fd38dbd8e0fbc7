"""Search over the sizes of a hint, as `size_search.py` says: each is judged on packages that its fit has not seen.

Packages that `fit.leave_out` names are none of them: a search is nested where they are judged on afterwards.
"""

from dataclasses import asdict, replace

from codewren.compress.hint_run import HintRun, run_features
from codewren.compress.size_search import MANIFEST_BYTES, SizeTask, Trial, chosen_sizes, search_front
from codewren.compress.staged_run import content_key
from codewren.core.hint_recipe import HintSizes
from codewren.core.pareto import Scores
from codewren.search.space.hint_space import described, hint_space
from codewren.train.hint.examples import Examples
from codewren.train.hint.hint_bags import HintBags
from codewren.train.hint.hint_fit import Material, outside_worth
from codewren.train.processes import one_thread

HintTrial = Trial[HintSizes]


def searched_hint(run: HintRun) -> HintRun:
    """The run with the sizes that its search chooses, and nothing left to search; a finished search is not repeated.

    Raises:
        InfeasibleError: nothing in the space keeps the budget, or nothing on the front the pick rule.
    """
    recipe = run.recipe
    context = content_key([run.data_key(), asdict(recipe.fit), recipe.review])
    key = content_key([context, asdict(recipe.search), asdict(recipe.budget), len(recipe.own_heads)])
    space = hint_space(1 + len(recipe.own_heads))

    def search() -> tuple[HintSizes, str]:
        examples, read, _ = run_features(run)

        def train(sizes: HintSizes, iterations: int) -> HintTrial:
            run.tell(f"trial: {described(sizes)}, {iterations} iterations")
            return hint_trial(run, examples, read, sizes, iterations, space.table_bytes(sizes))

        task = SizeTask(space, recipe.search, recipe.budget, recipe.fit.iterations, _sizes)
        return search_front(task, run.out, context=context, train=train)

    chosen = chosen_sizes(run.out, key, _sizes, search)
    return replace(run, recipe=replace(recipe, sizes=chosen, search=replace(recipe.search, strategy="fixed")))


def hint_trial(
    run: HintRun, examples: Examples, read: HintBags, sizes: HintSizes, iterations: int, table_bytes: int
) -> HintTrial:
    """Fit the folds of a hint of these sizes; what it is worth on the packages that each has not seen."""
    fit = replace(run.recipe.fit, iterations=iterations)
    recipe = replace(run.recipe, sizes=sizes, fit=fit)
    with one_thread():
        figures = outside_worth(recipe, Material.of(recipe, examples, read), lambda _: None)
    sets = {"review first": figures["review_auc"], "equal length": figures["suspicion_auc_of_equal_length"]}
    effectiveness = sum(sets.values()) / len(sets)
    return HintTrial(sizes, iterations, Scores(effectiveness, table_bytes + MANIFEST_BYTES, measured=True), sets)


def _sizes(raw: dict[str, int]) -> HintSizes:
    return HintSizes(**raw)
