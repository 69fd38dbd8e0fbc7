"""The rows of the report's table: teacher, baselines, what was timed beside them, and the student."""

from dataclasses import replace
from pathlib import Path

from codewren.core.formulas import papers_flops, student_flops
from codewren.measure.fields import Fields
from codewren.measure.quality import Quality
from codewren.report.facts import UNJUDGED, ModelFacts, Role
from codewren.report.gather.answers import SplitAnswers, teacher_on
from codewren.report.gather.bench_facts import BenchFacts
from codewren.report.gather.provenance import bench_command
from codewren.report.gather.subject import Subject
from codewren.report.reading import measures, model_facts, training_log

ROLES = {"avatar": Role.AVATAR, "avatar-v1": Role.AVATAR, "compressor": Role.COMPRESSOR}
MODES = ("faithful", "repaired")


def model_rows(
    subject: Subject, answers: SplitAnswers | None, bench: BenchFacts, missing: dict[str, str]
) -> tuple[ModelFacts, ...]:
    """All models, the student last; gaps are noted in `missing`.

    Raises:
        InputError: a file of the run is malformed.
    """
    rows = _evaluated(subject)
    teacher = _teacher(subject, answers, rows.get("teacher"), missing)
    rows_above = [bench.onto(teacher, kind="teacher")] if teacher is not None else []
    rows_above += _baselines(subject, answers)
    if subject.folder is not None and not any(model.role is Role.BILSTM for model in rows_above):
        missing["baseline"] = f"run codewren baseline recipe.toml --out {subject.shown()}"
    student = _student(subject, answers, rows.get("student"), missing)
    together = (
        bool(rows_above) and rows_above[0].latency_s is not None and rows_above[0].timed_in == student.timed_in != ""
    )
    student = bench.onto(student, kind="bundle", keep_time=together and not bench.has_teacher())
    if student.latency_s is None:
        missing["latency"] = f"run {bench_command(subject)}"
    return (*rows_above, *bench.beside(), student)


def outputs(subject: Subject) -> dict[str, tuple[Path, bool]]:
    """Files of other models' outputs on the validation split, and whether these are probabilities already."""
    if subject.folder is None:
        return {}
    named = {"teacher": (subject.file("logits-valid.npz"), False)}
    named |= {
        f"BiLSTM, {mode}": (subject.file(f"bilstm-{mode}/logits-valid.npz"), mode == "faithful") for mode in MODES
    }
    return {name: file for name, file in named.items() if file[0].is_file()}


def role_of(subject: Subject) -> Role:
    """Whose method the student comes from."""
    source = subject.made.get("source")
    for word in (Role.COMPRESSOR, Role.AVATAR):
        if isinstance(source, str) and word in source:
            return word
    if subject.recipe is None:
        return Role.OURS
    search, distil = subject.recipe.search, subject.recipe.distil
    return ROLES.get(search.strategy if search.strategy != "fixed" else distil.tokenizer_mode, Role.OURS)


def _evaluated(subject: Subject) -> dict[str, Fields]:
    """Rows of `evaluation.json` by name."""
    evaluation = Fields.read(subject.file("evaluation.json"))
    return {row.text("name"): row for row in evaluation.each("rows")} if evaluation else {}


def _teacher(
    subject: Subject, answers: SplitAnswers | None, row: Fields | None, missing: dict[str, str]
) -> ModelFacts | None:
    if row is not None:
        return model_facts(row, role=Role.TEACHER, name="teacher", how=_how(row))
    if answers and "teacher" in answers.models:
        return _from_quality("teacher", Role.TEACHER, answers.models["teacher"].quality)
    if subject.folder is None:
        return None
    valid = teacher_on(subject.data, "valid", subject.file("logits-valid.npz")) if subject.data else None
    if valid is not None:  # no bundle is there to be judged beside it
        return ModelFacts("teacher", Role.TEACHER, f"on the valid split, n = {valid.n:,}", {"accuracy": valid})
    half = teacher_on(subject.data, "unlabelled", subject.file("logits-unlabelled.npz")) if subject.data else None
    if half is None:
        missing["teacher"] = f"run codewren label recipe.toml --out {subject.shown()}"
        return None
    missing["teacher"] = "only its logits of the unlabelled half exist, not of the validation split"
    how = f"on the unlabelled half, n = {half.n:,}: how far the teacher's logits agree with the true labels"
    return ModelFacts("teacher's logits", Role.TEACHER, how, {"accuracy": half})


def _baselines(subject: Subject, answers: SplitAnswers | None) -> list[ModelFacts]:
    baselines = []
    for mode in MODES:
        name, folder = f"BiLSTM, {mode}", f"bilstm-{mode}"
        raw = Fields.read(subject.file(f"{folder}/bilstm.json"))
        if raw is not None and answers and name in answers.models:
            model = _from_quality(name, Role.BILSTM, answers.models[name].quality)
            epochs = len(training_log(subject.file(f"{folder}/log.jsonl")))
            how = f"{model.how}, trained for {epochs} epochs" if epochs else model.how
            baselines.append(replace(model, size_bytes=raw.count("size_bytes"), how=how))
    return baselines


def _student(subject: Subject, answers: SplitAnswers | None, row: Fields | None, missing: dict[str, str]) -> ModelFacts:
    model = _judged_student(subject, answers, row)
    if not model.measures:
        missing["effectiveness"] = f"run codewren evaluate {subject.shown_bundle()} recipe.toml"
    if row is not None:
        evaluated = model_facts(row, role=model.role, name=model.name, how=model.how)
        agreement = {"agreement": evaluated.measures["agreement"]} if "agreement" in evaluated.measures else {}
        model = replace(
            model, latency_s=evaluated.latency_s, timed_in=evaluated.timed_in, measures={**model.measures, **agreement}
        )
    if subject.bundle is not None:
        model = replace(model, size_bytes=subject.bundle.size_bytes, sha256=subject.bundle.sha256)
    return _with_flops(model, subject)


def _judged_student(subject: Subject, answers: SplitAnswers | None, row: Fields | None) -> ModelFacts:
    """The student's effectiveness: measured now, else as the run's evaluation says, else as the bundle does."""
    name, role = subject.name, role_of(subject)
    if answers is not None:
        return _from_quality(name, role, answers.models[name].quality)
    if row is not None:
        return model_facts(row, role=role, name=name, how=_how(row))
    scores = Fields(subject.bundle.manifest.get("scores") or {}, f"{subject.given}: scores") if subject.bundle else None
    if scores is None or not scores.has("measures"):
        return ModelFacts(name, role, UNJUDGED)
    how = f"on the {scores.text('split', 'valid')} split, as the bundle says"
    majority = scores.measure("majority") if scores.has("majority") else None
    return ModelFacts(name, role, how, measures(scores), majority=majority)


def _from_quality(name: str, role: Role, judged_quality: Quality) -> ModelFacts:
    return ModelFacts(
        name,
        role,
        f"on the valid split, n = {judged_quality.n:,}",
        measures={measure.name: measure for measure in judged_quality.measures},
        majority=judged_quality.majority,
        undefined=dict(judged_quality.undefined),
    )


def _how(row: Fields) -> str:
    n = row.within("quality").count("n") if row.has("quality") else 0
    return f"on the valid split, n = {n:,}"


def _with_flops(model: ModelFacts, subject: Subject) -> ModelFacts:
    config = subject.config
    if config is None:
        return model
    papers = papers_flops(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        intermediate_size=config.intermediate_size,
        num_attention_heads=config.num_attention_heads,
    )
    return replace(model, flops=float(student_flops(config, subject.task)), papers_flops=float(papers))
