"""The call that a finding of another tool is about, found by its line and its words, and what it shows."""

import re
from collections.abc import Iterable

from codewren.evidence.array_evidence import array_evidence
from codewren.evidence.call_evidence import call_evidence
from codewren.evidence.function_view import Call, FunctionView
from codewren.evidence.grade import Evidence, Grade
from codewren.evidence.operations import OPERATIONS

_ARRAY_RULES = frozenset({"char", "TCHAR", "wchar_t"})
_NAMED = re.compile(r"^\s*[\w-]+/(\w+):")  # flawfinder's `buffer/strcpy: ...`
_NOT_CODE = re.compile(r'//.*|/\*.*?(?:\*/|$)|"(?:\\.|[^"\\])*+"')


def line_evidence(view: FunctionView, line: int, words: str) -> Evidence | None:
    """What the call or array on a line shows, or None where nothing is known of it.

    Args:
        line: of the function, the first is 0.
        words: the rule and message of the finding, which may name the call.
    """
    named = _NAMED.match(words)
    if named and named[1] in _ARRAY_RULES:
        names = view.declared.get(line, [])
        if not names and view.declarator_rows.isdisjoint(range(line, line + 3)):
            return Evidence(named[1], Grade.HARMLESS, "no array is declared here")
        return worst(array_evidence(view, name) for name in names)
    if named and named[1] not in OPERATIONS:
        return None
    calls = [call for call in calls_on(view, line) if call.name in OPERATIONS]
    if named:
        calls = [call for call in calls if call.name == named[1]]
    else:
        spoken = set(re.findall(r"\w+", words))
        calls = [call for call in calls if call.name in spoken] or calls
    return worst(call_evidence(view, call) for call in calls)


def calls_on(view: FunctionView, line: int) -> list[Call]:
    """The calls whose name is on a line, or else the innermost that goes on there."""
    begun = [call for call in view.calls if call.line == line]
    if begun:
        return begun
    around = [call for call in view.calls if call.node.start_point.row <= line <= call.node.end_point.row]
    return around[-1:]


def worst(evidence: Iterable[Evidence]) -> Evidence | None:
    """The evidence that is most worth reading; None of none."""
    return max(evidence, key=lambda one: (not one.is_harmless, one.worth), default=None)


def uncalled(line: str, words: str) -> Evidence | None:
    """That a line holds no call of what a finding names, where it names a function."""
    named = _NAMED.match(words)
    if not named or named[1] not in OPERATIONS:
        return None
    code = _NOT_CODE.sub(" ", line)
    if re.search(rf"\b{named[1]}\b\s*(?:\(|$|\\)", code):
        return None
    attribute = re.search(rf"\bformat\s*\(\s*(?:__)?{named[1]}\b", code)
    if re.search(rf"[=,(&?:]\s*{named[1]}\b\s*[,);]", code) and not attribute:
        return Evidence(named[1], Grade.PLAIN, f"{named[1]} is named and not called here")
    return Evidence(named[1], Grade.HARMLESS, f"{named[1]} is not called here")
