"""`codewren bench`."""

from pathlib import Path

import click

from codewren.cli.options import heavy


@click.command()
@click.argument("sources", nargs=-1, metavar="THING...")
@click.option(
    "--model", "-m", "models", multiple=True, metavar="FILE", help="A *.wren bundle, or a shipped one's name."
)
@click.option("--teacher", metavar="FOLDER", help="Time this teacher too; `recipe` is the one that RECIPE names.")
@click.option("--original", is_flag=True, help="Time CodeBERT's architecture with random weights too.")
@click.option("--items", type=click.IntRange(1), default=200, show_default=True, help="Items timed one at a time.")
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="A model may take at most."
)
@click.option("--threads", type=click.IntRange(1), multiple=True, help="May be repeated.  [default: 1 and all cores]")
@click.option("--cold-starts", type=click.IntRange(0), default=6, show_default=True, help="New processes a model.")
@click.option("--energy/--no-energy", default=True, show_default=True, help="Joules of a prediction.")
@click.option("--country", metavar="ISO3", help="Grams of CO2 by this country's electricity, such as FRA.")
@click.option("--grid", "g_per_kwh", type=float, metavar="G", help="Or grams of CO2 equivalent a kWh of your own.")
@click.option("--watts-per-core", type=float, help="For the model of energy, where nothing can be measured.")
@click.option(
    "--spent",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="RUN",
    help="Folder of the run that made the student: after how many predictions has it paid for itself?",
)
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a field of the recipe.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures here.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def bench(  # noqa: PLR0913  one argument for each option
    sources: tuple[str, ...],
    *,
    models: tuple[str, ...],
    teacher: str | None,
    original: bool,
    items: int,
    seconds: float,
    threads: tuple[int, ...],
    cold_starts: int,
    energy: bool,
    country: str | None,
    g_per_kwh: float | None,
    watts_per_core: float | None,
    spent: Path | None,
    settings: tuple[str, ...],
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Time models on this machine, side by side: latency, throughput, cold start, memory, FLOPs, energy.

    A THING is a bundle (*.wren, or the short name of one that ships), a recipe (*.toml), whose validation split is
    judged, or source files and folders, whose functions are.

    Examples: codewren bench vulnerability-c src/   codewren bench recipes/clone.toml a.wren --original
    """
    if original or teacher:
        heavy()
    from codewren.bench.request import BenchRequest, run_bench
    from codewren.bench.text_table import bench_text
    from codewren.bench.timing import BenchOptions

    request = BenchRequest(
        sources=sources,
        models=models,
        teacher=teacher,
        original=original,
        settings=settings,
        energy=energy,
        watts_a_core=watts_per_core,
        country=country,
        g_per_kwh=g_per_kwh,
        spent=spent,
    )
    options = BenchOptions(items=items, seconds=seconds, threads=threads, cold_starts=cold_starts)
    say = (lambda line: None) if quiet else (lambda line: click.echo(f"bench: {line}", err=True))
    report = run_bench(request, options, say=say)
    if json_path is not None:
        from codewren.core.files import write_json

        write_json(json_path, report.to_dict())
    click.echo(bench_text(report))
