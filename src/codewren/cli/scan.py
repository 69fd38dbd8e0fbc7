"""`codewren scan`."""

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from codewren.cli.options import Output, Probability
from codewren.cli.scan_request import DEFAULT_MODEL, ScanRequest, scan_request

if TYPE_CHECKING:
    from codewren.core.progress import Bar
    from codewren.predict.predictor import AnyPredictor
    from codewren.scan.changes import Changes
    from codewren.scan.finding import Finding
    from codewren.scan.history import Run
    from codewren.scan.result import ScanResult

FORMATS = ("text", "json", "sarif", "github", "gitlab", "html", "markdown")
ORDERS = ("path", "probability", "saved", "review")
KINDS = ("exact", "renamed", "edited", "semantic")
_MOST_GAPS = 3  # in one line
_WORTH_A_BAR = 200  # files


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH...]")
@click.option(
    "--model",
    "-m",
    metavar="FILE",
    help="A *.wren bundle, or one that ships: vulnerability-c (default), clones, hints-c, clone-java; also -micro.",
)
@click.option("--threshold", type=Probability(), help="Probability to exceed; by default the bundle's own.")
@click.option("--min-lines", type=click.IntRange(1), help="Shortest function reported: 1 by default, 6 for clones.")
@click.option("--min-tokens", type=click.IntRange(1), help="Smallest clones in tokens: 25 by default.")
@click.option(
    "--all-clones/--no-all-clones", is_flag=True, help="Also clones that share few words or would save few lines."
)
@click.option("--diff", "revision", metavar="REV", help="Only what changed since a git revision, or main...HEAD.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Only findings that this file does not hold.")
@click.option("--write-baseline", type=click.Path(path_type=Path), help="Make all findings known, and report none.")
@click.option("--badge", type=click.Path(path_type=Path, dir_okay=False), help="Draw the main figure as an SVG badge.")
@click.option("--history", type=click.Path(path_type=Path, dir_okay=False), help="Append one line for this scan.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--sort", "order", type=click.Choice(ORDERS), help="By default path or review; clones by the lines they would save."
)
@click.option(
    "--explain/--no-explain", is_flag=True, help="Say which lines speak for a finding, or correspond in clones."
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Write the first N findings only.")
@click.option("--fail-on", type=click.Choice(KINDS), help="Exit code 1 only for clones at least as close as this.")
@click.option("--exit-zero/--no-exit-zero", is_flag=True, help="Exit code 0 whatever is found.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Instead of standard output.")
@click.option(
    "--language", "languages", multiple=True, help="c, cpp, java, python, go, rust, …; by default the model's own."
)
@click.option(
    "--exclude-tests/--no-exclude-tests", is_flag=True, help="Leave out files and folders of tests, by their names."
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="As in .gitignore, relative to the current folder.")
@click.option("--max-file-bytes", type=click.IntRange(1), help="Larger files are skipped.  [default: 5000000]")
@click.option("--jobs", "-j", type=click.IntRange(1), help="Processes; by default one for each core.")
@click.option(
    "--cache-dir", type=click.Path(path_type=Path, file_okay=False), help="By default the user's cache folder."
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write earlier results.")
@click.option("--watch", is_flag=True, help="Scan again whenever a file changes, and tell what is new; Ctrl-C ends it.")
@click.option("--quiet", "-q", is_flag=True, help="Findings and errors only.")
@click.option("--stdin-filename", metavar="FILE", help="Scan standard input, the path -, as what this file will hold.")
@click.pass_context
@scan_request
def scan(ctx: click.Context, request: ScanRequest) -> None:
    """Find vulnerable functions, or clones with a pair bundle, in source files.

    Exit code 0: nothing found; 1: findings; 2: could not run, or a named file or more than a tenth of all files could
    not be judged, or folders hold none. Findings go to standard output, everything else to standard error. A comment
    `codewren: ignore` on the line above a function silences it.
    """
    with _standard_input(request) as asked:
        _run(ctx, asked)


@contextmanager
def _standard_input(request: ScanRequest) -> Iterator[ScanRequest]:
    """The request with the file's name for `-`, while that file has the bytes of standard input."""
    name = request.stdin_filename
    if (name is None) != ("-" not in request.paths):
        raise click.UsageError("the path - is standard input under the name of --stdin-filename; give both or neither")
    if name is None:
        yield request
        return
    if request.revision is not None:
        raise click.UsageError("--diff looks at files on disk, and --stdin-filename at none; leave one out")
    if Path(name).is_dir():
        raise click.UsageError(f"--stdin-filename {name!r} is a folder; name the file that standard input will be")
    from codewren.scan.source_files import unsaved

    paths = tuple(name if path == "-" else path for path in request.paths)
    with unsaved(name, sys.stdin.buffer.read()):
        yield replace(request, paths=paths)


def _run(ctx: click.Context, request: ScanRequest) -> None:
    _check_diff(request)
    _check_watch(request)
    gc.disable()  # modules are made of cycles that stay: looking for others while they load costs 8 ms
    import codewren.scan.schedule  # noqa: F401

    gc.enable()
    predictor = _loaded(request.model, request.jobs)
    if request.watch:
        _watch(request, predictor)
        return
    result = _scan(request, predictor)
    history = _keep_figures(result, predictor, request)
    known = _apply_baselines(result, predictor, request.paths, request.baseline, request.write_baseline)
    fails = not request.exit_zero and _fails(result, request.fail_on)
    _write_findings(result, predictor, request.written, history, known=None if request.quiet else known)
    if request.write_baseline is not None and not request.quiet:
        click.echo(f"codewren: {known} findings are known from now on ({request.write_baseline})", err=True)
    _stop(ctx, result, fails=fails)


def _watch(request: ScanRequest, predictor: "AnyPredictor") -> None:
    """Scan whenever a file changes; findings go to the output as they are new, a file is written whole each time."""
    from codewren.cli.scan_watch import watch

    known = 0

    def scan_again() -> "ScanResult":
        nonlocal known
        result = _scan(request, predictor)
        known = _apply_baselines(result, predictor, request.paths, request.baseline, None)
        return result

    def show(result: "ScanResult", new: "list[Finding]") -> None:
        if request.output is None:
            result.findings = new
        _write_findings(result, predictor, request.written, (), known=None if request.quiet else known)

    watch(request.paths, scan_again, show)


def _loaded(model: str | None, jobs: int | None) -> "AnyPredictor":
    from codewren.predict.predictor import load_for_report

    predictor = load_for_report(_default_model() if model is None else model)
    predictor.threads = jobs or predictor.threads
    return predictor


def _stop(ctx: click.Context, result: "ScanResult", *, fails: bool) -> NoReturn:
    if result.gaps:
        _stop_incomplete(result)
    ctx.exit(1 if fails else 0)


def _check_diff(request: ScanRequest) -> None:
    """Refuse --diff beside what is about all findings."""
    about_all = {"--write-baseline": request.write_baseline, "--badge": request.badge, "--history": request.history}
    wrong = [option for option, path in about_all.items() if path is not None and request.revision is not None]
    if wrong:
        raise click.UsageError(f"{wrong[0]} is about all findings, and --diff hides most of them; leave one out")


def _check_watch(request: ScanRequest) -> None:
    """Refuse --watch beside what is about one scan."""
    about_one = {"--write-baseline": request.write_baseline, "--badge": request.badge, "--history": request.history}
    wrong = [option for option, path in about_one.items() if path is not None]
    if request.watch and wrong:
        raise click.UsageError(f"{wrong[0]} is about one scan, and --watch makes many; leave one out")
    if request.watch and request.output is None and request.style != "text":
        raise click.UsageError(f"--watch writes {request.style} to a file only; add --output FILE")


def _keep_figures(result: "ScanResult", predictor: "AnyPredictor", request: ScanRequest) -> "list[Run]":
    """Append to the history and draw the badge; of an incomplete scan there are no figures."""
    if result.gaps or (request.badge is None and request.history is None):
        return []
    from codewren.core.files import write_bytes
    from codewren.scan.formats import drawings
    from codewren.scan.history import Run, append

    run = Run.of(result, predictor.path.name)
    runs = [run] if request.history is None else append(request.history, run)
    if request.badge is not None:
        write_bytes(request.badge, drawings.badge(run, result.task.unit).encode())
    return runs


def _write_findings(
    result: "ScanResult",
    predictor: "AnyPredictor",
    output: Output,
    history: "Sequence[Run]",
    *,
    known: int | None,
) -> None:
    """Write the first findings, and the summary unless `known` is None."""
    from codewren.cli.scan_output import rendered, talk, write

    if output.top is not None:
        result.findings, result.unshown = result.findings[: output.top], result.findings[output.top :]
    write(rendered(result, predictor, output, history), output.path)
    if known is not None:
        talk(result, known, len(result.unshown), output.style)


def _fails(result: "ScanResult", fail_on: str | None) -> bool:
    """Whether there is a finding that counts: any, or of clones a class with two as close as wanted."""
    from codewren.core.task import Unit

    if fail_on is None or result.task.unit is not Unit.PAIR:  # what is no clone has no kind, and counts
        return bool(result.findings)
    closest = KINDS[: KINDS.index(fail_on) + 1]
    return any(location.kind in closest for finding in result.findings for location in finding.others)


def _stop_incomplete(result: "ScanResult") -> NoReturn:
    """Say last and always that the result does not stand for what was asked."""
    from codewren.core.errors import IncompleteScanError

    gaps = "; ".join(result.gaps[:_MOST_GAPS])
    more = f"; and {len(result.gaps) - _MOST_GAPS} more" if len(result.gaps) > _MOST_GAPS else ""
    cure = "mend these files or --exclude them" if result.notes else "see .gitignore, --exclude and --language"
    raise IncompleteScanError(f"INCOMPLETE SCAN, no verdict: {gaps}{more}; {cure}")


def _changes(revision: str | None, paths: Sequence[str]) -> "Changes | None":
    if revision is None:
        return None
    from codewren.scan.changes import Changes

    return Changes.since(revision, paths)


def _default_model() -> Path:
    from codewren.core.errors import InputError
    from codewren.predict.predictor import shipped_bundles

    shipped = shipped_bundles()
    if DEFAULT_MODEL not in shipped:
        names = f"one of {', '.join(shipped)}, or " if shipped else ""
        raise InputError(f"no model given; wanted --model with {names}the path of a *.wren bundle")
    return shipped[DEFAULT_MODEL]


def _scan(request: ScanRequest, predictor: "AnyPredictor") -> "ScanResult":
    """Scan, with a bar on a terminal when there is much to do (not before processes have been forked)."""
    from codewren.scan.scan import scan as scan_paths

    options = request.options(_changes(request.revision, request.paths))
    bar: Bar | None = None
    with ExitStack() as stack:

        def progress(done: int, total: int) -> None:
            nonlocal bar
            if bar is None and total - done > _WORTH_A_BAR and not request.quiet and sys.stderr.isatty():
                from codewren.core.progress import Bar

                bar = stack.enter_context(Bar("scanning", total))
            if bar is not None:
                bar.advance(done - bar.done)

        return scan_paths(request.paths, predictor, options, progress=progress)


def _apply_baselines(
    result: "ScanResult",
    predictor: "AnyPredictor",
    paths: Sequence[str],
    baseline: Path | None,
    write_baseline: Path | None,
) -> int:
    """Take known findings out of the result; how many they were."""
    if baseline is None and write_baseline is None:
        return 0
    if result.gaps and write_baseline is not None:
        _stop_incomplete(result)  # before what was not seen is forgotten
    from codewren.scan import known as files

    model = files.Model(predictor.path.name, predictor.bundle.sha256, result.task.name)
    before = len(result.findings)
    if baseline is not None:
        new = files.new_findings(baseline, result.findings, model, result.remarks.append)
    if write_baseline is not None:
        roots = [os.path.join(os.path.abspath(path), "") for path in paths]  # noqa: PTH100, PTH118  as the walk does

        def is_scanned(path: str) -> bool:
            absolute = os.path.join(os.path.abspath(path), "")  # noqa: PTH100, PTH118
            return any(absolute.startswith(root) for root in roots)

        files.write_baseline(write_baseline, result.findings, model, is_scanned=is_scanned)
        new = []
    result.findings = new
    return before - len(new)
