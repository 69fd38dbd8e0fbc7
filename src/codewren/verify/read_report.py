"""Read a report of another tool, whichever it is: a file is data from a stranger."""

import json
import sys
from pathlib import Path

from codewren.core.errors import InputError
from codewren.verify.csv_reports import read_csv
from codewren.verify.json_reports import is_jscpd, is_semgrep, read_jscpd, read_semgrep
from codewren.verify.reported import Report
from codewren.verify.sarif_reports import read_sarif
from codewren.verify.xml_reports import read_xml

LARGEST_REPORT_BYTES = 100_000_000


def read_report(path: Path) -> Report:
    """Read a report: SARIF, JSON of semgrep or jscpd, XML of cppcheck or PMD CPD, CSV of flawfinder or PMD CPD.

    Raises:
        InputError: it cannot be read, or is none of these.
    """
    try:
        content = sys.stdin.buffer.read(LARGEST_REPORT_BYTES + 1) if str(path) == "-" else _content(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return _parsed(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LARGEST_REPORT_BYTES + 1)


def _parsed(content: bytes) -> Report:
    if len(content) > LARGEST_REPORT_BYTES:
        raise InputError(f"larger than {LARGEST_REPORT_BYTES:,} bytes; split the report")
    start = content[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return read_xml(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8") from None
    return _parsed_json(text) if start in {b"{", b"["} else read_csv(text)


def _parsed_json(text: str) -> Report:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the report is no JSON: {str(error)[:200]}") from None
    if isinstance(value, dict):
        if "runs" in value:
            return read_sarif(value)
        if is_semgrep(value):
            return read_semgrep(value)
        if is_jscpd(value):
            return read_jscpd(value)
    raise InputError("JSON, but neither SARIF nor of semgrep or jscpd; ask the tool for SARIF")
