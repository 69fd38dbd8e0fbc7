"""What `codewren evaluate --edits --json` measured, for the report; the schema stands in `compress/flips.py`."""

from pathlib import Path

from codewren.core.errors import InputError
from codewren.measure.fidelity import FlipRate, Slice
from codewren.measure.fields import Fields
from codewren.measure.intervals import PairedTest
from codewren.report.facts import Table
from codewren.report.gather.robustness_tables import robustness_tables

EDITS = {
    "rename": "other names for parameters and variables",
    "rename_left": "other names in the left function only",
    "reformat": "another layout",
    "comments": "comments removed",
    "dead_code": "a statement that does nothing",
}


def fidelity_tables(path: Path, *, student: str) -> list[Table]:
    """Tables of flips, of what else was measured of the same kind, and of the worst slices; no file is no table.

    Raises:
        InputError: the file holds no fidelity, or is malformed.
    """
    fields = Fields.read(path)
    if fields is None:
        return []
    if not fields.has("fidelity"):
        raise InputError(f"{path}: holds no fidelity; write it again with codewren evaluate --edits --json {path}")
    fidelity = fields.within("fidelity")
    further = robustness_tables(fields, student=student)
    return [_flips(fidelity, student), *_kappa(fidelity, student), *further, *_slices(fidelity)]


def _flips(fidelity: Fields, student: str) -> Table:
    """One line an edit: the student, then whoever was asked for beside it, with the paired test."""
    rivals = [(name, fidelity.within(name)) for name in ("teacher", "versus") if fidelity.has(name)]
    names = [raw.text("bundle").rsplit("/", 1)[-1] if name == "versus" else name for name, raw in rivals]
    header = ["edit", student, *(column for name in names for column in (name, f"p, {student} or {name} flips more"))]
    own = fidelity.within("flips")
    rows = []
    for edit in own.raw:
        cells = [EDITS.get(edit, edit), _rate(own.within(edit))]
        for _, rival in rivals:
            flips, tests = rival.within("flips"), rival.within("tests")
            cells.append(_rate(flips.within(edit)) if flips.has(edit) else "–")
            cells.append(f"{PairedTest.from_dict(tests.within(edit)).p_value:.2g}" if tests.has(edit) else "–")
        rows.append(tuple(cells))
    note = "Share of the edited items whose predicted label changes though the code means the same; 0 is best."
    gap = "" if rivals else " The teacher's flips were not asked for: they would say what the student inherited."
    return Table("fidelity", "Flips under edits that keep the meaning", tuple(header), tuple(rows), note + gap)


def _rate(raw: Fields) -> str:
    flips = FlipRate.from_dict(raw)
    return f"{flips.flipped:,} of {flips.rate.n:,}, {flips.rate}"


def _kappa(fidelity: Fields, student: str) -> list[Table]:
    if not fidelity.has("kappa"):
        return []
    row = ("agreement beyond chance (Cohen's kappa)", str(fidelity.measure("kappa")))
    return [Table("fidelity", "Agreement with the teacher", ("figure", student), (row,))]


def _slices(fidelity: Fields) -> list[Table]:
    slices = [Slice.from_dict(raw) for raw in fidelity.each("slices")]
    rows = [
        (f"{piece.by} {piece.name}", f"{piece.accuracy.n:,}", str(piece.accuracy), f"{piece.elsewhere:.4f}")
        for piece in slices
    ]
    note = "Worst first. A slice whose brackets hold the figure of the rest is not shown to be worse."
    header = ("slice", "items", "accuracy", "accuracy of the rest")
    return [Table("items", "Slices by length and project", header, tuple(rows), note)] if rows else []
