"""What the stages of a run took, as `energy.json` keeps it, for the report."""

from pathlib import Path

from codewren.report.facts import Table
from codewren.report.reading import Fields

HEADER = ("stage", "joules", "kWh", "processor seconds", "meter")


def spent_table(path: Path) -> list[Table]:
    """A line a stage, calls of the same stage added up; no file is no table.

    Raises:
        InputError: the file is malformed.
    """
    fields = Fields.read(path)
    if fields is None:
        return []
    stages: dict[str, list[Fields]] = {}
    for one in fields.each("stages"):
        stages.setdefault(one.text("stage"), []).append(one)
    rows = [_row(stage, calls) for stage, calls in stages.items()]
    total = fields.number("joules")
    rows.append(("all", f"{total:,.0f}", f"{total / 3.6e6:.3g}", "", ""))
    return [Table("latency", "Energy spent on making it", HEADER, tuple(rows), "Modelled figures name their factor.")]


def _row(stage: str, calls: list[Fields]) -> tuple[str, ...]:
    joules = sum(one.number("joules") for one in calls)
    seconds = sum(one.number("processor_s") for one in calls)
    meters = dict.fromkeys(_meter(one) for one in calls)
    return stage, f"{joules:,.0f}", f"{joules / 3.6e6:.3g}", f"{seconds:,.0f}", "; ".join(meters)


def _meter(one: Fields) -> str:
    factor = one.number("factor")
    return one.text("meter") + (f" (a factor of {factor:g} either way)" if factor > 1 else "")
