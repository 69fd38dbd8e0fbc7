"""How far the words agree with judgements that answer where nobody judged: a student copies them, right or wrong."""

import sys
from dataclasses import asdict
from typing import Any

from codewren.compress.run import Run
from codewren.compress.run_warnings import warn
from codewren.core.files import read_json, write_json
from codewren.core.run_folder import SPREAD
from codewren.measure.intervals import clopper_pearson
from codewren.train.teachers.spread import Spread, SpreadTeacher
from codewren.train.teachers.teacher import Teacher


def report_spread(run: Run, teacher: Teacher) -> None:
    """Say on stderr and in `spread.json` what words answer, and what they are worth; warn where that is nothing."""
    if not isinstance(teacher, SpreadTeacher) or not teacher.spreads:
        warn(run, "spread", [])
        return
    path, key = run.path(SPREAD), teacher.sha256
    known: dict[str, Any] = read_json(path) if path.exists() else {}
    if known.get("key") != key:
        known = {"key": key, **asdict(teacher.spread(quiet=run.quiet))}
        write_json(path, known)
    shares = {split: (items, answered) for split, (items, answered) in known["shares"].items()}
    spread = Spread(**{name: known[name] for name in Spread.__dataclass_fields__} | {"shares": shares})
    if not run.quiet:
        for line in spread_lines(spread):
            print(line, file=sys.stderr)
    warn(run, "spread", spread_warnings(spread, left_out=teacher.left_out))


def spread_lines(spread: Spread) -> list[str]:
    """What was learnt, by whom it is answered, and how far both agree."""
    lines = []
    same, pairs = spread.agreement
    if pairs:
        lines.append(f"judges agree with each other in {same / pairs:.2f} of {pairs:,} pairs of sure judgements")
    answered = ", ".join(f"{count:,} of {items:,} items of {split}" for split, (items, count) in spread.shares.items())
    low, high = clopper_pearson(spread.hits, spread.of)
    lines.append(f"spread: words that learnt {spread.judged:,} sure judgements answer {answered}")
    lines.append(
        f"spread: in cross-validation they agree with the judgements in {spread.hits / spread.of:.2f} "
        f"[{low:.2f}, {high:.2f}], the commonest answer in {spread.common / spread.of:.2f}"
    )
    return lines


def spread_warnings(spread: Spread, *, left_out: list[str]) -> list[str]:
    """Where words are no better than the commonest answer, and where judgements are not learnt from."""
    warnings = []
    if clopper_pearson(spread.hits, spread.of)[0] <= spread.common / spread.of:
        warnings.append(
            f"words agree with the judgements in {spread.hits / spread.of:.3f}, the commonest answer in "
            f"{spread.common / spread.of:.3f}: what they say of unjudged items may mean nothing; judge more items, or "
            "set teacher.spread = false and learn from judged ones only"
        )
    warnings += [
        f"{split} is judged, and the student does not learn from it: add {split!r} to distil.train_on"
        for split in left_out
    ]
    return warnings
