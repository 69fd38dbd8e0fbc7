"""What a search leaves for people: `front.json`, the table `front.md`, and the picture `front.svg`."""

import sys
from collections.abc import Sequence

from codewren.compress.run import Run
from codewren.compress.stage_evaluate import bundle_quality, load_for
from codewren.core.errors import InputError
from codewren.core.files import write_bytes, write_json
from codewren.core.pareto import Candidate, Scores
from codewren.core.run_folder import FRONT, FRONT_PLOT, FRONT_TABLE, LOGITS
from codewren.measure.task_quality import logits_quality
from codewren.predict.predictor import Predictor
from codewren.report.draw.pareto_plot import front_points, pareto_file, rival_points
from codewren.report.front_table import front_table
from codewren.search.choose import Choice
from codewren.search.strategy import SearchResult


def report_front(run: Run, result: SearchResult, choice: Choice, *, rivals: Sequence[Candidate] = ()) -> None:
    """Write all three and print the table; the picture shows the teacher, where it labelled that split."""
    found = {"noise": result.noise, "notes": list(result.notes), "details": result.details}
    write_json(run.path(FRONT), {**result.front.to_dict(), **found})
    chosen = choice.candidate.config
    table = front_table(result.front, chosen=chosen)
    write_bytes(run.path(FRONT_TABLE), (table + "\n").encode())
    points = front_points(result.front, chosen=chosen)
    if points:
        points += rival_points(rivals)
        picture = pareto_file(points, metric=run.recipe.distil.selection, teacher=_teacher(run))
        write_bytes(run.path(FRONT_PLOT), picture.encode())
    if not run.quiet:
        print(table, file=sys.stderr)
        for note in (*result.notes, f"chosen: {choice.reason}"):
            print(f"search: {note}", file=sys.stderr)


def judged_rivals(run: Run) -> list[Candidate]:
    """The recipe's `search.rivals` with bytes and effectiveness on the validation split, through the runtime.

    Raises:
        BundleError: one cannot be read.
        InputError: one is for another task.
    """
    rivals = []
    for path in run.recipe.search.rivals:
        predictor = load_for(str(run.recipe.folder / path), run.recipe)
        quality = bundle_quality(predictor, run.dataset("valid"))
        effectiveness = quality.selected(run.recipe.distil.selection).value
        scores = Scores(effectiveness, predictor.path.stat().st_size, measured=True)
        if not isinstance(predictor, Predictor):
            raise InputError(f"{predictor.path} holds no student and is no point of the search; name a student")
        rivals.append(Candidate(predictor.config, scores, predictor.path.stem))
    return rivals


def _teacher(run: Run) -> float | None:
    """The teacher's worth on the validation split, where it labelled that."""
    if not run.path(LOGITS.format(split="valid")).exists():
        return None
    return logits_quality(run.logits("valid"), run.dataset("valid")).selected(run.recipe.distil.selection).value
