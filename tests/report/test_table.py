"""The table of models side by side: ratios are to the first one, and only where there is a second."""

from codewren.report.table import ModelRow, comparison_table


def test_ratios_are_to_the_first_model():
    text = comparison_table([ModelRow("teacher", 1_000_000, None), ModelRow("student", 10_000, None)])
    (line,) = [one for one in text.splitlines() if "times smaller" in one]
    assert [cell.strip() for cell in line.split("|")[2:4]] == ["1.0", "100.0"]


def test_a_lone_model_is_compared_with_nothing():
    text = comparison_table([ModelRow("student", 10_000, None)])
    assert "10,000" in text
    assert "times" not in text
