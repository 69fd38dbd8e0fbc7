"""A front is shown as it is: every candidate, the chosen one marked, predictions told from measurements."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from codewren.core.errors import InputError
from codewren.core.pareto import Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.report.draw.pareto_plot import front_points, pareto_file, rival_points
from codewren.report.front_table import HEADER, front_table


def front(*, latency=0.0001, measured=True, effectiveness=0.94):
    return ParetoFront(
        tuple(
            Candidate(
                StudentConfig(vocab_size=1000 * n),
                Scores(
                    None if effectiveness is None else effectiveness + 0.01 * n,
                    200_000 * n,
                    latency_s=latency and latency * n,
                    flops=1e6 * n,
                    uncertainty=0.005 if n == 2 else None,
                    measured=measured,
                ),
            )
            for n in (1, 2, 3)
        )
    )


def test_a_column_of_flips_stands_where_they_were_measured():
    steady = ParetoFront(
        tuple(replace(c, scores=replace(c.scores, flips=0.01 * n)) for n, c in enumerate(front().candidates))
    )
    lines = [line.split() for line in front_table(steady).splitlines()]
    assert lines[0][:3] == ["bytes", "effectiveness", "flips"]
    assert [line[2] for line in lines[1:]] == ["0.0000", "0.0100", "0.0200"]


def test_table_has_a_line_for_each_candidate_and_a_star_at_the_chosen_one():
    lines = front_table(front(), chosen=front().candidates[1].config).splitlines()
    assert len(lines) == 4
    assert lines[0].split() == list(HEADER[1:])
    assert [line.lstrip().startswith("*") for line in lines[1:]] == [False, True, False]
    assert lines[1].split()[:4] == ["200,000", "0.9500", "0.100", "1.00"]


def test_table_tells_predictions_and_gaps():
    assert "~0.9500" in front_table(front(measured=False))
    bare = front_table(front(latency=None, effectiveness=None))
    assert bare.splitlines()[1].split()[:4] == ["200,000", "-", "-", "1.00"]


def test_the_file_is_svg_with_every_point_and_name_and_its_own_colours():
    rivals = rival_points([Candidate(StudentConfig(), Scores(0.9453, 3_190_235), name="Compressor 3 MB")])
    points = [*front_points(front(), chosen=front().candidates[0].config), *rivals]
    text = pareto_file(points, metric="accuracy", teacher=0.993)
    svg = ET.fromstring(text)
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    for word in ("Compressor 3 MB", "teacher 0.9930", "chosen", "latency", "--paper"):
        assert word in text
    assert sum("point" in (mark.get("class") or "").split() for mark in svg.iter()) == 4
    assert pareto_file(points, metric="accuracy", teacher=0.993) == text


def test_a_front_without_effectiveness_cannot_be_plotted():
    with pytest.raises(InputError, match="no effectiveness"):
        pareto_file(front_points(front(effectiveness=None)), metric="accuracy")
