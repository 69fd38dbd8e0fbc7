"""Names, lines and texts of the functions of a source text."""

from codewren.syntax.functions import extract


def extents(source: str, language: str) -> list[tuple[str, int, int]]:
    return [(one.name, one.start_line, one.end_line) for one in extract(source.encode(), language).functions]


def texts(source: str, language: str) -> list[str]:
    raw = source.encode()
    return [raw[one.start_byte : one.end_byte].decode() for one in extract(raw, language).functions]
