"""`codewren verify`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from codewren.cli.options import Probability

if TYPE_CHECKING:
    from codewren.core.task import Task
    from codewren.verify.reported import Reported
    from codewren.verify.verified import Verified

FORMATS = ("text", "json", "sarif")
_MODELS = {False: "vulnerability-c", True: "clones"}


@click.command()
@click.argument("report", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--model", "-m", metavar="FILE", help="A bundle; by default vulnerability-c, and clones for copies.")
@click.option("--threshold", type=Probability(), help="At or below this probability a finding would be dropped.")
@click.option(
    "--order",
    type=click.Choice(("evidence", "model")),
    default="evidence",
    show_default=True,
    help="First what the reported call itself shows, in C and C++, or the model's word alone.",
)
@click.option("--drop", is_flag=True, help="Leave out what would be dropped.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="Write the first N findings only.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--exit-zero", is_flag=True, help="Exit code 0 whatever is found.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Instead of standard output.")
@click.option("--quiet", "-q", is_flag=True, help="Findings and errors only.")
@click.pass_context
def verify(  # noqa: PLR0913  one argument for each option
    ctx: click.Context,
    report: Path,
    paths: tuple[str, ...],
    *,
    model: str | None,
    threshold: float | None,
    order: Literal["evidence", "model"],
    drop: bool,
    top: int | None,
    style: str,
    exit_zero: bool,
    output: Path | None,
    quiet: bool,
) -> None:
    """Order the findings of another tool by what the code around them shows.

    REPORT is SARIF of any tool, JSON of semgrep or jscpd, XML of cppcheck or PMD CPD, or CSV of flawfinder or PMD CPD;
    PATHS are the folders it speaks of, by default the current one. Every finding keeps its rule, fingerprint and
    location. In C and C++ what bounds the reported call comes first, then the tool's severity, then the bundle's word.
    What is known to be harmless stands last, with the reason.

    Example: `flawfinder --sarif src > report.sarif`, then `codewren verify report.sarif src --top 20`.

    Exit code 0: nothing is left to read; 1: something is; 2: could not run.
    """
    from codewren.cli.scan_output import write
    from codewren.core.errors import InputError
    from codewren.predict.predictor import load
    from codewren.scan.formats.origin import Origin
    from codewren.verify import written_report
    from codewren.verify.read_report import read_report
    from codewren.verify.source_tree import SourceTree
    from codewren.verify.verified import verify as judged

    content = read_report(report)
    if content.left_out and not content.findings:
        raise InputError(f"{report}: none of its {content.left_out} findings names a line; make the report anew")
    findings = _of_one_kind(content.findings)
    predictor = load(model or _MODELS[bool(findings) and findings[0].is_duplicate])
    verified = judged(findings, SourceTree(paths or (".",)), predictor, threshold=threshold, order=order)
    shown = [one for one in verified if not (drop and one.drop)][:top]
    origin = Origin.of(predictor.path.name, "" if style == "text" else predictor.bundle.sha256)
    if style == "json":
        text = written_report.render_json(shown, content, predictor.task, origin)
    else:
        is_sarif = style == "sarif"
        text = written_report.render_sarif(shown, content, origin) if is_sarif else written_report.render_text(shown)
    write(text, output)
    if not quiet:
        _talk(verified, content.left_out, predictor.task)
    ctx.exit(0 if exit_zero or all(one.drop for one in verified) else 1)


def _of_one_kind(findings: "Sequence[Reported]") -> "Sequence[Reported]":
    """The findings, if all are single places or all are copies.

    Raises:
        InputError: some are copies, others are not.
    """
    from codewren.core.errors import InputError

    copies = sum(finding.is_duplicate for finding in findings)
    if 0 < copies < len(findings):
        raise InputError(
            f"{copies} of {len(findings)} findings are copies, the others single places; verify each alone"
        )
    return findings


def _talk(verified: "Sequence[Verified]", left_out: int, task: "Task") -> None:
    from codewren.cli.scan_output import counted
    from codewren.verify.verified import untrained

    if warning := untrained(verified, task):
        click.echo(f"codewren: {warning}", err=True)
    dropped, unjudged = sum(bool(one.drop) for one in verified), sum(bool(one.unjudged) for one in verified)
    more = f"; left out of the report, naming no line: {left_out}" if left_out else ""
    said = f"{counted(len(verified), 'finding')}: {dropped} would be dropped, {unjudged} could not be judged{more}"
    click.echo(f"codewren: {said}", err=True)
