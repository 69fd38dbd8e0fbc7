"""`codewren export`."""

from pathlib import Path

import click

from codewren.cli.options import heavy, recipe_verb


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
    """
    if front and onnx:
        raise click.UsageError("--onnx goes with one student, --front writes many; give one of them")
    heavy()
    from codewren.compress.run import Run
    from codewren.compress.stage_distil import distil_student
    from codewren.compress.stage_export import export_front, export_student
    from codewren.core.recipe import Recipe
    from codewren.core.run_folder import ONNX

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
