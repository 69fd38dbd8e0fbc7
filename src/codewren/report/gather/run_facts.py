"""Everything the report says about a run, gathered from its folder, its bundle, and the data where they are at hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codewren.core.errors import CodewrenError, InputError
from codewren.core.pareto import ParetoFront
from codewren.core.recipe import Recipe
from codewren.core.run_folder import TEACHER_WORTH, WARNINGS
from codewren.measure.fields import Fields
from codewren.measure.intervals import Comparison
from codewren.measure.out_of_fold import OUT_OF_FOLD
from codewren.report.draw.pareto_plot import Group, Point, front_points
from codewren.report.draw.training_plot import Epoch
from codewren.report.facts import ModelFacts, Role, RunFacts, Table
from codewren.report.gather.answers import SplitAnswers, answers_on_split, data_at_hand, split_of
from codewren.report.gather.bench_facts import BenchFacts, bench_facts
from codewren.report.gather.flip_tables import fidelity_tables
from codewren.report.gather.label_tables import label_tables
from codewren.report.gather.model_rows import model_rows, outputs
from codewren.report.gather.provenance import bench_command, commands, provenance
from codewren.report.gather.spent import spent_table
from codewren.report.gather.subject import Subject, open_subject
from codewren.report.reading import training_log
from codewren.report.recipe_text import recipe_toml
from codewren.search.trials.journal import read_journal


def run_facts(path: str, *, name: str = "", data: Recipe | None = None, benches: Sequence[Path] = ()) -> RunFacts:
    """Facts of a run folder, or of a bundle given by path or by the name of a shipped one.

    Args:
        path: of either.
        name: what to call it, by default the folder's or file's own name.
        data: recipe whose validation split a bundle without a run is judged on, if it is for the same task.
        benches: of other runs on the page, which may have timed this bundle too.

    Raises:
        InputError: neither, or a file of it is malformed.
        BundleError: the bundle is damaged.
    """
    subject = open_subject(path, data=data)
    subject = replace(subject, name=name or subject.name)
    missing: dict[str, str] = {}
    answers = _answers(subject, missing)
    bench = _bench(subject, benches, missing)
    models = model_rows(subject, answers, bench, missing)
    points, noise = _points(subject, missing)
    history = _history(subject, missing)
    return RunFacts(
        subject.name,
        subject.task,
        subject.config,
        models,
        dataset=subject.dataset,
        data_sha256=answers.data_sha256 if answers else _data_sha256(subject),
        comparisons=_comparisons(models, answers, missing),
        history=history,
        kept_epoch=_kept_epoch(subject, history),
        metric=_metric(subject),
        points=points,
        noise=noise,
        reliability={model.name: answers.reliability(model.name) for model in _shown(models, answers)}
        if answers
        else {},
        lengths=answers.lengths if answers else (),
        limit=subject.config.max_sequence_length if subject.config else 0,
        times_s=bench.times_s,
        machine=bench.machine,
        tables=_tables(subject, answers, bench, missing),
        warnings=(
            *_overlap(subject),
            *_teacher_worth(subject),
            *bench.warnings,
            *([OUT_OF_FOLD] if answers and answers.out_of_fold else []),
        ),
        provenance=provenance(subject),
        commands=commands(subject),
        recipe=recipe_toml(subject.recipe) if subject.recipe else "",
        missing=missing,
        family=subject.family,
        seed=subject.recipe.distil.seed if subject.recipe else None,
        labels=answers.labels if answers else None,
        answers={model_name: answer.predictions for model_name, answer in answers.models.items()} if answers else {},
    )


def _answers(subject: Subject, missing: dict[str, str]) -> SplitAnswers | None:
    """Answers on the validation split, or why there are none."""
    if subject.bundle is None:
        why = f"no student.wren; run codewren compress recipe.toml --out {subject.shown()}"
    elif subject.data is None:
        why = subject.recipe_note
    elif not data_at_hand(subject.data, "valid"):
        why = "the data are not where the recipe says; run this where they are"
    else:
        return answers_on_split(
            subject.bundle, split_of(subject.data, "valid"), name=subject.name, rivals=outputs(subject)
        )
    missing["calibration"] = missing["items"] = missing["comparison"] = why
    return None


def _bench(subject: Subject, benches: Sequence[Path], missing: dict[str, str]) -> BenchFacts:
    paths = [subject.file("bench.json"), *benches]
    facts = bench_facts(paths, subject.bundle.sha256 if subject.bundle else "", name=subject.name)
    if facts.report is None:
        missing["bench"] = missing["energy"] = f"run {bench_command(subject)}"
    elif not facts.energy_known:
        missing["energy"] = f"the bench took none; run {bench_command(subject)}"
    return facts


def _shown(models: tuple[ModelFacts, ...], answers: SplitAnswers | None) -> list[ModelFacts]:
    """Student and teacher, as far as their answers are at hand: whose calibration is drawn."""
    student_and_teacher = [models[-1], *(model for model in models if model.role is Role.TEACHER)]
    return [model for model in student_and_teacher if answers is not None and model.name in answers.models]


def _comparisons(
    models: tuple[ModelFacts, ...], answers: SplitAnswers | None, missing: dict[str, str]
) -> tuple[tuple[str, str, Comparison], ...]:
    """The student against every other model of the run, on the same items."""
    student, *names = (model.name for model in reversed(models))
    if answers is None:
        return ()
    if "teacher" in names and "teacher" not in answers.models:
        missing["comparison"] = "the teacher's logits of the validation split are not in the folder"
    return tuple((student, rival, answers.compared(student, rival)) for rival in names if rival in answers.models)


def _history(subject: Subject, missing: dict[str, str]) -> tuple[Epoch, ...]:
    epochs = training_log(subject.folder / "student/log.jsonl") if subject.folder else ()
    if not epochs:
        missing["training"] = "the training log is not beside it"
    return epochs


def _metric(subject: Subject) -> str:
    """What the run's epochs are picked by; F1 is the macro mean where no label is the positive one of two."""
    metric = subject.recipe.distil.selection if subject.recipe else "accuracy"
    binary = len(subject.task.labels) == 2 and not subject.task.is_multi_label
    return "f1_macro" if metric == "f1" and not binary else metric


def _kept_epoch(subject: Subject, history: tuple[Epoch, ...]) -> int | None:
    epoch = subject.made.get("epoch")
    return epoch if isinstance(epoch, int) and any(entry.epoch == epoch for entry in history) else None


def _points(subject: Subject, missing: dict[str, str]) -> tuple[tuple[Point, ...], float | None]:
    """Trials and front of the run's search, and how far seeds differ."""
    raw = Fields.read(subject.folder / "front.json") if subject.folder else None
    if raw is None:
        missing["search"] = f"run codewren search recipe.toml --out {subject.shown()} --set search.strategy=wren"
        return (), None
    try:
        front = ParetoFront.from_dict(dict(raw.raw))
    except (KeyError, TypeError, ValueError, CodewrenError) as error:
        raise InputError(f"{raw.where}: not a front ({error!r:.80}); run codewren search again") from None
    for row in raw.each("candidates"):
        _check_scores(row.within("scores"))
    noise = raw.number("noise") if raw.has("noise") else None
    return (*_trials(subject.file("journal.jsonl")), *front_points(front, chosen=subject.chosen)), noise or None


def _trials(path: Path) -> list[Point]:
    trials = read_journal(path)[1] if path.is_file() else ()
    for trial in trials:
        if trial.scores is not None:
            _check_scores(Fields(trial.scores.to_dict(), f"{path}, trial {trial.number}: scores"))
    return [
        Point(f"trial {trial.number}", trial.scores.size_bytes, trial.scores.effectiveness, Group.TRIAL)
        for trial in trials
        if trial.scores is not None and trial.scores.effectiveness is not None
    ]


def _check_scores(scores: Fields) -> None:
    """Refuse scores that cannot be drawn: sizes are positive, latencies too, the rest are numbers.

    Raises:
        InputError: saying which.
    """
    if scores.count("size_bytes") == 0 or (scores.has("latency_s") and scores.number("latency_s") <= 0):
        raise InputError(f"{scores.where}: size and latency must be above 0; run codewren search again")
    for name in ("effectiveness", "uncertainty"):
        if scores.has(name):
            scores.number(name)


def _tables(
    subject: Subject, answers: SplitAnswers | None, bench: BenchFacts, missing: dict[str, str]
) -> tuple[Table, ...]:
    path = subject.file("fidelity.json")
    tables = fidelity_tables(path, student=subject.name)
    if not tables:
        edits = f"evaluate {subject.shown_bundle()} recipe.toml --edits --json {subject.shown('fidelity.json')}"
        missing["fidelity"] = f"run codewren {edits}"
    if answers and answers.slices and not any(table.section == "items" for table in tables):
        tables.append(answers.slices)
    if answers:
        tables += label_tables(answers.task, answers.labels, answers.models[subject.name].predictions)
    spent = [] if bench.spent_known else spent_table(subject.file("energy.json"))
    return (*bench.tables, *spent, *tables)


def _data_sha256(subject: Subject) -> str:
    hashes = subject.made.get("data_sha256")
    sha256 = hashes.get("valid") if isinstance(hashes, dict) else None
    return sha256 if isinstance(sha256, str) else ""


def _teacher_worth(subject: Subject) -> tuple[str, ...]:
    """What the run warned of where words judge better than the teacher."""
    known = Fields.read(subject.file(WARNINGS))
    lines = known.raw.get(TEACHER_WORTH) if known else None
    return tuple(map(str, lines)) if isinstance(lines, list) else ()


def _overlap(subject: Subject) -> tuple[str, ...]:
    """Warnings of the overlap check about the split that is reported on."""
    overlap = Fields.read(subject.file("overlap.json"))
    lines = overlap.raw.get("warnings") if overlap else None
    return tuple(str(line) for line in lines if str(line).startswith("valid")) if isinstance(lines, list) else ()
