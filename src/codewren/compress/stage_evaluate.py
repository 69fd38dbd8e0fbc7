"""Stage: judge what ships, through the runtime that users run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codewren.compress.attack import Judge, remembered
from codewren.compress.attack_report import AttackReport, attack_judges, bundle_judge, teacher_judge
from codewren.compress.flips import Edited, Fidelity, PredictLabels, Rival, fidelity, flips_of
from codewren.compress.run import Run
from codewren.compress.run_warnings import warnings
from codewren.compress.words_baseline import words_quality
from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import FILE_TEACHERS
from codewren.core.run_folder import EVALUATION, LOGITS, REPORT, WORDS
from codewren.data.load import item_column, load_split, load_test_split
from codewren.measure.intervals import Comparison, mcnemar
from codewren.measure.latency import Latency, interleaved
from codewren.measure.out_of_fold import OUT_OF_FOLD, out_of_fold
from codewren.measure.quality import Quality
from codewren.measure.relations import Relations, relations
from codewren.measure.robustness import AttackBudget
from codewren.measure.task_quality import (
    decisions,
    logits_predictions,
    logits_quality,
    task_probabilities,
    task_quality,
)
from codewren.predict.predictor import AnyPredictor, load
from codewren.report.relation_table import relation_table
from codewren.report.table import ModelRow, comparison_line, comparison_table, markdown
from codewren.train.processes import one_thread
from codewren.train.teachers.logits_file import read_logits
from codewren.train.teachers.pretrained import beside
from codewren.train.teachers.teacher import Teacher, load_teacher

AS_WRITTEN = "as written"
LATENCY_ITEMS = 200
TEACHER_LATENCY_ITEMS = 20


def predictions(predictor: AnyPredictor, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Predicted label indices by the bundle's own rule, and probabilities (n, C).

    On the items that its temperature and threshold were fitted on both are out of fold.
    """
    crossed = out_of_fold(predictor, dataset)
    if crossed is not None:
        return crossed.predictions, crossed.probabilities
    items = dataset.sources()
    predicted = np.asarray([int(label) for label in predictor.predict(items)], dtype=np.int64)
    return predicted, np.asarray(predictor.predict_proba(items), dtype=np.float64)


def bundle_quality(
    predictor: AnyPredictor, dataset: Dataset, *, teacher_logits: NDArray[np.float32] | None = None
) -> Quality:
    """Quality of a bundle on a split with labels, and its agreement with the teacher where logits are given.

    Raises:
        InputError: items without labels.
    """
    predicted, probabilities = predictions(predictor, dataset)
    taught = None if teacher_logits is None else logits_predictions(dataset.task, teacher_logits)
    labels = np.asarray(dataset.known_labels())
    return task_quality(dataset.task, labels, probabilities, predictions=predicted, teacher=taught)


def compare(first: NDArray[np.int64], second: NDArray[np.int64], dataset: Dataset) -> Comparison:
    """Paired test of two models' predictions on a split."""
    return mcnemar(np.asarray(dataset.known_labels()), first, second)


def latencies(student: AnyPredictor, dataset: Dataset, teacher: Teacher | None = None) -> dict[str, Latency]:
    """Seconds per item, one at a time on one thread, tokenisation included; teacher and student interleaved."""
    sources = dataset.sources()
    calls: dict[str, Callable[[int], object]] = {"student": lambda i: student.predict_proba([sources[i]])}
    if teacher is not None:
        calls["teacher"] = lambda i: teacher.logits(dataset.subset([i]))
    count = LATENCY_ITEMS if teacher is None else TEACHER_LATENCY_ITEMS
    with one_thread():
        return interleaved(calls, range(min(count, len(dataset))), rounds=3, threads=1)


def evaluate_run(run: Run, bundle: Path, *, seconds: float) -> str:
    """Teacher and student side by side on the validation split; writes `evaluation.json` and `report.md`."""
    dataset, student = run.dataset("valid"), load(bundle)
    labelled = run.path(LOGITS.format(split="valid")).exists()
    teacher = None if run.recipe.teacher.kind in (*FILE_TEACHERS, "ngrams") else load_teacher(run.recipe)
    times = latencies(student, dataset, teacher)
    logits = run.logits("valid") if labelled else None
    rows = [ModelRow("student", bundle.stat().st_size, bundle_quality(student, dataset, teacher_logits=logits))]
    rows[0] = replace(rows[0], latency=times["student"])
    lines = []
    if logits is not None:
        size = None if teacher is None else _weight_bytes(Path(beside(run.recipe.folder, run.recipe.teacher.path)))
        rows.insert(0, ModelRow("teacher", size, logits_quality(logits, dataset), times.get("teacher")))
        paired = compare(predictions(student, dataset)[0], logits_predictions(dataset.task, logits), dataset)
        lines.append(comparison_line("student", "teacher", paired))
    words = words_quality(run)
    rows += [] if words is None else [ModelRow("words alone", None, words)]
    if run.path(WORDS).exists():
        lines.append(read_json(run.path(WORDS))["line"])
    lines += [f"warning: {line}" for line in warnings(run)]
    lines.append(f"{len(dataset):,} validation items, {seconds:,.0f} s in all; the bundle is {bundle}")
    report = "\n".join([comparison_table(rows), "", *lines])
    write_json(
        run.path(EVALUATION),
        {"split": "valid", "seconds": seconds, "inputs": run.inputs(), "rows": [r.to_dict() for r in rows]},
    )
    write_bytes(run.path(REPORT), (report + "\n").encode())
    return report


def _weight_bytes(path: Path) -> int | None:
    """Bytes of a teacher's weight files, None for one that lies on the hub."""
    files = [path] if path.is_file() else [*path.glob("*.safetensors"), *path.glob("*.bin")]
    return sum(file.stat().st_size for file in files) or None


@dataclass(frozen=True, slots=True)
class Question:
    """What `codewren evaluate` is asked of a bundle.

    Attributes:
        split: to judge it on.
        versus: another bundle for a paired test.
        logits_path: the teacher's logits of the split, for agreement.
        edits: edit functions and count the predictions that flip.
        teacher: count the flips of the recipe's teacher too, and attack it.
        attack: rename variables until right judgements turn wrong, within this budget.
    """

    split: str = "valid"
    versus: str | None = None
    logits_path: Path | None = None
    edits: bool = False
    teacher: bool = False
    attack: AttackBudget | None = None


def _logits_of(question: Question, dataset: Dataset) -> NDArray[np.float32] | None:
    """The teacher's, where they were asked for.

    Raises:
        TeacherError: as `read_logits`, by the option's name.
    """
    if question.logits_path is None:
        return None
    try:
        return read_logits(question.logits_path, dataset)
    except TeacherError as error:
        raise TeacherError(f"--logits {error}") from None


def evaluate_bundle(bundle: str, recipe: Recipe, question: Question, *, json_path: Path | None = None) -> str:
    """Figures of a bundle on one split, a paired test against another bundle, flips under edits.

    Raises:
        InputError: the bundle belongs to another task, items have no labels, or functions cannot be edited.
    """
    split = question.split
    dataset = load_test_split(recipe) if split == "test" else load_split(recipe, split)
    first = load_for(bundle, recipe)
    second = None if question.versus is None else load_for(question.versus, recipe)
    logits = _logits_of(question, dataset)
    figures = bundle_quality(first, dataset, teacher_logits=logits)
    lines = [markdown([["figure", "value", "95 % interval", "n"], *figures.rows()])]
    result = {"bundle": str(first.path), "split": split, **figures.to_dict()}
    if out_of_fold(first, dataset) is not None:
        lines += ["", OUT_OF_FOLD]
        result["note"] = OUT_OF_FOLD
    if second is not None:
        paired = compare(predictions(first, dataset)[0], predictions(second, dataset)[0], dataset)
        lines += ["", comparison_line(bundle, str(question.versus), paired)]
        result["versus"] = {"bundle": str(second.path), **paired.to_dict()}
    teacher = remembered(teacher_judge(_judging_teacher(recipe))) if question.teacher else None
    kept = (
        {}
        if logits is None
        else {AS_WRITTEN: _kept(first, dataset, task_probabilities(dataset.task, logits.astype(np.float64)))}
    )
    if question.edits:
        true, edited = _fidelity(first, recipe, dataset, figures, logits=logits, versus=second, teacher=teacher)
        lines += ["", true.table()]
        result["fidelity"] = true.to_dict()
        if teacher is not None:
            splits = {AS_WRITTEN: dataset, **{name: edit.dataset for name, edit in edited.items()}}
            kept |= {name: _kept(first, split, teacher(split)[1]) for name, split in splits.items()}
    if kept:
        lines += ["", relation_table(kept)]
        result["relations"] = {name: relation.to_dict() for name, relation in kept.items()}
    if question.attack is not None:
        fallen = _attacked(first, dataset, question.attack, versus=second, teacher=teacher)
        lines += ["", fallen.table()]
        result["attack"] = fallen.to_dict()
    if json_path is not None:
        write_json(json_path, result)
    return "\n".join(lines)


def _kept(student: AnyPredictor, dataset: Dataset, teacher: NDArray[np.float64]) -> Relations:
    """What the student keeps of its teacher's probabilities; of a multi-label task label by label."""
    known = np.asarray(dataset.known_labels())
    labels, probabilities = decisions(dataset.task, known, predictions(student, dataset)[1])
    return relations(probabilities, decisions(dataset.task, known, teacher)[1], labels)


def _attacked(
    bundle: AnyPredictor, dataset: Dataset, budget: AttackBudget, *, versus: AnyPredictor | None, teacher: Judge | None
) -> AttackReport:
    others = {} if versus is None else {versus.path.stem: bundle_judge(versus)}
    if teacher is not None:
        others["teacher"] = teacher
    return attack_judges(bundle_judge(bundle), others, dataset, budget=budget)


def _fidelity(
    student: AnyPredictor,
    recipe: Recipe,
    dataset: Dataset,
    found: Quality,
    *,
    logits: NDArray[np.float32] | None,
    versus: AnyPredictor | None,
    teacher: Judge | None,
) -> tuple[Fidelity, Mapping[str, Edited]]:
    predicted, probabilities = predictions(student, dataset)
    true, edited = fidelity(
        _labels_of(student),
        dataset,
        quality=found,
        predicted=predicted,
        probabilities=probabilities,
        teacher_logits=logits,
        projects=item_column(recipe, dataset.split, "project"),
    )
    if versus is not None:
        name = str(versus.path)
        true = replace(true, versus=Rival(name, flips_of(_labels_of(versus), dataset, edited)))
    if teacher is not None:
        true = replace(true, teacher=Rival("teacher", flips_of(lambda split: teacher(split)[0], dataset, edited)))
    return true, edited


def _labels_of(predictor: AnyPredictor) -> PredictLabels:
    return lambda dataset: np.asarray([int(label) for label in predictor.predict(dataset.sources())], dtype=np.int64)


def _judging_teacher(recipe: Recipe) -> Teacher:
    """The recipe's teacher, if it can judge functions that it never saw."""
    if recipe.teacher.kind in FILE_TEACHERS:
        raise InputError(
            f"teacher.kind is {recipe.teacher.kind}: a file cannot judge edited functions; leave out --edit-teacher"
        )
    return load_teacher(recipe)


def load_for(bundle: str, recipe: Recipe) -> AnyPredictor:
    """A bundle that answers the recipe's question.

    Raises:
        BundleError: it cannot be read.
        InputError: it is for another task.
    """
    predictor = load(bundle)
    theirs, ours = predictor.task, recipe.task
    if (theirs.unit, theirs.labels, theirs.kind) != (ours.unit, ours.labels, ours.kind):
        raise InputError(
            f"{bundle} is for task {predictor.task.name!r} with labels {list(predictor.task.labels)}, "
            f"the recipe's task is {recipe.task.name!r} with labels {list(recipe.task.labels)}"
        )
    return predictor
