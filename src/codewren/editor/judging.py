"""What is to be told about an open document: its functions are judged as a scan judges those of a file."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from codewren.core.errors import CodewrenError, InputError
from codewren.core.project_settings import FolderSettings
from codewren.core.task import Task, Unit
from codewren.editor.client_settings import ClientSettings
from codewren.editor.neighbours import Neighbour, Neighbourhood
from codewren.editor.open_documents import OpenDocument
from codewren.editor.remembered import RememberingPredictor
from codewren.predict.predictor import AnyPredictor, load_for_report
from codewren.predict.similarity import SimilarityPredictor
from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.infer import predict_source
from codewren.scan.known import Model, new_findings
from codewren.scan.record import Record
from codewren.scan.result import ScanOptions, fingerprint
from codewren.scan.scan import alert_threshold, is_alarm

MOST_OTHERS = 20
"""Clones of one function that are told."""


class TextSpan(NamedTuple):
    """Bytes of a document: first, and the end excluded."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EditorFinding:
    """A finding in an open document.

    Attributes:
        finding: as a scan has it, with paths relative to the workspace.
        task: what was judged.
        span: of the function.
        others: absolute paths of the finding's other places, with the bytes of the functions there.
    """

    finding: Finding
    task: Task
    span: TextSpan
    others: tuple[tuple[str, TextSpan], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of one version of a document.

    Attributes:
        document: the version.
        findings: those that nothing silences and no baseline knows.
        complaints: line, from 1 and counted by line feeds, and message of comments that silence nothing.
        spans: of all functions.
        remark: why the document, or a part of the work, was left out; "" if all is well.
    """

    document: OpenDocument
    findings: tuple[EditorFinding, ...] = ()
    complaints: tuple[tuple[int, str], ...] = ()
    spans: tuple[TextSpan, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A bundle that judges, with what it is compared with where it judges pairs."""

    name: str
    judge: RememberingPredictor
    neighbourhood: Neighbourhood | None = None

    @classmethod
    def load(cls, name: str) -> "LoadedModel":
        """Read a bundle.

        Raises:
            CodewrenError: there is none of this name, it is damaged, or compares functions in a way too slow here.
        """
        predictor = load_for_report(name)
        predictor.threads = 1
        if predictor.task.unit is not Unit.PAIR:
            return cls(name, RememberingPredictor(predictor))
        if not isinstance(predictor, SimilarityPredictor):
            raise InputError(
                f"model {name!r} compares all pairs, too slow for an editor; take a similarity encoder, clones"
            )
        return cls(name, RememberingPredictor(predictor), Neighbourhood(predictor))

    @property
    def predictor(self) -> AnyPredictor:
        """What judges."""
        return self.judge.predictor

    def speaks(self, language: str) -> bool:
        """Whether it was trained for a language, or for all."""
        return self.judge.task.language in {None, language}

    def origin(self) -> Model:
        """What a baseline says of it."""
        return Model(self.predictor.path.name, self.predictor.bundle.sha256, self.judge.task.name)


@dataclass(slots=True)
class Judges:
    """The models of a session, and the folders that paths are relative to.

    Attributes:
        settings: of the session.
        folders: limits of the project below its folders.
        roots: folders of the workspace, absolute.
        models: loaded.
    """

    settings: ClientSettings = field(default_factory=ClientSettings)
    folders: tuple[FolderSettings, ...] = ()
    roots: tuple[str, ...] = ()
    models: tuple[LoadedModel, ...] = ()

    def load(self) -> list[str]:
        """Load the bundles that the settings name; what is wrong with those left out."""
        loaded, remarks = list[LoadedModel](), []
        known = {model.name: model for model in self.models}
        for name in dict.fromkeys(self.settings.models):
            try:
                loaded.append(known.get(name) or LoadedModel.load(name))
            except CodewrenError as error:
                remarks.append(str(error))
        self.models = tuple(loaded)
        return remarks

    def root_of(self, path: str) -> str:
        """The innermost folder of the workspace around a file, or the file's own folder."""
        around = [root for root in self.roots if path.startswith(os.path.join(root, ""))]  # noqa: PTH118
        return max(around, key=len, default=os.path.dirname(path))  # noqa: PTH120

    def baseline(self, path: str) -> Path | None:
        """The file of known findings for a document."""
        return Path(self.root_of(path)) / self.settings.baseline if self.settings.baseline else None

    def judge(self, document: OpenDocument) -> Judgement:
        """Judge the functions of a document; those whose text was judged before are remembered."""
        settings, path = self.settings, document.path or document.uri
        models = [model for model in self.models if model.speaks(document.language)]
        if not settings.enable or not models:
            return Judgement(document)
        if len(document.text) > settings.max_file_bytes:
            return Judgement(document, remark=f"{path}: larger than {settings.max_file_bytes} bytes (maxFileBytes)")
        try:
            records = predict_source(document.text, document.language, [model.judge for model in models])
        except InputError as error:
            return Judgement(document, remark=f"{path}: {error}")
        findings, remarks = list[EditorFinding](), list[str]()
        for model, record in zip(models, records, strict=True):
            of_model = list(self._findings(model, record, path))
            try:
                findings += self._new(model, of_model, path)
            except InputError as error:
                findings += of_model
                remarks.append(str(error))
        spans = tuple(TextSpan(*records[0].span(number)) for number in range(len(records[0])))
        complaints = tuple({complaint: None for record in records for complaint in record.complaints})
        return Judgement(document, tuple(findings), complaints, spans, "; ".join(remarks))

    def close(self, path: str) -> None:
        """From now on a file on disk counts, not what was open."""
        for model in self.models:
            if model.neighbourhood is not None:
                model.neighbourhood.set_closed(path)
                model.neighbourhood.refresh(path)

    def refresh(self, path: str) -> None:
        """Compare with what a file holds on disk now."""
        for model in self.models:
            if model.neighbourhood is not None:
                model.neighbourhood.refresh(path)

    def catch_up(self) -> None:
        """Compare with the workspace as it has been read now."""
        for model in self.models:
            if model.neighbourhood is not None:
                model.neighbourhood.catch_up()

    def _findings(self, model: LoadedModel, record: Record, path: str) -> Iterator[EditorFinding]:
        if model.neighbourhood is None:
            yield from self._alarms(model, record, path)
            return
        model.neighbourhood.set_file(path, record)
        threshold = alert_threshold(model.predictor, self._limits(path))
        kinds = list(CloneKind)
        kinds = kinds[: kinds.index(self.settings.loosest_clone) + 1]
        neighbours = model.neighbourhood.neighbours(path, 1.0 if threshold is None else threshold)
        for number, row in neighbours.items():
            clones = [clone for clone in row if clone.kind in kinds and not clone.member.is_suppressed][:MOST_OTHERS]
            if clones and not record.is_suppressed(number):
                yield self._clone(model, record, number, path=path, clones=clones)

    def _alarms(self, model: LoadedModel, record: Record, path: str) -> Iterator[EditorFinding]:
        limits, task = self._limits(path), model.judge.task
        threshold = alert_threshold(model.predictor, limits)
        for number in range(len(record)):
            first, last = record.lines(number)
            if record.is_suppressed(number) or last - first + 1 < (limits.min_lines or 1):
                continue
            if is_alarm(record, number, threshold):
                name = fingerprint(task.positive, [record.fingerprint(number)])
                where = Location(self._relative(path), first, last, record.names[number])
                alarm = Finding(task.positive, record.probabilities[number], where, name)
                yield EditorFinding(alarm, task, TextSpan(*record.span(number)))

    def _clone(
        self, model: LoadedModel, record: Record, number: int, *, path: str, clones: Sequence[Neighbour]
    ) -> EditorFinding:
        task, members = model.judge.task, [clone.member for clone in clones]
        hashes = [record.fingerprint(number), *(member.record.fingerprint(member.number) for member in members)]
        others = tuple(
            Location(
                self._relative(clone.member.file.source.path),
                *clone.member.record.lines(clone.member.number),
                clone.member.record.names[clone.member.number],
                clone.kind,
                clone.share,
            )
            for clone in clones
        )
        here = Location(self._relative(path), *record.lines(number), record.names[number])
        finding = Finding(
            task.positive,
            max(clone.probability for clone in clones),
            here,
            fingerprint(task.positive, hashes),
            others,
            clones[0].kind,
            tuple(text_hash.hex() for text_hash in hashes),
        )
        places = [(member.file.source.path, TextSpan(*member.record.span(member.number))) for member in members]
        return EditorFinding(finding, task, TextSpan(*record.span(number)), tuple(places))

    def _new(self, model: LoadedModel, findings: list[EditorFinding], path: str) -> list[EditorFinding]:
        """The findings that the baseline does not know.

        Raises:
            InputError: the file is no baseline, or one of another task.
        """
        baseline = self.baseline(path)
        if not findings or baseline is None or not baseline.is_file():
            return findings
        new = {id(finding) for finding in new_findings(baseline, [one.finding for one in findings], model.origin())}
        return [one for one in findings if id(one.finding) in new]

    def _limits(self, path: str) -> ScanOptions:
        """What a finding in a file has to exceed."""
        options = ScanOptions(self.settings.threshold, self.settings.min_lines, folders=self.folders)
        limits = options.limits_at(path)
        return ScanOptions(limits.threshold, limits.min_lines)

    def _relative(self, path: str) -> str:
        root = self.root_of(path)
        return os.path.relpath(path, root) if os.path.isabs(path) and root else path  # noqa: PTH117
