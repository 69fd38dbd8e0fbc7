"""From what a user named to a finished benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codewren.bench.bench_report import BenchReport
from codewren.bench.contestants import BundleModel, Contestant, bundle_models, check_task, read_bundles
from codewren.bench.judged_items import BenchItems, recipe_items, source_items
from codewren.bench.spending import EnergyReport, break_evens, read_spent
from codewren.bench.timing import BenchOptions, Say, bench
from codewren.core.errors import InputError
from codewren.core.recipe import Recipe
from codewren.core.task import Task
from codewren.measure.energy.carbon import grid
from codewren.measure.energy.choose_meter import choose_meter
from codewren.predict.predictor import is_shipped

RECIPES_OWN = "recipe"


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What to compare, on what.

    Attributes:
        sources: bundles (`*.wren` or short names), one recipe (`*.toml`), or source files and folders.
        models: more bundles, or names of shipped ones.
        teacher: folder of a teacher, or `recipe` for the one the recipe names.
        original: add the papers' original architecture.
        settings: fields of the recipe to override.
        energy: measure it.
        watts_a_core: for our own model of it.
        country: whose electricity; `g_per_kwh` is the user's own figure for it.
        spent: folder of the run that made the students.
    """

    sources: tuple[str, ...]
    models: tuple[str, ...] = ()
    teacher: str | None = None
    original: bool = False
    settings: tuple[str, ...] = ()
    energy: bool = True
    watts_a_core: float | None = None
    country: str | None = None
    g_per_kwh: float | None = None
    spent: Path | None = None


def run_bench(request: BenchRequest, options: BenchOptions, *, say: Say = lambda line: None) -> BenchReport:
    """Measure what was asked for; what a user can get wrong is checked before the first second is spent.

    Raises:
        InputError, BundleError, RecipeError, TeacherError, MissingExtraError: as the parts.
    """
    electricity = grid(request.country, request.g_per_kwh)
    spent = read_spent(request.spent) if request.spent else None
    names, recipes, paths = _sorted(request)
    bundles = read_bundles(names)
    recipe = Recipe.load(Path(recipes[0]), request.settings) if recipes else None
    task = recipe.task if recipe is not None else bundles[0].task
    if recipe is not None:
        for bundle in bundles:
            check_task(bundle, task, recipes[0])
    items = _items(recipe, recipes, paths, task)
    students = bundle_models(bundles, items)
    heavy = _heavy(request, recipe, items, students)
    versions = ("codewren", "torch", "transformers") if heavy else ("codewren",)
    meter = choose_meter(watts_a_core=request.watts_a_core) if request.energy else None
    report = bench([*heavy, *students], items, options, meter=meter, versions=versions, say=say)
    if report.energy is None:
        return report
    energy = replace(report.energy, grid=electricity, spent=spent)
    return replace(report, energy=_with_break_even(energy, report))


def _sorted(request: BenchRequest) -> tuple[list[str], list[str], list[Path]]:
    """Names of bundles, recipes, and paths of sources.

    Raises:
        InputError: no bundle, two recipes, or neither recipe nor source, or both.
    """
    named = [argument for argument in request.sources if argument.endswith(".wren") or is_shipped(argument)]
    bundles = [*request.models, *named]
    recipes = [argument for argument in request.sources if argument.endswith(".toml")]
    paths = [Path(argument) for argument in request.sources if argument not in {*named, *recipes}]
    if not bundles:
        raise InputError("no bundle to bench; name one or more *.wren files, or bundles that ship")
    if len(recipes) + bool(paths) != 1:
        counts = f"{len(recipes)} recipes and {len(paths)} source paths"
        raise InputError(f"{counts}; wanted one recipe (*.toml), or source files and folders, to take the items from")
    return bundles, recipes, paths


def _items(recipe: Recipe | None, recipes: Sequence[str], paths: Sequence[Path], task: Task) -> BenchItems:
    return recipe_items(recipe, recipes[0]) if recipe is not None else source_items(paths, task)


def _heavy(
    request: BenchRequest, recipe: Recipe | None, items: BenchItems, students: Sequence[BundleModel]
) -> list[Contestant]:
    """Teacher and original; torch is loaded only if one of them is wanted."""
    if not request.teacher and not request.original:
        return []
    from codewren.bench.teachers import TeacherModel, originals

    models: list[Contestant] = []
    if request.teacher:
        models.append(TeacherModel(_teachers_recipe(request.teacher, recipe, items.task), items))
    if request.original:
        models += originals(items, students[0].lengths)
    return models


def _teachers_recipe(teacher: str, recipe: Recipe | None, task: Task) -> Recipe:
    """The recipe that `load_teacher` reads."""
    if teacher == RECIPES_OWN:
        if recipe is None:
            raise InputError("--teacher recipe needs a recipe (*.toml); give the teacher's folder instead")
        return recipe
    folder = str(Path(teacher).resolve())
    if not Path(folder).exists():
        raise InputError(f"{teacher}: no such folder; give a teacher made by codewren finetune, or --teacher recipe")
    base = recipe or Recipe.from_dict({"task": task.to_dict()})
    section = replace(base.teacher, kind="huggingface", path=folder)
    return replace(base, task=task, teacher=section)


def _with_break_even(energy: EnergyReport, report: BenchReport) -> EnergyReport:
    """Add when the students have paid for themselves, where a teacher was timed and a run was named."""
    figures = {model.identity.name: model.energy for model in report.models if model.energy is not None}
    students = [model.identity.name for model in report.models if model.identity.kind == "bundle"]
    reference = report.reference
    if energy.spent is None or reference is None or reference in students or reference not in figures:
        return energy
    return replace(energy, break_even=break_evens(energy.spent, figures, students, reference))
