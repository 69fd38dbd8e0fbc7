"""What a bundle's numbers were measured to be worth, in words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from codewren.core.task import Task

_WHAT = "a reading order, no verdict (its first 20: --threshold 0 --top 20)"
_FIGURES = {"review_auc": "review first", "lines_auc": "number of lines", "suspicion_auc": "suspicion"}


def reading_order_remark(scores: Mapping[str, Any]) -> str:
    """A sentence of a scan whose model ranks functions by what to review first; `scores` are those of its manifest.

    >>> reading_order_remark({"reveal": {"review_auc": 0.8557, "lines_auc": 0.7335}}).partition("; ")[2]
    'AUC on reveal: review first 0.86, number of lines 0.73'
    """
    measured = "; ".join(_measured(scores))
    return f"{_WHAT}; AUC {measured}" if measured else f"{_WHAT}; not measured"


def untrained_remark(task: Task, languages: Collection[str]) -> str:
    """A warning where functions are judged whose language the model has never seen; else empty."""
    other = sorted({*languages} - {task.language})
    if not task.language or not other:
        return ""
    return (
        f"WARNING: the model was trained for {task.language} alone; what it says of {' and '.join(other)} "
        "is a guess that no test has measured"
    )


def _measured(scores: Mapping[str, Any]) -> Iterator[str]:
    for source, values in scores.items():
        figures = {name: values.get(name) for name in _FIGURES} if isinstance(values, Mapping) else {}
        if isinstance(figures.get("review_auc"), float):
            texts = [f"{_FIGURES[name]} {value:.2f}" for name, value in figures.items() if isinstance(value, float)]
            yield f"on {source}: {', '.join(texts)}"
