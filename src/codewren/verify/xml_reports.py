"""Reports in the XML of cppcheck and of PMD CPD.

XML is read element by element; a document type, which can name other files and grow without end, is refused.
"""

from collections.abc import Mapping
from xml.parsers import expat

from codewren.core.errors import InputError
from codewren.verify.reported import Place, Report, Reported, check_count, number_of, place_of, text_of

_DEEPEST = 50
_CPPCHECK_WEIGHTS = {
    "error": 1.0,
    "warning": 0.8,
    "performance": 0.4,
    "portability": 0.4,
    "style": 0.3,
    "information": 0.1,
}
_ALL_TOKENS = 1_000  # a copy of so many counts in full


def read_xml(content: bytes) -> Report:
    """Read an XML report.

    Raises:
        InputError: no XML, with a document type, or of no tool that is known.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InputError(f"the report is no XML: {error}") from None
    if reader.form == "":
        raise InputError(f"the report's outermost element is <{reader.root:.60}>; wanted: <results> or <pmd-cpd>")
    return Report(reader.form, tuple(reader.findings), reader.left_out)


def _refuse(*_: object) -> None:
    raise InputError("the report declares a document type, which no report needs; it is not read")


class _Reader:
    """Collects findings as elements pass."""

    def __init__(self) -> None:
        self.form, self.root = "", ""
        self.findings: list[Reported] = []
        self.left_out = 0
        self._depth = 0
        self._attributes: Mapping[str, str] = {}
        self._places: list[Place] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InputError(f"the report's elements are nested more than {_DEEPEST} deep")
        if self._depth == 1:
            self.root = tag
            self.form = {"results": "cppcheck XML", "pmd-cpd": "PMD CPD XML"}.get(tag, "")
        elif tag in {"error", "duplication"}:
            self._attributes, self._places = attributes, []
        elif tag in {"location", "file"}:
            path, end = attributes.get("file") or attributes.get("path"), attributes.get("endline")
            place = place_of(path, attributes.get("line"), end)
            self._places += [place] if place else []

    def end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        self._depth -= 1
        if tag not in {"error", "duplication"} or self._depth < 1:
            return
        check_count(len(self.findings))
        finding = _cppcheck(self._attributes, self._places) if tag == "error" else _cpd(self._attributes, self._places)
        if finding:
            self.findings.append(finding)
        else:
            self.left_out += 1


def _cppcheck(attributes: Mapping[str, str], places: list[Place]) -> Reported | None:
    """An `error`: of several locations the last is where it comes from, and the first where it is."""
    if not places:
        return None
    severity = text_of(attributes.get("severity"))
    return Reported(
        "cppcheck",
        text_of(attributes.get("id")) or "unknown",
        severity,
        _CPPCHECK_WEIGHTS.get(severity, 0.5),
        text_of(attributes.get("msg")),
        text_of(attributes.get("hash")),
        (places[0],),
    )


def _cpd(attributes: Mapping[str, str], places: list[Place]) -> Reported | None:
    if len(places) < 2:
        return None
    lines, tokens = number_of(attributes.get("lines")), number_of(attributes.get("tokens"))
    whole = tuple(Place(place.path, place.line, max(place.end_line, place.line + lines - 1)) for place in places)
    return Reported(
        "PMD CPD",
        "duplicate",
        f"{tokens} tokens",
        min(1.0, tokens / _ALL_TOKENS),
        f"{tokens} tokens are there {len(whole)} times",
        "",
        whole,
        is_duplicate=True,
    )
