"""Writes native/unicode/tables.h: python native/unicode/tables.py > native/unicode/tables.h.

The training library mixes several Unicode versions (its lower-casing is years newer than its NFKD), and Python's own
changes with the interpreter. So the tables are asked from the library itself, one code point at a time: what it does
to a character is what the runtime does, on every Python. A test compares them with the installed library.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic

lower = normalizers.Lowercase().normalize_str
nfkd = normalizers.NFKD().normalize_str
strip_accents = normalizers.StripAccents().normalize_str
strip = normalizers.Strip().normalize_str
byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
whitespace = pre_tokenizers.Whitespace().pre_tokenize_str
digits = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str


def flags(char: str) -> int:
    """Bits of one character, named as in the header."""
    letter = len(byte_level("a" + char)) == 1
    number = len(byte_level("1" + char)) == 1
    space = strip("a" + char) == "a"
    word = whitespace("a" + char) == [("a" + char, (0, 2))]
    if not space:
        expected = letter or number or len(byte_level("!" + char)) == 1
        assert expected and (word or len(whitespace("!" + char)) == 1), hex(ord(char))
    else:
        assert not (letter or number or word) and whitespace("a" + char) == [("a", (0, 1))], hex(ord(char))
    digit = len(digits("a" + char)) == 2
    mark = strip_accents(char) == ""
    return letter | number << 1 | space << 2 | word << 3 | digit << 4 | mark << 5 | char.isspace() << 6


def swaps(first: str, second: str) -> bool:
    """Whether the library puts two marks in the other order."""
    return first != second and nfkd("a" + first + second) == "a" + second + first


def combining_class(char: str, ladder: list[tuple[int, str]]) -> int:
    """The class by which the library orders a mark, found against one mark of every class, lowest first."""
    if not (swaps(char, ladder[0][1]) or swaps(ladder[-1][1], char)):
        return 0
    return next(value for value, other in ladder if not swaps(char, other))


def runs(values: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """(first, last, value) of neighbours with one value other than 0."""
    current: list[int] = []
    for code, value in values:
        if current and code == current[1] + 1 and value == current[2]:
            current[1] = code
            continue
        if current and current[2]:
            yield current[0], current[1], current[2]
        current = [code, code, value]
    if current and current[2]:
        yield current[0], current[1], current[2]


def lower_rows() -> Iterator[tuple[int, int, int, int]]:
    """(first, last, step, target of first) of characters lower-cased by one distance."""
    pairs = [(code, ord(lower(chr(code)))) for code in CODE_POINTS if len(lower(chr(code))) == 1]
    assert [chr(code) for code in CODE_POINTS if len(lower(chr(code))) > 1] == ["İ"] and lower("İ") == "i̇"
    row: list[int] = []
    for code, target in ((code, target) for code, target in pairs if code != target):
        near = row and target - row[3] == code - row[0] and code - row[1] in ((1, 2) if row[2] == 0 else (row[2],))
        if near:
            row[1:3] = [code, code - row[1]]
            continue
        if row:
            yield row[0], row[1], row[2] or 1, row[3]
        row = [code, code, 0, target]
    yield row[0], row[1], row[2] or 1, row[3]


def decomposition_rows() -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """Rows (first, last, length, offset) for neighbours of one length, and the characters they decompose to."""
    rows: list[list[int]] = []
    data: list[int] = []
    for code in CODE_POINTS:
        text = nfkd(chr(code))
        if code in HANGUL or text == chr(code):
            continue
        if rows and rows[-1][1] == code - 1 and rows[-1][2] == len(text):
            rows[-1][1] = code
        else:
            rows.append([code, code, len(text), len(data)])
        data += map(ord, text)
    return [(a, b, c, d) for a, b, c, d in rows], data


def emit(declaration: str, cells: Iterable[str]) -> None:
    """Print an array, lines filled to the house width."""
    print(f"\ninline constexpr {declaration}[] = {{")
    line = ""
    for cell in cells:
        if len(line) + len(cell) + 2 > 118:
            print(line)
            line = ""
        line += ("" if line else "  ") + cell + ","
    print(line + "\n};")


def rows_of(rows: Iterable[tuple[int, ...]]) -> Iterator[str]:
    """Cells of aggregate initialisers; code points in hexadecimal."""
    for first, last, *rest in rows:
        yield "{" + ",".join([f"{first:#x}", f"{last:#x}", *map(str, rest)]) + "}"


def check_hangul() -> None:
    """The arithmetic of the Unicode standard, chapter 3.12, is what the library does."""
    for code in HANGUL:
        lead, rest = divmod(code - 0xAC00, 588)
        vowel, tail = divmod(rest, 28)
        text = chr(0x1100 + lead) + chr(0x1161 + vowel) + (chr(0x11A7 + tail) if tail else "")
        assert nfkd(chr(code)) == text, hex(code)


def class_of_marks() -> Callable[[str], int]:
    """A function from a character to its combining class in the library."""
    overlay = "\u0334"  # of class 1, the lowest
    ladder = {1: overlay}
    for char in map(chr, CODE_POINTS):
        value = unicodedata.combining(char)
        if value and value not in ladder and nfkd(char) == char and swaps(char, overlay):
            ladder[value] = char
    ordered = sorted(ladder.items())
    return lambda char: combining_class(char, ordered) if nfkd(char) == char else 0


def main() -> None:
    """Print the header."""
    check_hangul()
    print("// Generated by: python native/unicode/tables.py > native/unicode/tables.h")
    print(f"// What tokenizers {tokenizers.__version__} does to each code point.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace codewren::unicode {")
    print("\nenum Flag : std::uint8_t {")
    names = ("kLetter", "kNumber", "kSpace", "kWord", "kDigit", "kMark", "kBlank")
    notes = (
        "\\p{L}",
        "\\p{N}",
        "\\s",
        "\\w",
        "split off one by one (word)",
        "dropped with accents",
        "white space to Python, collapsed",
    )
    for bit, (name, note) in enumerate(zip(names, notes, strict=True)):
        print(f"  {name} = {1 << bit},  // {note}")
    print("};\n\nstruct FlagRow {\n  char32_t first, last;\n  std::uint8_t flags;\n};")
    print("struct LowerRow {\n  char32_t first, last, step, to;  // every step-th, at a constant distance\n};")
    print("struct ClassRow {\n  char32_t first, last;\n  std::uint8_t combining_class;\n};")
    print("struct DecompositionRow {\n  char32_t first, last;\n  std::uint16_t length, offset;\n};")
    emit("FlagRow kFlags", rows_of(runs((code, flags(chr(code))) for code in CODE_POINTS)))
    emit("LowerRow kLower", ("{" + ",".join(f"{cell:#x}" for cell in row) + "}" for row in lower_rows()))
    mark_class = class_of_marks()
    emit("ClassRow kCombining", rows_of(runs((code, mark_class(chr(code))) for code in CODE_POINTS)))
    rows, data = decomposition_rows()
    emit("DecompositionRow kDecompositions", rows_of(rows))
    emit("char32_t kDecomposed", (f"{code:#x}" for code in data))
    print("\n}  // namespace codewren::unicode")


if __name__ == "__main__":
    sys.exit(main())
