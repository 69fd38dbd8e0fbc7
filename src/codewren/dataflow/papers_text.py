"""What Compressor does to a text before it parses it, with every character's place in the text as given.

Source: Compressor's released preprocessing for vulnerability prediction (C) and clone detection (Java).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"\S+")
_COMMENT_OR_STRING = re.compile(r"""(//[^\n]*|/\*.*?\*/)|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Traced:
    """A text made from another one, and the place there of each of its characters."""

    text: str
    origins: list[int]

    def rebuilt(self, spans: Iterable[tuple[int, int, str]]) -> "Traced":
        """Made of spans of this text, each followed by a text of its own, which stands where the span ends."""
        text, origins = list[str](), list[int]()
        for start, end, after in spans:
            text += (self.text[start:end], after)
            origins += self.origins[start:end]
            if after:  # so there is a place it comes from; an empty text has none
                origins += [self.origins[min(end, len(self.origins) - 1)]] * len(after)
        return Traced("".join(text), origins)


def as_given(source: str) -> Traced:
    """The text itself."""
    return Traced(source, list(range(len(source))))


def prepared(source: str, language: str) -> Traced:
    r"""The text as the released code parses it.

    C is brought to one line, each backslash followed by an n then becomes a line break, comments go only after that,
    so that `//` takes the rest of the function with it, or up to the next `\n` in a string. Java keeps its lines.

    >>> prepared("int a; // one\nint b;", "c").text
    'int a;  '
    >>> prepared("int a; // one\nint b;", "java").text
    'int a;  \nint b;'
    """
    traced = as_given(source)
    if language == "c":
        traced = _breaks(_one_line(traced))
    return _without_blank_lines(_without_comments(traced))


def _one_line(traced: Traced) -> Traced:
    words = [match.span() for match in _WORD.finditer(traced.text)]
    last = len(words) - 1
    return traced.rebuilt((start, end, "" if number == last else " ") for number, (start, end) in enumerate(words))


def _breaks(traced: Traced) -> Traced:
    spans, position = [], 0
    for match in re.finditer(r"\\n", traced.text):
        spans.append((position, match.start(), "\n"))
        position = match.end()
    return traced.rebuilt([*spans, (position, len(traced.text), "")])


def _without_comments(traced: Traced) -> Traced:
    spans, position = [], 0
    for match in _COMMENT_OR_STRING.finditer(traced.text):
        if match[1] is not None:
            spans.append((position, match.start(), " "))
            position = match.end()
    return traced.rebuilt([*spans, (position, len(traced.text), "")])


def _without_blank_lines(traced: Traced) -> Traced:
    spans, position = [], 0
    for line in traced.text.split("\n"):
        if line.strip():
            spans.append((position, position + len(line)))
        position += len(line) + 1
    last = len(spans) - 1
    return traced.rebuilt((start, end, "" if number == last else "\n") for number, (start, end) in enumerate(spans))
