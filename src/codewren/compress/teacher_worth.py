"""Whether the teacher is better than words: a student of a worse one learns its mistakes, and hides them."""

from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.compress.words_baseline import words_quality
from codewren.core.run_folder import LOGITS, TEACHER_WORTH
from codewren.measure.intervals import Measure
from codewren.measure.quality import Quality
from codewren.measure.task_quality import logits_quality

COMPARED = (("auc", "AUC"), ("accuracy", "accuracy"))
"""The first that both have; the area needs no threshold, and rare labels do not flatter it."""


def report_teacher_worth(run: Run) -> None:
    """Warn where words alone judge the validation split better than the teacher, before anything is trained."""
    words = words_quality(run)
    judged = run.path(LOGITS.format(split="valid")).exists() and words is not None
    teacher = logits_quality(run.logits("valid"), run.dataset("valid")) if judged else None
    warn(run, TEACHER_WORTH, [] if words is None or teacher is None else teacher_worth(teacher, words))


def teacher_worth(teacher: Quality, words: Quality) -> list[str]:
    """One line where words are better than the teacher beyond both intervals, else none."""
    for name, shown in COMPARED:
        theirs, own = _measure(teacher, name), _measure(words, name)
        if theirs is not None and own is not None:
            better = own.low > theirs.high
            return [_line(shown, theirs, own)] if better else []
    return []


def _measure(quality: Quality, name: str) -> Measure | None:
    return next((measure for measure in quality.measures if measure.name == name), None)


def _line(shown: str, teacher: Measure, words: Measure) -> str:
    return (
        f"words alone reach {shown} {words.value:.3f} on valid, the teacher {teacher.value:.3f}: check the teacher; "
        "its student can hardly be better (too little trained, fed in another form, or of another task)"
    )
