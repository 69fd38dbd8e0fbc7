"""Which functions are findings, and with which label."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codewren.core.errors import InputError, nearest
from codewren.core.task import Kind, Task, Unit
from codewren.predict.checked_items import alarm_probability, is_alarm
from codewren.scan.record import Record, keeps_rows
from codewren.scan.result import ScanOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codewren.predict.predictor import AnyPredictor


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """When a function is a finding of one label.

    Attributes:
        task: with that label as its positive one.
        threshold: the probability to exceed; None where the largest of several labels wins.
    """

    task: Task
    threshold: float | None

    @property
    def label(self) -> str:
        """The label of its findings."""
        return self.task.positive

    def probability(self, record: Record, index: int) -> float:
        """The probability of the label; of an order of it or one beyond."""
        row = record.row(index)
        return row[0] if len(row) == 1 else alarm_probability(row, self.task)

    def is_alarm(self, record: Record, index: int, limit: float | None = None) -> bool:
        """Whether a function is a finding; `limit` takes the place of the threshold."""
        threshold = self.threshold if limit is None else limit
        if threshold is not None:
            return self.probability(record, index) > threshold
        row = record.row(index)
        return record.wins(index) if len(row) == 1 else is_alarm(row, self.task)


def alarm_rules(predictor: "AnyPredictor", options: ScanOptions) -> tuple[AlarmRule, ...]:
    """One rule for each label that the options name, in the task's order; by default for the positive one.

    Raises:
        InputError: the task has no such label, or no findings of others than the positive one.
    """
    task = predictor.task
    for name in options.labels:
        if name not in task.labels:
            raise InputError(f"label {name!r} is not one of the model's; {nearest(name, task.labels)}")
        if name != task.positive and (task.unit is Unit.PAIR or not keeps_rows(task)):
            raise InputError(f"label {name!r}: a scan with this model reports {task.positive!r} only; leave it out")
    wanted = options.labels or (task.positive,)
    labels = [name for name in task.labels if name in wanted]
    return tuple(AlarmRule(replace(task, positive=name), _threshold(predictor, options, name)) for name in labels)


def alarms(rules: "Sequence[AlarmRule]", record: Record, index: int, limit: float | None) -> list[AlarmRule]:
    """The rules by which a function is a finding; of an order the last one alone."""
    reached = [rule for rule in rules if rule.is_alarm(record, index, limit)]
    return reached[-1:] if rules[0].task.kind is Kind.ORDINAL else reached


def alert_threshold(predictor: "AnyPredictor", options: ScanOptions) -> float | None:
    """The probability that findings of the positive label exceed; None where the largest of several labels wins."""
    return _threshold(predictor, options, predictor.task.positive)


def _threshold(predictor: "AnyPredictor", options: ScanOptions, label: str) -> float | None:
    task, decision = predictor.task, predictor.bundle.decision
    if options.threshold is not None or not task.has_threshold:
        return options.threshold
    if label == task.positive and decision.alert_threshold is not None:
        return decision.alert_threshold
    own = decision.thresholds[task.labels.index(label)] if task.is_multi_label and decision.thresholds else None
    return decision.threshold if own is None else own
