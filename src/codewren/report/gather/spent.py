"""What the stages of a run took, as `energy.json` keeps it, for the report."""

from collections.abc import Sequence
from pathlib import Path

from codewren.measure.energy.carbon import J_A_KWH
from codewren.measure.energy.stage import StageEnergy, read_stages
from codewren.report.facts import Table

HEADER = ("stage", "joules", "kWh", "processor seconds", "meter")


def spent_table(path: Path) -> list[Table]:
    """A line a stage, calls of the same stage added up; no file is no table.

    Raises:
        InputError: the file is malformed.
    """
    stages: dict[str, list[StageEnergy]] = {}
    for stage, energy in read_stages(path):
        stages.setdefault(stage, []).append(energy)
    if not stages:
        return []
    rows = [_row(stage, calls) for stage, calls in stages.items()]
    total = sum(call.joules for calls in stages.values() for call in calls)
    rows.append(("all", f"{total:,.0f}", f"{total / J_A_KWH:.3g}", "", ""))
    return [Table("latency", "Energy spent on making it", HEADER, tuple(rows), "Modelled figures name their factor.")]


def _row(stage: str, calls: Sequence[StageEnergy]) -> tuple[str, ...]:
    joules = sum(call.joules for call in calls)
    seconds = sum(call.processor_s for call in calls)
    meters = dict.fromkeys(_meter(call) for call in calls)
    return stage, f"{joules:,.0f}", f"{joules / J_A_KWH:.3g}", f"{seconds:,.0f}", "; ".join(meters)


def _meter(energy: StageEnergy) -> str:
    return energy.meter + (f" (a factor of {energy.factor:g} either way)" if energy.factor > 1 else "")
