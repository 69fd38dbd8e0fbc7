"""Positions in a text against a reference that walks through it character by character."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.editor.open_documents import Edit, OpenDocuments
from codewren.editor.positions import ENCODINGS, Encoding, LineIndex, Position

ODD = "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\t aé€😋𝒳\ufeff\u0301"
TEXTS = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=30)
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def reference_lines(text: str) -> list[tuple[str, str]]:
    """Lines and what ends each, by the three line ends of the protocol."""
    cut = re.split("(\r\n|\n|\r)", text)
    return list(zip(cut[::2], [*cut[1::2], ""], strict=True))


def units(text: str, encoding: Encoding) -> int:
    codec, width = CODECS[encoding]
    return len(text.encode(codec)) // width


def reference_position(text: str, index: int, encoding: Encoding) -> Position:
    """Position of a character that ends no line."""
    passed = 0
    for number, (line, end) in enumerate(reference_lines(text)):
        if index <= passed + len(line):
            return Position(number, units(line[: index - passed], encoding))
        if index < passed + len(line) + len(end):
            return Position(number, units(line, encoding))
        passed += len(line) + len(end)
    raise AssertionError("past the end")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, data=st.data())
def test_a_position_is_that_of_a_walk_through_the_text(encoding: Encoding, text: str, data):
    index = data.draw(st.integers(0, len(text)))
    lines = LineIndex(text.encode(), encoding)
    assert lines.position(len(text[:index].encode())) == reference_position(text, index, encoding)
    assert len(lines) == len(reference_lines(text))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, data=st.data())
def test_a_position_leads_back_to_its_byte(encoding: Encoding, text: str, data):
    offset = len(text[: data.draw(st.integers(0, len(text)))].encode())
    lines = LineIndex(text.encode(), encoding)
    back = lines.offset(lines.position(offset))
    assert back == offset or text.encode()[back : offset + 1] == b"\r\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, line=st.integers(0, 40), character=st.integers(0, 70))
def test_any_position_is_a_byte_between_two_characters(encoding: Encoding, text: str, line: int, character: int):
    offset = LineIndex(text.encode(), encoding).offset(Position(line, character))
    before = text.encode()[:offset].decode()
    rows = reference_lines(text)
    if line >= len(rows):
        assert before == text
    else:
        column = before.removeprefix("".join(map("".join, rows[:line])))
        assert rows[line][0].startswith(column)
        assert units(column, encoding) <= character
        rest = rows[line][0][len(column) :]
        assert not rest or units(column + rest[0], encoding) > character


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, added=TEXTS, data=st.data())
def test_an_edit_replaces_what_lies_between_its_positions(encoding: Encoding, text: str, added: str, data):
    first, last = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    positions = [reference_position(text, index, encoding) for index in (first, last)]
    documents = OpenDocuments(encoding)
    documents.open("u", None, "c", version=1, text=text)
    changed = documents.change("u", 2, [Edit(added, *positions)])
    starts = [index - (text[index - 1 : index + 1] == "\r\n") for index in (first, last)]
    assert changed is not None
    assert changed.text.decode() == text[: starts[0]] + added + text[starts[1] :]


def test_a_form_feed_starts_no_line_and_an_astral_character_has_two_units():
    lines = LineIndex("a\fb\n😋c\r\nd\re".encode(), "utf-16")
    assert [lines.position(offset) for offset in (2, 8, 11, 13)] == [(0, 2), (1, 2), (2, 0), (3, 0)]


def test_half_a_surrogate_pair_keeps_the_columns_behind_it():
    documents = OpenDocuments("utf-16")
    document = documents.open("u", None, "c", version=1, text="\ud83db")
    assert document.lines.offset(Position(0, 1)) == len("\ufffd".encode())


def test_edits_of_a_document_that_is_not_open_do_nothing():
    assert OpenDocuments().change("u", 1, [Edit("x")]) is None
