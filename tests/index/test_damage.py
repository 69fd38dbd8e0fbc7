"""A damaged index is data from a stranger: it is refused or built again, and never believed or crashed on."""

import os
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codewren.index.catalog import NO_SEGMENT, Catalog, Entry, Stamp
from codewren.index.damage import DamagedIndexError
from codewren.index.index_folder import CATALOG, SEGMENT_SUFFIX
from codewren.index.segment import PackedFile, Segment
from codewren.index.tree_index import Index
from codewren.scan.infer import predict_text
from index.test_tree_index import MODEL, brute_force, held, opened
from index.trees import OTHER, PYTHON, price_tree

WIDTH = 8
HEAD_BYTES = 48  # of a segment, before its vectors
STAMP = Stamp(1, 2, 3)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = price_tree(tmp_path_factory.mktemp("damage") / "tree")
    with opened(tree) as index:
        index.update()
    return tree


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_index_with_any_damage_answers_as_a_fresh_one_and_says_so(built: Path, data: st.DataObject) -> None:
    remarks: list[str] = []
    with opened(built) as index:
        index.update()
        expected = brute_force(built, index)
        paths = [index.folder / CATALOG, *index.folder.glob(f"*{SEGMENT_SUFFIX}")]
    path = data.draw(st.sampled_from(paths), label="file")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), label="place")
    if data.draw(st.booleans(), label="cut"):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255), label="bits")
    replaced = path.with_suffix(".new")
    replaced.write_bytes(content)
    replaced.replace(path)
    with opened(built, remark=remarks.append) as index:
        index.update()
        answers = index.query(PYTHON + OTHER, language="python", k=9)
        assert [answer.matches[0].name for answer in answers] == ["total_price", "read_lines"]
        try:
            assert held(index) == expected
        except DamagedIndexError:  # a query that meets it builds the index again; `held` does not
            index.forget()
            index.update()
            assert held(index) == expected


def test_damage_is_told_and_mended(built: Path) -> None:
    remarks: list[str] = []
    with opened(built) as index:
        index.update()
        (path,) = index.folder.glob(f"*{SEGMENT_SUFFIX}")
    path.with_suffix(".new").write_bytes(path.read_bytes()[:-40])
    path.with_suffix(".new").replace(path)
    with opened(built, remark=remarks.append) as index:
        assert index.update().judged == 3 and len(index) == 3
    assert len(remarks) == 1 and remarks[0].startswith("the index was damaged (") and "truncated" in remarks[0]


def test_a_missing_segment_is_built_again(built: Path) -> None:
    with opened(built) as index:
        index.update()
        for path in index.folder.glob(f"*{SEGMENT_SUFFIX}"):
            path.unlink()
    with opened(built) as index:
        assert index.update().judged == 3 and len(index) == 3


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.py", "a/../../x.py", "..\\x.py", "c:x.py"])
def test_a_catalogue_that_leads_out_of_the_tree_is_refused(tmp_path: Path, path: str) -> None:
    Catalog({path: Entry(STAMP, bytes(16), "c", NO_SEGMENT, 0)}).write(tmp_path / CATALOG, "/tree")
    with pytest.raises(DamagedIndexError, match="outside the tree"):
        Catalog.read(tmp_path / CATALOG)


@pytest.mark.parametrize("name", ["../../etc/pass", "0123456789abcdeg", 7])
def test_a_catalogue_that_names_no_segment_is_refused(tmp_path: Path, name: object) -> None:
    Catalog({}, (name,), (0,)).write(tmp_path / CATALOG, "/tree")
    with pytest.raises(DamagedIndexError):
        Catalog.read(tmp_path / CATALOG)


def test_a_catalogue_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = {
        "a.py": Entry(Stamp(2**63, 2**40, 2**64 - 1), b"0123456789abcdef", "python", 1, 5),
        "caf\udce9/..b c.java": Entry(STAMP, bytes(16), "java", NO_SEGMENT, 0),
    }
    Catalog(entries, ("", "0123456789abcdef"), (0, 3)).write(tmp_path / CATALOG, "/tree")
    assert Catalog.read(tmp_path / CATALOG) == Catalog(entries, ("", "0123456789abcdef"), (0, 3))
    Catalog().write(tmp_path / CATALOG, "/tree")
    assert Catalog.read(tmp_path / CATALOG) == Catalog()


def test_an_entry_without_its_segment_is_refused(tmp_path: Path) -> None:
    for segment in (1, -2, 2**30):
        Catalog({"a.c": Entry(STAMP, bytes(16), "c", segment, 0)}, ("0" * 16, ""), (1, 0)).write(
            tmp_path / CATALOG, "/tree"
        )
        with pytest.raises(DamagedIndexError, match="not there"):
            Catalog.read(tmp_path / CATALOG)


def packed_files(count: int, seed: int) -> list[PackedFile]:
    rng = random.Random(seed)
    return [
        PackedFile(rng.randbytes(WIDTH * rng.randint(0, 4)), rng.randbytes(rng.randint(0, 30))) for _ in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_a_segment_gives_back_what_was_written(tmp_path: Path, count: int) -> None:
    files = packed_files(count, seed=count)
    Segment.write(tmp_path / "a.segment", files, WIDTH)
    segment = Segment(tmp_path / "a.segment", WIDTH)
    assert [segment.packed(number) for number in range(count)] == files
    assert bytes(segment.vectors) == b"".join(file.vectors for file in files)
    for number, file in enumerate(files):
        rows = segment.rows_of(number)
        assert len(rows) == len(file.vectors) // WIDTH
        assert {segment.file_of(row) for row in rows} <= {number}


def test_a_segment_with_a_right_checksum_and_wrong_numbers_is_refused(tmp_path: Path) -> None:
    """Whoever alters an index on purpose makes the checksums fit."""
    path = tmp_path / "a.segment"
    for field in range(12):
        for value in (2**64 - 1, 2**63, 10**6, 3):
            Segment.write(path, packed_files(3, seed=2), WIDTH)
            content = bytearray(path.read_bytes())
            rows = struct.unpack_from("<Q", content, 16)[0]
            table = 48 + WIDTH * rows
            struct.pack_into("<Q", content, table + 8 * field, value)
            checksum = zlib.crc32(content[table : table + 96], zlib.crc32(content[:32]))
            struct.pack_into("<I", content, 32, checksum)
            path.write_bytes(content)
            try:
                segment = Segment(path, WIDTH)
                for number in range(3):
                    segment.record(number)
            except DamagedIndexError:
                continue
            raise AssertionError((field, value))


def test_records_are_those_of_a_scan_without_small_functions(built: Path) -> None:
    with opened(built) as index:
        index.update()
        view = index._newest()
        record = view.record(view.catalog.entries["a.py"])
        whole = predict_text((built / "a.py").read_bytes(), "python", index.predictor)
    assert record.names == ("total_price",) and whole.names == ("total_price", "one")
    assert (record.lines(0), record.span(0), record.size(0)) == (whole.lines(0), whole.span(0), whole.size(0))
    assert (record.texts, record.shapes) == (whole.texts[:16], whole.shapes[:16])
    assert record.bag(0) == whole.bag(0) and record.fingerprint(0) == whole.fingerprint(0)


def test_an_index_of_another_model_lies_elsewhere(built: Path) -> None:
    with opened(built) as one, Index.open(built, model="clones-mini", folder=built.parent / "indexes") as other:
        assert one.folder != other.folder and MODEL == "clones-micro"
        assert os.path.commonpath([one.folder, other.folder]) == os.fspath(built.parent / "indexes" / "index")


def test_a_thorough_update_sees_one_flipped_bit_of_any_vector(built: Path) -> None:
    with opened(built) as index:
        index.update()
        expected = held(index)
        (path,) = index.folder.glob(f"*{SEGMENT_SUFFIX}")
        width = index.predictor.vector_bytes
    for place in (HEAD_BYTES, HEAD_BYTES + width - 1, HEAD_BYTES + 3 * width - 1):
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)
        remarks: list[str] = []
        with opened(built, remark=remarks.append) as index:
            assert index.update().judged == 0 and not remarks  # an ordinary one leaves vectors alone
            assert index.update(is_thorough=True).judged == 3
            assert len(remarks) == 1 and "a wrong checksum" in remarks[0]
            assert held(index) == expected
            (path,) = index.folder.glob(f"*{SEGMENT_SUFFIX}")
