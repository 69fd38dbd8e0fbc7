"""Stage: find the student's configuration; leaves `front.json` and `chosen.json`."""

from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.shipped_size import bundle_size_bytes
from codewren.core.space import named_space
from codewren.core.student_config import StudentConfig
from codewren.search.compressor import Compressor
from codewren.search.strategy import Mode, Problem


def search_configuration(run: Run) -> StudentConfig:
    """Search as `[search]` says and choose one configuration; a finished search is not repeated.

    Raises:
        InfeasibleError: nothing in the space keeps the budget.
    """
    settings = run.recipe.to_dict()
    identity = {part: settings[part] for part in ("search", "budget", "student")}
    done = run.path("chosen.json")
    if done.exists() and read_json(done).get("settings") == identity:
        return run.chosen()
    chosen = run.recipe.student if run.recipe.search.strategy == "fixed" else _searched(run)
    write_json(done, {"config": chosen.to_dict(), "settings": identity})
    return chosen


def _searched(run: Run) -> StudentConfig:
    recipe = run.recipe
    task, section = recipe.task, recipe.search
    problem = Problem(
        task,
        named_space(section.space, task, recipe.student),
        recipe.budget,
        lambda config: bundle_size_bytes(config, task),
    )
    result = Compressor(Mode(section.mode), section.target_mb).search(problem, seed=section.seed)
    write_json(
        run.path("front.json"), {**result.front.to_dict(), "notes": list(result.notes), "details": result.details}
    )
    return result.front.candidates[0].config
