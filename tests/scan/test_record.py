from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.record import Record
from codewren.syntax.tokens import HASH_BYTES


@st.composite
def records(draw: st.DrawFn) -> Record:
    count = draw(st.integers(0, 4))
    hashes = st.binary(min_size=HASH_BYTES * count, max_size=HASH_BYTES * count)
    names = st.text(st.characters(exclude_characters="\n"), max_size=8)
    numbers = st.integers(0, 2**32 - 1)
    is_pair = draw(st.booleans())
    floats = st.floats(0, 1)
    width = draw(st.sampled_from([1, 8, 24, 577]))
    complaints = st.tuples(numbers, st.text(st.characters(exclude_characters="\n"), max_size=8))
    return Record(
        names=tuple(draw(st.lists(names, min_size=count, max_size=count))),
        positions=array("I", draw(st.lists(numbers, min_size=4 * count, max_size=4 * count))),
        probabilities=array("d", [] if is_pair else draw(st.lists(floats, min_size=count, max_size=count))),
        flags=draw(st.binary(min_size=count, max_size=count)),
        fingerprints=draw(hashes),
        texts=draw(hashes) if is_pair else b"",
        shapes=draw(hashes) if is_pair else b"",
        sizes=array("I", draw(st.lists(numbers, min_size=2 * count, max_size=2 * count)) if is_pair else []),
        words=array("I", draw(st.lists(numbers, max_size=8)) if is_pair else []),
        vectors=draw(st.binary(min_size=width * count, max_size=width * count)) if is_pair else b"",
        has_errors=draw(st.booleans()),
        is_guessed=draw(st.booleans()),
        is_generated=draw(st.booleans()),
        complaints=tuple(draw(st.lists(complaints, max_size=2))),
        reviews=array(
            "d", draw(st.lists(floats, min_size=count, max_size=count) if draw(st.booleans()) else st.just([]))
        ),
    )


@given(records())
def test_a_record_survives_packing(record: Record) -> None:
    assert Record.unpack(record.pack()) == record


@given(records(), st.integers(0, 40))
def test_a_record_cut_short_is_refused(record: Record, kept: int) -> None:
    packed = record.pack()
    texts = "\n".join([*record.names, *(f"{line} {message}" for line, message in record.complaints)])
    if kept < len(packed) - len(texts.encode("utf-8", "surrogatepass")):
        with pytest.raises(ValueError, match="record"):
            Record.unpack(packed[:kept])


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Record.unpack(content)


def test_columns_are_read_by_function() -> None:
    record = Record(
        names=("f", "g"),
        positions=array("I", [1, 2, 0, 30, 5, 9, 31, 60]),
        probabilities=array("d", [0.25, 0.75]),
        flags=bytes([2, 1]),
        fingerprints=b"a" * HASH_BYTES + b"b" * HASH_BYTES,
        texts=b"",
        shapes=b"",
        sizes=array("I"),
        words=array("I"),
        vectors=b"",
        has_errors=False,
    )
    assert (record.lines(1), record.span(1), record.fingerprint(1)) == ((5, 9), (31, 60), b"b" * HASH_BYTES)
    assert [(record.wins(index), record.is_suppressed(index)) for index in (0, 1)] == [(False, True), (True, False)]
