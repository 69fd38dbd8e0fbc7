"""`codewren.scan(...)`: the scan as a function for other programs, with results that do not change."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from codewren.core.errors import InputError, nearest
from codewren.core.task import Task, Unit
from codewren.scan.differences import with_differences
from codewren.scan.finding import Finding
from codewren.scan.formats.origin import Origin
from codewren.scan.known import Model, new_findings
from codewren.scan.result import Complaint, ScanOptions, ScanResult
from codewren.scan.scan import scan as scan_paths
from codewren.scan.source_files import Note
from codewren.scan.telling_lines import with_explanations, with_token_counts

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

Format = Literal["text", "json", "sarif", "github", "gitlab", "html", "markdown"]
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
DEFAULTS = ScanOptions(jobs=1)


class _Renderer(Protocol):
    def render(self, result: ScanResult, origin: Origin) -> str: ...


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found, and what it stands for.

    Attributes:
        task: what was judged.
        model: name of the bundle's file.
        sha256: of the bundle.
        threshold: the probability that findings exceed; None where the largest of several labels wins.
        findings: in order; of clones one for each class.
        files: number of files judged.
        functions: number of functions in them.
        suppressed: findings that a comment silences.
        known: findings that the baseline holds, which are left out.
        function_lines: path and number of lines inside functions, for each file.
        skipped: files and folders that were left out, and why.
        foreign: languages with the source files that were not scanned.
        complaints: comments that silence nothing.
        remarks: what else a person should know.
        gaps: what was asked for and could not be judged; a report with gaps is no verdict.
        revision: with what the code was compared.
        labels: whose functions are findings; empty is the task's positive label.
    """

    task: Task
    model: str
    sha256: str
    threshold: float | None
    findings: tuple[Finding, ...]
    files: int
    functions: int
    suppressed: int
    known: int
    function_lines: tuple[tuple[str, int], ...]
    skipped: tuple[Note, ...]
    foreign: tuple[tuple[str, tuple[str, ...]], ...]
    complaints: tuple[Complaint, ...]
    remarks: tuple[str, ...]
    gaps: tuple[str, ...]
    revision: str | None
    labels: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the report stands for all that was asked."""
        return not self.gaps

    @property
    def saved_lines(self) -> int:
        """About how many lines would go if one function of each class of clones served for all."""
        return sum(finding.saved_lines for finding in self.findings)

    def render(self, style: Format) -> str:
        """The report in one of the formats of `codewren scan --format`.

        Raises:
            InputError: there is no such format.
        """
        from importlib import import_module

        if style not in get_args(Format):
            raise InputError(f"no format {style!r}; {nearest(style, get_args(Format))}")
        renderer: _Renderer = import_module(f"codewren.scan.formats.{style}")
        return renderer.render(self._result(), Origin.of(self.model, self.sha256))

    def to_dict(self) -> dict[str, Any]:
        """The object of `--format json`."""
        import json

        value: dict[str, Any] = json.loads(self.render("json"))
        return value

    def _result(self) -> ScanResult:
        return ScanResult(
            self.task,
            self.threshold,
            findings=list(self.findings),
            notes=list(self.skipped),
            files=self.files,
            functions=self.functions,
            function_lines=dict(self.function_lines),
            suppressed=self.suppressed,
            complaints=list(self.complaints),
            foreign={language: list(paths) for language, paths in self.foreign},
            remarks=list(self.remarks),
            gaps=list(self.gaps),
            revision=self.revision,
            labels=self.labels,
        )


def scan(
    paths: Paths,
    *,
    model: "str | os.PathLike[str] | AnyPredictor" = "vulnerability-c",
    diff: str | None = None,
    baseline: str | os.PathLike[str] | None = None,
    explain: bool = False,
    options: ScanOptions = DEFAULTS,
) -> ScanReport:
    """Judge the functions of all source files below one path or several.

    It may be called from several threads. Unless `options` say otherwise it forks no process and keeps no cache; it
    reads no settings of a project.

    Args:
        paths: files and folders.
        model: a bundle that ships, a file, or what `codewren.load` gave, which saves loading it again.
        diff: report only what changed since this revision of git, or `main...HEAD`.
        baseline: report only what this file does not hold.
        explain: say which lines speak for each finding, or correspond in clones.
        options: thresholds, languages, patterns, processes, cache.

    Raises:
        InputError: a path, the model, the revision or the baseline is not what it should be.
    """
    predictor = _predictor(model)
    named = [os.fspath(paths)] if isinstance(paths, str | os.PathLike) else [os.fspath(path) for path in paths]
    result = scan_paths(named, predictor, _since(options, diff, named))
    found_all = len(result.findings)
    if baseline is not None:
        made_by = Model(predictor.path.name, predictor.bundle.sha256, result.task.name)
        result.findings = new_findings(Path(baseline), result.findings, made_by, result.remarks.append)
    known = found_all - len(result.findings)
    if result.task.unit is Unit.PAIR:
        result.findings = with_differences(result.findings, correspond=explain)
    else:
        explained = with_explanations if explain else with_token_counts
        result.findings = explained(result.findings, predictor)
    return _report(result, predictor, known)


def _predictor(model: "str | os.PathLike[str] | AnyPredictor") -> "AnyPredictor":
    from codewren.predict.predictor import load_for_report

    return load_for_report(os.fspath(model)) if isinstance(model, str | os.PathLike) else model


def _since(options: ScanOptions, revision: str | None, paths: list[str]) -> ScanOptions:
    if revision is None:
        return options
    from dataclasses import replace

    from codewren.scan.changes import Changes

    return replace(options, changes=Changes.since(revision, paths))


def _report(result: ScanResult, predictor: "AnyPredictor", known: int) -> ScanReport:
    return ScanReport(
        task=result.task,
        model=predictor.path.name,
        sha256=predictor.bundle.sha256,
        threshold=result.threshold,
        findings=tuple(result.findings),
        files=result.files,
        functions=result.functions,
        suppressed=result.suppressed,
        known=known,
        function_lines=tuple(sorted(result.function_lines.items())),
        skipped=tuple(result.notes),
        foreign=tuple((language, tuple(paths)) for language, paths in sorted(result.foreign.items())),
        complaints=tuple(result.complaints),
        remarks=tuple(result.remarks),
        gaps=tuple(result.gaps),
        revision=result.revision,
        labels=result.labels,
    )
