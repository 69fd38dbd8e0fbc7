"""What a run came to, in sentences that claim no more than its figures show."""

from codewren.measure.estimate import Measure
from codewren.measure.intervals import Comparison
from codewren.report.draw.svg import byte_text, second_text
from codewren.report.facts import ModelFacts, RunFacts

ALPHA = 0.05


def verdict(facts: RunFacts) -> list[str]:
    """Size, effectiveness against chance and against the teacher, speed: one sentence each, or what to run."""
    return [_size(facts), *_effectiveness(facts), *_against_teacher(facts), _speed(facts)]


def compared(first: str, second: str, result: Comparison, *, alpha: float = ALPHA) -> str:
    """One sentence on a paired test of two models on the same items; `alpha` is what p must stay below."""
    d, p = result.difference, result.p_value
    counts = f"{result.only_first_right:,} items only {first} has right, {result.only_second_right:,} only {second}"
    sentence = f"{points(d)} of accuracy, exact McNemar p = {p:.2g}; {counts}"
    if p < alpha:
        better = "better" if d.value > 0 else "worse"
        return f"{first} against {second}: {sentence}. It is {better}, and that is a real difference."
    worst = f"a loss of up to {-100 * d.low:.1f} points is not excluded" if d.low < 0 else "no loss is to be expected"
    return f"{first} against {second}: {sentence}. Within noise: no difference was shown, but {worst}."


def points(difference: Measure) -> str:
    """A difference of shares in percentage points with its interval.

    >>> points(Measure("accuracy difference", 0.0029, -0.0128, 0.0194, 2732))
    '+0.29 points [-1.28, +1.94]'
    """
    value, low, high = (100 * end for end in (difference.value, difference.low, difference.high))
    return f"{value:+.2f} points [{low:+.2f}, {high:+.2f}]"


def ratio_of(large: float | None, small: float | None) -> float | None:
    """How many times smaller or faster, where both are known."""
    return large / small if large and small else None


def times_faster(facts: RunFacts) -> float | None:
    """How many times faster than its teacher the student is, if one session timed both."""
    student, teacher = facts.student, facts.teacher
    if teacher is None or student.latency_s is None or teacher.latency_s is None:
        return None
    same = student.timed_in == teacher.timed_in
    return ratio_of(teacher.latency_s.value, student.latency_s.value) if same else None


def _size(facts: RunFacts) -> str:
    student, teacher = facts.student, facts.teacher
    if student.size_bytes is None:
        return f"{student.name}: no bundle yet; {facts.missing.get('bundle', 'run codewren export')}."
    sentence = f"One file of {student.size_bytes:,} bytes ({byte_text(student.size_bytes)}), tokenizer and all"
    times = ratio_of(teacher.size_bytes if teacher else None, student.size_bytes)
    return sentence + ("." if times is None or teacher is None else f", {times:,.0f} times smaller than its teacher.")


def _effectiveness(facts: RunFacts) -> list[str]:
    accuracy = facts.student.measures.get("accuracy")
    if accuracy is None:
        return [f"Effectiveness is not measured: {facts.missing.get('effectiveness', 'run codewren evaluate')}."]
    sentence = f"Accuracy {accuracy} on {accuracy.n:,} items of the {facts.split} split"
    if facts.majority is None:
        return [sentence + "."]
    above = accuracy.low > facts.majority
    verb = "which is above" if above else "which is not shown to be above"
    lines = [f"{sentence}, {verb} what always answering the commonest label reaches ({facts.majority:.4f})."]
    if facts.imbalanced:
        lines.append(f"The labels are imbalanced, so accuracy says little here: {_rare(facts.student)}.")
    return lines


def _rare(model: ModelFacts) -> str:
    figures = [f"{name.upper()} {model.measures[name]}" for name in ("f1", "mcc", "auc") if name in model.measures]
    return ", ".join(figures) or "read F1, MCC and AUC"


def _against_teacher(facts: RunFacts) -> list[str]:
    if facts.teacher is None:
        return [f"The teacher is not compared: {facts.missing['teacher']}."] if "teacher" in facts.missing else []
    names = (facts.student.name, facts.teacher.name)
    comparison = next((c for a, b, c in facts.comparisons if (a, b) == names), None)
    if comparison is None:
        why = facts.missing.get("comparison", "run codewren evaluate with the data at hand")
        return [f"No paired test against the teacher: {why}."]
    return [compared(names[0], names[1], comparison)]


def _speed(facts: RunFacts) -> str:
    student = facts.student
    if student.latency_s is None:
        return f"Speed is not measured: {facts.missing.get('latency', 'run codewren bench')}."
    sentence = f"{second_text(student.latency_s.value)} for one item (median, one thread)"
    times = times_faster(facts)
    return sentence + ("." if times is None else f", {times:,.0f} times faster than the teacher in the same session.")
