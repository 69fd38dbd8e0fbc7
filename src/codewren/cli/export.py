"""`codewren export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codewren.cli.options import heavy, recipe_verb

if TYPE_CHECKING:
    from codewren.core.hint_recipe import HintRecipe


@click.command()
@recipe_verb
@click.option(
    "--onnx",
    is_flag=True,
    help="Also write OUT/student.onnx and its tokenizer.json, for other runtimes (extra `onnx`).",
)
@click.option(
    "--front", is_flag=True, help="Write every student of the search's front as OUT/front/BYTES.wren instead."
)
def export(recipe: Path, out: Path, settings: tuple[str, ...], quiet: bool, onnx: bool, front: bool) -> None:
    """Write the distilled student in --out as OUT/student.wren, its validation scores inside.

    With --front nothing is trained: the students come from the trials of the search.
    The ONNX form takes the token ids of one item and gives its logits. Beside it stands OUT/tokenizer.json, which the
    `tokenizers` library and transformers.js read. onnxruntime's `quantize_dynamic` may make it int8.
    Of a recipe whose [objective] is "hint" the ONNX form takes known features and gives every probability.
    """
    if front and onnx:
        raise click.UsageError("--onnx goes with one student, --front writes many; give one of them")
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.stage_distil import distil_student
    from codewren.compress.stage_export import export_front, export_student
    from codewren.core.hint_recipe import HintRecipe
    from codewren.core.recipe import Recipe
    from codewren.core.recipe_files import recipe_tables
    from codewren.core.run_folder import ONNX
    from codewren.core.similarity_recipe import HINT, objective_kind

    if objective_kind(tables := recipe_tables(recipe, settings)) == HINT:
        if front:
            raise click.UsageError("--front is of a student's search; a hint has none")
        _export_hint(HintRecipe.from_tables(tables, recipe), out, quiet=quiet, onnx=onnx)
        return

    run = Run.start(Recipe.load(recipe, settings), out, quiet=quiet)
    if front:
        click.echo("\n".join(str(path) for path in export_front(run)))
        return
    bundle = export_student(run, distil_student(run, run.chosen()))
    click.echo(bundle)
    if onnx:
        from codewren.bundle.read import Bundle
        from codewren.compress.bundle_to_onnx import bundle_to_onnx

        bundle_to_onnx(Bundle.read(bundle), out / ONNX)
        click.echo(out / ONNX)


def _export_hint(recipe: "HintRecipe", out: Path, *, quiet: bool, onnx: bool) -> None:
    """Write the hint that was fitted in a run; one that was not yet is fitted."""
    from codewren.bundle.hint import HintBundle
    from codewren.bundle.open import open_bundle
    from codewren.compress.hint_path import compress_hint
    from codewren.compress.hint_run import HintRun
    from codewren.compress.hint_to_onnx import hint_to_onnx
    from codewren.core.run_folder import ONNX, STUDENT

    compress_hint(HintRun(recipe, out, quiet))
    click.echo(out / STUDENT)
    bundle = open_bundle(out / STUDENT)
    if onnx and isinstance(bundle, HintBundle):
        hint_to_onnx(bundle, out / ONNX)
        click.echo(out / ONNX)
