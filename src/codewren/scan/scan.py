"""The path of `codewren scan`: walk, extract, judge, report."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from codewren.core.errors import InputError, nearest
from codewren.core.task import Task, Unit
from codewren.predict.explanation import ReviewRanker
from codewren.scan.alarms import AlarmRule, alarm_rules, alarms, alert_threshold
from codewren.scan.finding import Finding, Location
from codewren.scan.result import Complaint, Order, ScanOptions, ScanResult, fingerprint, is_wanted, unused
from codewren.scan.schedule import ScannedFile, Schedule, is_cached, predict_all
from codewren.scan.source_files import UNKNOWN_KIND, Note, SourceFile, Walked, walk
from codewren.scan.source_lines import with_cells
from codewren.scan.worth import reading_order_remark, untrained_remark
from codewren.syntax.grammars import LANGUAGES

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

MOST_SKIPPED = 0.1  # of the files a scan was asked for: with more left out, its result is none


def scan(
    paths: Sequence[str],
    predictor: "AnyPredictor",
    options: ScanOptions,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> ScanResult:
    """Judge the functions of all source files below `paths`.

    `progress` is called with the number of files done and of all files, from when the cache has given what it knows.

    Raises:
        InputError: a path does not exist, or a language is unknown.
    """
    task, rules = predictor.task, alarm_rules(predictor, options)
    result = ScanResult(
        task,
        alert_threshold(predictor, options),
        revision=options.changes.revision if options.changes else None,
        labels=tuple(rule.label for rule in rules),
    )
    walked = _walked(paths, options, result)
    files = _changed(walked.files, paths, options, result)
    jobs = options.jobs or cores()
    schedule = Schedule(options.max_file_bytes, jobs, options.cache, result.remarks.append)
    skipped: list[ScannedFile] = []
    scanned: list[ScannedFile] = []  # of a pair task; the others need no memory of what is past
    with closing(predict_all(files, predictor, schedule)) as predictions, _honest_stop(result, options, files):
        for done, file in enumerate(predictions, 1):
            _count(file, result)
            if file.record is None:
                skipped.append(file)
            if task.unit is Unit.PAIR:
                scanned.append(file)
            else:
                result.findings += _findings(file, rules, options, result)
            if not file.cached:  # so never before processes have been forked
                progress(done, len(files))
    if task.unit is Unit.PAIR:
        from codewren.scan.clones import clone_findings

        scanned.sort(key=lambda file: file.source.path)
        result.findings = clone_findings(scanned, predictor, options, result)
    if result.guessed_files:
        result.remarks.append(f"files that are not UTF-8, read as Latin-1: {result.guessed_files}")
    named = {path or os.curdir for path in paths}
    result.gaps += [f"{path}: {reason}" for path, reason in walked.notes if path in named and reason != UNKNOWN_KIND]
    result.gaps += _gaps(skipped, len(files))
    if isinstance(predictor, ReviewRanker):
        result.remarks.append(reading_order_remark(predictor.manifest.get("scores") or {}))
    result.notes.sort()
    result.unparsed.sort()
    result.complaints.sort()
    result.remarks += _idle_options(predictor, options)
    result.findings = with_cells(result.findings)
    result.findings.sort(key=_order(predictor, options).key)
    return result


def _empty_folders(paths: Sequence[str], foreign: Mapping[str, object], options: ScanOptions) -> Iterator[str]:
    """What is said of a scan of folders that found no file to judge: a check of nothing has not passed.

    Named files are let through: a hook names whatever was changed.
    """
    folders = [path or os.curdir for path in paths]
    if options.changes is None and all(map(os.path.isdir, folders)):
        known = f" (but {', '.join(sorted(foreign))}: --language)" if foreign else ""
        yield f"{', '.join(folders)}: nothing to scan: no source file of a wanted language is there{known}"


def _walked(paths: Sequence[str], options: ScanOptions, result: ScanResult) -> Walked:
    """The files to scan; what is left out is noted."""
    task, changes = result.task, options.changes
    only = changes.lines.keys() if changes and (task.unit is not Unit.PAIR or not changes.lines) else None
    languages = scanned_languages(task, options.languages)
    walked = walk(paths, languages, options.exclude, exclude_root=options.exclude_root, only=only)
    result.notes += walked.notes
    result.foreign = walked.foreign
    untrained = untrained_remark(task, {file.language for file in walked.files})
    result.remarks += [untrained] if untrained else []
    return walked


def _changed(
    files: tuple[SourceFile, ...], paths: Sequence[str], options: ScanOptions, result: ScanResult
) -> tuple[SourceFile, ...]:
    """All files, or none where no change is in them, so that a clone class has no changed member either."""
    changes = options.changes
    if changes and not any(changes.has(file.path) for file in files):
        result.remarks.append(f"no source file changed since {changes.revision}")
        return ()
    if not files:
        result.gaps += _empty_folders(paths, result.foreign, options)
    return files


def _order(predictor: "AnyPredictor", options: ScanOptions) -> Order:
    """The order asked for, where the model's findings have it; else that of its kind of model."""
    wanted = options.order
    if wanted is not None and wanted not in _foreign_orders(predictor):
        return wanted
    if predictor.task.unit is Unit.PAIR:
        return Order.SAVED
    return Order.REVIEW if isinstance(predictor, ReviewRanker) else Order.PATH


def _foreign_orders(predictor: "AnyPredictor") -> frozenset[Order]:
    """Orders by what findings of this model do not have."""
    saved = frozenset[Order]() if predictor.task.unit is Unit.PAIR else {Order.SAVED}
    review = frozenset[Order]() if isinstance(predictor, ReviewRanker) else {Order.REVIEW}
    return frozenset(saved | review)


def _idle_options(predictor: "AnyPredictor", options: ScanOptions) -> Iterator[str]:
    """What is said of options that do nothing for this model."""
    if options.order in _foreign_orders(predictor):
        whose = "clones alone have" if options.order is Order.SAVED else "models alone have that rank functions by it"
        yield f"--sort {options.order} is an order that {whose}; by {_order(predictor, options)} instead"
    if options.min_tokens is not None and predictor.task.unit is not Unit.PAIR:
        yield "--min-tokens is about clones alone; --min-lines leaves short functions out"


def scanned_languages(task: Task, wanted: Sequence[str] | None) -> frozenset[str]:
    """Languages to scan: those wanted, or the task's own, or all.

    Raises:
        InputError: no such language.
    """
    chosen = tuple(wanted or ()) or ((task.language,) if task.language else LANGUAGES)
    unknown = [language for language in chosen if language not in LANGUAGES]
    if unknown:
        raise InputError(f"language {unknown[0]!r} cannot be scanned; {nearest(unknown[0], LANGUAGES)}")
    return frozenset(chosen)


def cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count(file: ScannedFile, result: ScanResult) -> None:
    path, record = file.source.path, file.record
    if record is None:
        result.notes.append(Note(path, file.reason))
        return
    result.files += 1
    result.functions += len(record)
    result.function_lines[path] = record.covered_lines()
    result.cached_files += file.cached
    result.complaints += (Complaint(path, line, text) for line, text in record.complaints)
    result.unparsed += [path] * record.has_errors
    result.guessed_files += record.is_guessed


@contextmanager
def _honest_stop(result: ScanResult, options: ScanOptions, files: Sequence[SourceFile]) -> Iterator[None]:
    """Let an interruption say how much of the work the next scan will not repeat."""
    try:
        yield
    except KeyboardInterrupt:
        fresh = result.files - result.cached_files
        if not fresh or not is_cached(options.cache, files):
            raise
        raise KeyboardInterrupt(f"the cache keeps the results of {fresh} files for the next scan") from None


def _gaps(skipped: Sequence[ScannedFile], asked: int) -> Iterator[str]:
    """Why a scan does not answer for what it was asked: a named file, or a large share of all, was left out."""
    for file in skipped:
        if file.source.named:
            yield f"{file.source.path}: {file.reason}"
    if len(skipped) > MOST_SKIPPED * asked and not all(file.source.named for file in skipped):
        reason, times = Counter(file.reason for file in skipped).most_common(1)[0]
        yield f"{len(skipped)} of {asked} files were skipped, {times} because: {reason}"


def _findings(
    file: ScannedFile, rules: Sequence[AlarmRule], options: ScanOptions, result: ScanResult
) -> Iterator[Finding]:
    record = file.record
    if record is None:
        return
    limits = options.limits_at(file.source.path)
    reached = {index: alarms(rules, record, index, limits.threshold) for index in range(len(record))}
    result.complaints += unused(file, {index for index, own_rules in reached.items() if own_rules}, options)
    for index, own_rules in reached.items():
        if not own_rules or not is_wanted(file, index, limits.min_lines or 1, options.changes):
            continue
        if record.is_suppressed(index):
            result.suppressed += len(own_rules)
            continue
        location = Location(file.source.path, *record.lines(index), record.names[index], span=record.span(index))
        review_first = record.reviews[index] if record.reviews else None
        for rule in own_rules:
            name = fingerprint(rule.label, [record.fingerprint(index)])
            probability = rule.probability(record, index)
            yield Finding(rule.label, probability, location, name, review_first=review_first)
