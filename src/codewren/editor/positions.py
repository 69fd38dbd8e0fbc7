r"""Where a byte of a text is, in the lines and columns that an editor counts.

The protocol knows three ends of a line: `\n`, `\r\n` and `\r` alone. A form feed is none, nor is anything else that
`str.splitlines` cuts at. Columns count code units of the encoding that client and server agreed on.

Source: Language Server Protocol 3.17, sections "Position" and "TextDocument" (microsoft.github.io).
"""

import re
from bisect import bisect_right
from typing import Literal, NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CONTINUATION, _FOUR_BYTES = 0b1000_0000, 0b1111_0000  # of UTF-8


class Position(NamedTuple):
    """Line and column, both from 0."""

    line: int
    character: int


class LineIndex:
    """The lines of one text, UTF-8; positions in it are converted without cutting it up."""

    def __init__(self, text: bytes, encoding: Encoding) -> None:
        self.text = text
        self.encoding = encoding
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def __len__(self) -> int:
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """First byte of a line; a line past the end is the last one."""
        return self._starts[min(line, len(self) - 1)]

    def line_stop(self, line: int) -> int:
        """The byte where a line ends, before what ends it."""
        if line + 1 >= len(self):
            return len(self.text)
        end = self._starts[line + 1]
        return end - (2 if self.text[end - 2 : end] == b"\r\n" else 1)

    def line_of(self, offset: int) -> int:
        """The line that holds a byte; what ends a line belongs to it."""
        return bisect_right(self._starts, offset) - 1

    def position(self, offset: int) -> Position:
        """Where a byte is; one inside what ends a line is where the line ends.

        >>> LineIndex("a😋b".encode(), "utf-16").position(5)
        Position(line=0, character=3)
        """
        line = self.line_of(offset)
        stop = min(offset, self.line_stop(line))
        return Position(line, _units(self.text[self._starts[line] : stop], self.encoding))

    def offset(self, position: Position) -> int:
        """The byte at a position; past the end of a line it is that end, past the last line the end of the text.

        A column inside a character is that of the character's first byte.
        """
        line, character = position
        if line >= len(self):
            return len(self.text)
        start, stop = self._starts[line], self.line_stop(line)
        return start + _bytes_of(self.text[start:stop], max(character, 0), self.encoding)


def _units(text: bytes, encoding: Encoding) -> int:
    """Code units of a part of a line."""
    if encoding == "utf-8" or text.isascii():
        return len(text)
    return sum(_unit_count(byte, encoding) for byte in text)


def _bytes_of(line: bytes, units: int, encoding: Encoding) -> int:
    """Bytes of a line up to the character that holds a code unit."""
    if encoding != "utf-8" and not line.isascii():
        return _bytes_before(line, units, encoding)
    offset = min(units, len(line))
    while 0 < offset < len(line) and line[offset] & 0b1100_0000 == _CONTINUATION:
        offset -= 1
    return offset


def _bytes_before(line: bytes, units: int, encoding: Encoding) -> int:
    passed, start = 0, 0
    for offset, byte in enumerate(line):
        width = _unit_count(byte, encoding)
        if width:
            if passed > units:
                return start
            start = offset
            if passed == units:
                return start
        passed += width
    return len(line) if passed <= units else start


def _unit_count(byte: int, encoding: Encoding) -> int:
    """Code units that begin at a byte of UTF-8."""
    if byte & 0b1100_0000 == _CONTINUATION:
        return 0
    return 2 if encoding == "utf-16" and byte >= _FOUR_BYTES else 1
