"""Stage: whether labels can be read from layout; leaves `layout.json` and `layout.md`."""

from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.core.files import write_bytes, write_json
from codewren.core.run_folder import LAYOUT, LAYOUT_TABLE
from codewren.data.layout_leaks import FROM_LENGTH, LayoutReport, layout_report
from codewren.data.load import SPLITS
from codewren.report.table import markdown


def report_layout(run: Run) -> None:
    """Write what layout says of the labels of each split; a warning a line on stderr where it betrays them."""
    reports = [layout_report(run.dataset(split)) for split in SPLITS if run.has(split)]
    known = [report for report in reports if report is not None]
    write_json(run.path(LAYOUT), [report.to_dict() for report in known])
    tables = [f"{report.split}:\n\n{markdown(report.rows())}\n" for report in known]
    write_bytes(run.path(LAYOUT_TABLE), "\n".join(tables).encode())
    warn(run, "layout", _once(known))


def _once(reports: list[LayoutReport]) -> list[str]:
    """Each trait's warning for the first split in which it betrays labels: the others tend to say the same."""
    first: dict[str, str] = {}
    for report in reports:
        for trait in report.traits:
            if trait.betrays:
                first.setdefault(trait.name, f"{report.split}: {trait.warning()}")
        for line in report.warnings():
            if line.startswith(FROM_LENGTH):
                first.setdefault(FROM_LENGTH, f"{report.split}: {line}")
    return list(first.values())
