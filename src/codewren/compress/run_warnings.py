"""What a maker must not learn later: lines on stderr, and kept with the run as `warnings.json`."""

import sys

from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.run_folder import WARNINGS


def warnings(run: Run) -> list[str]:
    """All that the run's stages have warned of."""
    path = run.path(WARNINGS)
    return [line for lines in read_json(path).values() for line in lines] if path.exists() else []


def warn(run: Run, stage: str, lines: list[str]) -> None:
    """Print a stage's warnings and keep them; what the stage warned of in an earlier call is forgotten."""
    path = run.path(WARNINGS)
    known = read_json(path) if path.exists() else {}
    if lines or stage in known:
        write_json(path, {**{name: earlier for name, earlier in known.items() if name != stage}, stage: lines})
    if not run.quiet:
        for line in lines:
            print(f"warning: {line}", file=sys.stderr)
