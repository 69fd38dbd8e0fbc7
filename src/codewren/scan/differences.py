"""The lines in which the members of a class of clones differ from its first one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from codewren.predict.correspondence import LineRange, corresponding_lines
from codewren.scan.finding import CloneKind, Differences, Finding, Location
from codewren.scan.source_lines import line_reader
from codewren.syntax.file_names import language_of

MOST_SHOWN = 3  # of each side
MOST_COMPARED = 20  # members of one class
LONGEST_LINE = 100


def with_differences(findings: Sequence[Finding], *, correspond: bool = False) -> list[Finding]:
    """The findings; locations of clones that are no exact copies say in which lines they differ.

    With `correspond` they also say which lines correspond.
    """
    read = line_reader()

    def lines(location: Location) -> list[str]:
        return [" ".join(line.split()) for line in read(location)]

    compared = [_compared(one, lines(one.location), lines) if one.others else one for one in findings]
    return [_corresponding(one, lines) if one.others and correspond else one for one in compared]


def _compared(finding: Finding, first: list[str], lines: Callable[[Location], list[str]]) -> Finding:
    others = [
        replace(location, differences=differences(first, lines(location)))
        if location.kind is not CloneKind.EXACT and number < MOST_COMPARED
        else location
        for number, location in enumerate(finding.others)
    ]
    return replace(finding, others=tuple(others))


def _corresponding(finding: Finding, lines: Callable[[Location], list[str]]) -> Finding:
    first = "\n".join(lines(finding.location))
    others = [
        replace(location, correspondence=_in_files(finding.location, location, first, "\n".join(lines(location))))
        if number < MOST_COMPARED
        else location
        for number, location in enumerate(finding.others)
    ]
    return replace(finding, others=tuple(others))


def _in_files(first: Location, second: Location, first_text: str, second_text: str) -> tuple[LineRange, ...]:
    """Lines that correspond, counted in their files; those of one language are read as such."""
    language, other = (language_of(location.path, ()) or "" for location in (first, second))
    ranges = corresponding_lines(first_text, second_text, language if language == other else "")
    ours, theirs = first.start_line - 1, second.start_line - 1
    return tuple(LineRange(one.first + ours, one.second + theirs, one.lines, one.relation) for one in ranges)


def differences(first: Sequence[str], second: Sequence[str]) -> Differences:
    """How two texts differ; lines that hold nothing but a bracket do not count.

    >>> differences(["int f() {", "a();", "b();", "}"], ["int f() {", "a();", "c();", "}"])
    Differences(lines=1, shown=('- b();', '+ c();'))
    """
    from difflib import SequenceMatcher

    removed, added = list[str](), list[str]()
    for tag, i, j, k, m in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += _telling(first[i:j])
            added += _telling(second[k:m])
    shown = [f"- {line}" for line in removed[:MOST_SHOWN]] + [f"+ {line}" for line in added[:MOST_SHOWN]]
    return Differences(max(len(removed), len(added)), tuple(shown))


def _telling(lines: Sequence[str]) -> Iterator[str]:
    return (line[:LONGEST_LINE] for line in lines if any(character.isalnum() for character in line))
