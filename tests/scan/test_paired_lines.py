from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.paired_lines import CONTEXT, LONGEST_COMPARED, LONGEST_LINE, Row, one_side
from codewren.scan.paired_lines import side_by_side as compared

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "a  = 1", "f(a, b)", "", "}", "x" * 200]), max_size=12)


def side_by_side(first, second) -> list[Row]:
    return compared(first, second).rows


def texts(rows: list[Row], side: int) -> dict[int, str]:
    """The lines of one side as they are shown, by number."""
    return {row[side]: "".join(piece.text for piece in row[side + 2]) for row in rows if row[side] is not None}


def marked(rows: list[Row], side: int) -> list[str]:
    return [piece.text for row in rows for piece in row[side + 2] if piece.differs]


@given(LINES, LINES)
def test_every_line_is_shown_in_order_or_counted_as_equal(first, second):
    rows = side_by_side(first, second)
    skipped = sum(row.skipped for row in rows)
    for side, lines in enumerate((first, second)):
        shown = texts(rows, side)
        assert list(shown) == sorted(shown)
        assert len(shown) + skipped == len(lines)
        assert all(text == lines[number][:LONGEST_LINE] for number, text in shown.items())


@given(LINES, LINES)
def test_what_is_not_marked_is_the_same_on_both_sides(first, second):
    for row in side_by_side(first, second):
        left, right = (
            ["".join(piece.text.split()) for piece in pieces if not piece.differs and piece.text.strip()]
            for pieces in (row.left_pieces, row.right_pieces)
        )
        assert "".join(left) == "".join(right)


@given(LINES)
def test_equal_functions_have_no_mark_and_are_shown_whole(lines):
    rows = side_by_side(lines, [f"  {line} " for line in lines])
    assert marked(rows, 0) == marked(rows, 1) == []
    assert len(rows) == len(lines)


def test_a_renamed_copy_stays_beside_its_original_and_only_names_are_marked():
    first = ["int total(int n) {", "int sum = 0;", "for (int i = 0; i < n; i++) sum += i;", "return sum;", "}"]
    second = ["int other(int c) {", "int s = 7;", "for (int k = 0; k < c; k++) s += k;", "return s;", "}"]
    rows = side_by_side(first, second)
    assert [(row.left, row.right) for row in rows] == [(i, i) for i in range(5)]
    assert set(marked(rows, 0)) == {"total", "n", "sum", "0", "i"}
    assert set(marked(rows, 1)) == {"other", "c", "s", "7", "k"}


def test_a_line_more_on_one_side_is_beside_nothing():
    rows = side_by_side(["a();", "b();"], ["a();", "log(1);", "b();"])
    assert [(row.left, row.right) for row in rows] == [(0, 0), (None, 1), (1, 2)]
    assert marked(rows, 1) == ["log(1);"]


def test_long_runs_of_equal_lines_are_one_row():
    first = [f"line {i};" for i in range(40)]
    second = [*first[:20], "other;", *first[21:]]
    rows = side_by_side(first, second)
    assert [row.skipped for row in rows if row.skipped] == [20 - CONTEXT, 19 - CONTEXT]
    assert len(rows) == 2 * CONTEXT + 1 + 2


def test_a_huge_function_costs_no_more_than_a_long_one():
    rows = side_by_side([f"a{i}" for i in range(5_000)], [f"b{i}" for i in range(5_000)])
    assert len(rows) == LONGEST_COMPARED


def test_one_function_alone_has_one_side():
    assert texts(one_side(["a", "b"], 9).rows, 0) == {0: "a", 1: "b"}


def test_no_more_rows_than_asked_for_are_given_and_the_others_are_counted():
    first, second = [f"a{i}" for i in range(9)], [f"b{i}" for i in range(9)]
    rows, left_out = compared(first, second, 4)
    assert (rows, left_out) == (compared(first, second).rows[:4], 5)
    assert one_side(first, 4) == (one_side(first, 9).rows[:4], 5)
