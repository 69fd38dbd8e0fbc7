"""Reports in the CSV of flawfinder and of PMD CPD."""

import csv
import io
from collections.abc import Iterable, Sequence

from codewren.core.errors import InputError
from codewren.verify.reported import Report, Reported, check_count, number_of, place_of, text_of

_FLAWFINDER = ("File", "Line", "Level", "Name", "Warning")
_STOPPED = "Error: encoding error in "  # flawfinder ends with it where one file is not UTF-8, and reports nothing
_CPD = ["lines", "tokens", "occurrences"]
_HIGHEST_LEVEL = 5  # of flawfinder
_ALL_TOKENS = 1_000  # a copy of so many counts in full


def read_csv(text: str) -> Report:
    """Read a CSV report.

    Raises:
        InputError: no CSV, or of no tool that is known.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(rows, [])
        _check_end(header)
        if header == _CPD:
            return _read_cpd(rows)
        if not set(_FLAWFINDER) <= set(header):
            raise InputError(
                "the report is neither SARIF, nor JSON of semgrep or jscpd, XML of cppcheck or PMD CPD, CSV of "
                "flawfinder or PMD CPD; ask the tool for one of these"
            )
        return _read_flawfinder(header, rows)
    except csv.Error as error:
        raise InputError(f"the report is no CSV: {error}") from None


def _read_flawfinder(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Report:
    findings, left_out = list[Reported](), 0
    for row in rows:
        check_count(len(findings))
        _check_end(row)
        cells = dict(zip(header, row, strict=False))
        place = place_of(cells.get("File"), cells.get("Line"))
        if place is None:
            left_out += 1
            continue
        level = number_of(cells.get("Level"))
        rule = "/".join(filter(None, (text_of(cells.get("Category")), text_of(cells.get("Name")))))
        findings.append(
            Reported(
                "flawfinder",
                text_of(cells.get("RuleId")) or rule,
                f"level {level}",
                min(level, _HIGHEST_LEVEL) / _HIGHEST_LEVEL,
                f"{rule}: {text_of(cells.get('Warning'))}",
                text_of(cells.get("Fingerprint")),
                (place,),
            )
        )
    return Report("flawfinder CSV", tuple(findings), left_out)


def _check_end(row: Sequence[str]) -> None:
    """Refuse the message that flawfinder writes into a report in place of all findings.

    Raises:
        InputError: it is that message.
    """
    if row and row[0].startswith(_STOPPED):
        raise InputError(
            f"flawfinder stopped at {row[0].removeprefix(_STOPPED)!r}, which is not UTF-8, and the report holds no "
            "findings of any file; run it again as PYTHONUTF8=0 LC_ALL=C.ISO-8859-1 flawfinder ..."
        )


def _read_cpd(rows: Iterable[Sequence[str]]) -> Report:
    """Rows of lines, tokens and number of occurrences, then first line and path of each occurrence."""
    findings, left_out = list[Reported](), 0
    for row in rows:
        check_count(len(findings))
        lines, tokens = (number_of(cell) for cell in (*row[:2], *([""] * (2 - len(row[:2])))))
        pairs = zip(row[3::2], row[4::2], strict=False)
        places = [place_of(path, start, number_of(start) + lines - 1) for start, path in pairs]
        known = tuple(place for place in places if place)
        if len(known) < 2:
            left_out += 1
            continue
        message = f"{tokens} tokens are there {len(known)} times"
        weight = min(1.0, tokens / _ALL_TOKENS)
        findings.append(
            Reported("PMD CPD", "duplicate", f"{tokens} tokens", weight, message, "", known, is_duplicate=True)
        )
    return Report("PMD CPD CSV", tuple(findings), left_out)
