"""What `codewren evaluate --edits --json` found, for the report."""

from pathlib import Path

from codewren.report.facts import Table


def fidelity_tables(path: Path) -> list[Table]:
    """Tables of flips and slices; no file is no table."""
    return []
