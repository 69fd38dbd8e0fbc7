"""What `codewren evaluate --edits --json` found, for the report; the schema stands in `compress/flips.py`."""

from pathlib import Path

from codewren.core.errors import InputError
from codewren.report.facts import Table
from codewren.report.reading import Fields

EDITS = {
    "rename": "other names for parameters and variables",
    "rename_left": "other names in the left function only",
    "reformat": "another layout",
    "comments": "comments removed",
    "dead_code": "a statement that does nothing",
}


def fidelity_tables(path: Path, *, student: str) -> list[Table]:
    """Tables of flips and of the worst slices; no file is no table.

    Raises:
        InputError: the file holds no fidelity, or is malformed.
    """
    fields = Fields.read(path)
    if fields is None:
        return []
    if not fields.has("fidelity"):
        raise InputError(f"{path}: holds no fidelity; write it again with codewren evaluate --edits --json {path}")
    found = fields.within("fidelity")
    return [_flips(found, student), *_kappa(found, student), *_slices(found)]


def _flips(found: Fields, student: str) -> Table:
    """One line an edit: the student, then whoever was asked for beside it, with the paired test."""
    rivals = [(name, found.within(name)) for name in ("teacher", "versus") if found.has(name)]
    names = [one.text("bundle").rsplit("/", 1)[-1] if name == "versus" else name for name, one in rivals]
    header = ["edit", student, *(part for name in names for part in (name, f"p, {student} or {name} flips more"))]
    mine = found.within("flips")
    rows = []
    for edit in mine.raw:
        cells = [EDITS.get(edit, edit), _rate(mine.within(edit))]
        for _, rival in rivals:
            flips, tests = rival.within("flips"), rival.within("tests")
            cells.append(_rate(flips.within(edit)) if flips.has(edit) else "–")
            cells.append(f"{tests.within(edit).number('p_value'):.2g}" if tests.has(edit) else "–")
        rows.append(tuple(cells))
    note = "Share of the edited items whose predicted label changes though the code means the same; 0 is best."
    gap = "" if rivals else " The teacher's flips were not asked for: they would say what the student inherited."
    return Table("fidelity", "Flips under edits that keep the meaning", tuple(header), tuple(rows), note + gap)


def _rate(one: Fields) -> str:
    rate = one.measure_of("rate", n="edited")
    return f"{one.count('flipped'):,} of {rate.n:,}, {rate}"


def _kappa(found: Fields, student: str) -> list[Table]:
    if not found.has("kappa"):
        return []
    row = ("agreement beyond chance (Cohen's kappa)", str(found.measure("kappa")))
    return [Table("fidelity", "Agreement with the teacher", ("figure", student), (row,))]


def _slices(found: Fields) -> list[Table]:
    rows = []
    for one in found.each("slices"):
        share = one.measure_of("accuracy", n="n")
        rows.append((f"{one.text('by')} {one.text('name')}", f"{share.n:,}", str(share), f"{one.number('rest'):.4f}"))
    note = "Worst first. A slice whose brackets hold the figure of the rest is not shown to be worse."
    header = ("slice", "items", "accuracy", "accuracy of the rest")
    return [Table("items", "Slices by length and project", header, tuple(rows), note)] if rows else []
