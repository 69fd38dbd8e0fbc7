"""The text of a source file, whatever encoding it has."""

import codecs
import re
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.scan.notebook import is_notebook, notebook_text

_DECLARED = re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_NOT_FOR_FILES = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf_7"})
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class SourceText(NamedTuple):
    """A source file as UTF-8 without a byte order mark, and whether its encoding is a guess."""

    text: bytes
    is_guessed: bool


def read_source(content: bytes, language: str = "") -> SourceText:
    """Read UTF-8, UTF-16 with a byte order mark, or in Python what the file declares; else guess Latin-1.

    Of a notebook the code is read.

    In Latin-1 every byte is a character, and what is neither comment nor string is the same in all encodings that
    extend ASCII. Python itself refuses a file that declares nothing.

    Raises:
        InputError: it is binary, or Python that Python could not read.
    """
    if language == "python" and is_notebook(content):
        return SourceText(notebook_text(content), is_guessed=False)
    if content.startswith(_BYTE_ORDER_MARKS):
        return SourceText(_decoded(content, "utf-16").encode(), is_guessed=False)
    place = content.find(b"\0")
    if place >= 0:
        raise InputError(f"binary (NUL byte at {place})")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if language == "python":
            return SourceText(_decoded(content, _declared(content, error)).encode(), is_guessed=False)
        return SourceText(content.decode("latin-1").encode(), is_guessed=True)
    return SourceText(content.removeprefix(codecs.BOM_UTF8), is_guessed=False)


def source_text(content: bytes, language: str = "") -> bytes:
    """The text that `read_source` reads.

    Raises:
        InputError: it is binary, or Python that Python could not read.
    """
    return read_source(content, language).text


def _declared(content: bytes, error: UnicodeDecodeError) -> str:
    declared = _DECLARED.match(content)
    if declared is None:
        wrong = f"byte 0x{content[error.start]:02x} at {error.start}"
        raise InputError(f"not UTF-8 ({wrong}), and declares no other encoding")
    return declared[1].decode("ascii", "replace")


def _codec(encoding: str) -> str:
    """Python's name of an encoding; `undefined` for one it does not know."""
    try:
        return codecs.lookup(encoding).name.replace("-", "_")
    except LookupError:
        return "undefined"


def _decoded(content: bytes, encoding: str) -> str:
    if _codec(encoding) in _NOT_FOR_FILES:
        raise InputError(f"declares an encoding that is none for files: {encoding!r}")
    try:
        return content.decode(encoding)
    except LookupError:  # a codec from bytes to bytes
        raise InputError(f"declares an encoding that is none for files: {encoding!r}") from None
    except UnicodeError as error:
        raise InputError(f"not {encoding}, as it says ({error})") from None
