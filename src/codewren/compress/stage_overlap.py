"""Stage: what the splits share, written down and warned about."""

import sys

from codewren.compress.run import Run
from codewren.core.files import write_json
from codewren.core.run_folder import OVERLAP
from codewren.data.load import SPLITS
from codewren.data.overlap import overlap_report


def report_overlap(run: Run) -> None:
    """Write `overlap.json`; one warning a line on stderr."""
    report = overlap_report([run.dataset(split) for split in SPLITS if run.has(split)])
    write_json(run.path(OVERLAP), report.to_dict())
    if not run.quiet:
        for warning in report.warnings():
            print(f"warning: {warning}", file=sys.stderr)
