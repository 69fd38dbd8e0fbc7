"""Findings as one comment of a pull request: a table, with the lines that differ folded below it.

Texts of a stranger's repository stand in code spans and fences only, where nothing is markup and nobody is mentioned.
"""

import re
from collections.abc import Iterator

from codewren.core.files import unicode_path
from codewren.scan.finding import Finding, Location
from codewren.scan.formats.origin import Origin, printable
from codewren.scan.formats.wording import sentences
from codewren.scan.result import ScanResult

LONGEST = 65_536  # characters of a comment on GitHub; docs.github.com, REST API, issue comments
MOST_ROWS, MOST_PLACES = 100, 5
_FOOT_CHARACTERS = 400


def render(result: ScanResult, origin: Origin) -> str:
    """The comment; its first line, which is not shown, names it for those who look for it to write it anew."""
    head = [f"<!-- codewren {re.sub('[^a-z0-9-]', '', result.task.name)} -->", f"### codewren: {_title(result)}", ""]
    foot = ["", f"<sub>{_span(origin.model)}, codewren {origin.version}</sub>", ""]
    head += [f"> **Incomplete scan, no verdict:** {_span(gap)}" for gap in result.gaps[:10]]
    room = LONGEST - _FOOT_CHARACTERS - sum(len(line) + 1 for line in (*head, *foot))
    rows, details = list[str](), list[str]()
    for finding in result.findings[:MOST_ROWS]:
        row, detail = _row(finding, labelled=len(result.labels) > 1), _detail(finding)
        if len(row) + 1 > room:
            break
        room -= len(row) + 1
        rows.append(row)
        if len(detail) + 1 <= room:
            room -= len(detail) + 1
            details.append(detail)
    left_out = len(result.findings) + len(result.unshown) - len(rows)
    note = [f"\n{left_out} more are left out."] if left_out else []
    return "\n".join([*head, *(_table_head(result) if rows else []), *rows, "", *details, *note, *foot])


def _title(result: ScanResult) -> str:
    is_pair = any(finding.others for finding in result.findings) or result.task.functions_per_item == 2
    label = _span(result.judged)
    noun = "class of clones" if is_pair else f"function judged {label}"
    nouns = "classes of clones" if is_pair else f"functions judged {label}"
    count = len(result.findings) + len(result.unshown)
    text = f"no {noun}" if not count else f"{count} {noun if count == 1 else nouns}"
    return text if result.revision is None else f"{text} in what changed since {_span(result.revision)}"


def _table_head(result: ScanResult) -> list[str]:
    if any(finding.others for finding in result.findings):
        return ["| kind | lines to save | places |", "|---|---:|---|"]
    return ["| probability | function | place |", "|---:|---|---|"]


def _row(finding: Finding, *, labelled: bool) -> str:
    if not finding.others:
        label = f"{_span(finding.label)} " if labelled else ""
        cells = [f"{label}{finding.probability:.2f}", _span(finding.location.name), _where(finding.location)]
    else:
        shown = [f"{_where(one)} {_span(one.name)}" for one in finding.locations[:MOST_PLACES]]
        more = len(finding.locations) - MOST_PLACES
        places = "<br>".join([*shown, f"and {more} more"] if more > 0 else shown)
        cells = [str(finding.kind), str(finding.saved_lines), places]
    return f"| {' | '.join(cells)} |"


def _detail(finding: Finding) -> str:
    """What differs in the first copy that differs, or what speaks for the finding; empty where there is nothing."""
    lines = list(_telling_lines(finding))
    if not lines:
        return ""
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", "\n".join(lines))), 3)
    summary = f"<details><summary>{_html(finding.location)}</summary>"
    return "\n".join([summary, "", f"{fence}diff", *lines, fence, "</details>", ""])


def _telling_lines(finding: Finding) -> Iterator[str]:
    for location in finding.others:
        if location.differences and location.differences.shown:
            yield f"# {printable(location.path)}:{location.line_text} {printable(location.name)}"
            yield from (printable(line) for line in location.differences.shown)
            return
    for line in (finding.explanation and finding.explanation.lines) or ():
        yield f"{line.line:5} {line.weight} {printable(line.text)}"
    yield from (f"# {printable(sentence)}" for sentence in sentences(finding.explanation))


def _where(location: Location) -> str:
    return _span(f"{unicode_path(location.path)}:{location.line_text}")


def _html(location: Location) -> str:
    """A place where no Markdown is read."""
    text = f"{printable(location.path)}:{location.line_text}"
    return "<code>" + "".join(f"&#{ord(c)};" if c in "&<>\"'`@#*_[]!|\\~$:" else c for c in text) + "</code>"


def _span(text: str) -> str:
    """A text as a code span that holds in a table: no line break, no bar that would end the cell."""
    shown = printable(text)[:300].replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if len(ticks) > 1 or shown.startswith(" ") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}" if shown else "` `"
