"""Every plot shows every figure it is given, at the right place, and can be read aloud."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from codewren.core.pareto import Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.measure.estimate import Measure
from codewren.measure.metrics import ece_statistic
from codewren.report.draw.forest_plot import forest_plot
from codewren.report.draw.latency_plot import latency_plot
from codewren.report.draw.length_plot import length_histogram, length_plot
from codewren.report.draw.pareto_plot import Group, Point, front_points, pareto_plot
from codewren.report.draw.reliability import reliability, reliability_plot
from codewren.report.draw.training_plot import Epoch, training_plot


def svg_of(figure):
    """The drawing inside a figure, which must be XML and say what it is."""
    svg = ET.fromstring(figure).find("svg")
    assert svg.find("title").text
    assert svg.find("desc").text
    return svg


def marks(svg, kind):
    return [one for one in svg.iter() if kind in (one.get("class") or "").split()]


POINTS = [
    Point("trial 0", 40_000, 0.90, Group.TRIAL),
    Point("a", 50_000, 0.94, Group.FRONT, latency_s=2e-5),
    Point("b", 200_000, 0.96, Group.CHOSEN, 0.95, 0.97, latency_s=4e-5),
    Point("teacher", 90_000_000, 0.97, Group.TEACHER, latency_s=0.03),
    Point("Compressor", 3_000_000, 0.95, Group.BASELINE),
]


def test_pareto_plot_has_each_point_once_and_names_those_that_matter():
    svg = svg_of(pareto_plot("p", POINTS, metric="accuracy", majority=0.5))
    assert len(marks(svg, "point")) == len(POINTS)
    assert [one.text for one in marks(svg, "name")] == ["teacher", "chosen", "Compressor"]
    assert len(marks(svg, "ring")) == 1
    said = [one.find("title").text for one in marks(svg, "point")]
    assert "b: 200,000 bytes, 0.9600, 40 µs" in said


def test_pareto_plot_puts_smaller_files_left_and_better_ones_up():
    svg = svg_of(pareto_plot("p", POINTS, metric="accuracy"))
    place = {}
    for one in marks(svg, "point"):
        if one.get("cx"):
            place[one.find("title").text.split(":")[0]] = float(one.get("cx")), float(one.get("cy"))
    assert place["trial 0"][0] < place["a"][0] < place["b"][0]
    assert place["trial 0"][1] > place["a"][1] > place["b"][1]


def test_latency_colours_the_fastest_first_and_the_unknown_not_at_all():
    svg = svg_of(pareto_plot("p", POINTS, metric="accuracy"))
    heat = {one.find("title").text.split(":")[0]: one.get("class").split()[-1] for one in marks(svg, "point")}
    assert heat["a"] == "heat0"
    assert heat["teacher"] == "heat4"
    assert heat["trial 0"] == heat["Compressor"] == "heat-unknown"
    assert "latency" not in "".join(svg_of(pareto_plot("p", POINTS[:1], metric="accuracy")).itertext()).split()


def test_names_of_crowded_points_do_not_cover_each_other():
    crowd = [Point(f"model number {k}", 700_000 + k, 0.61 + k * 1e-4, Group.BASELINE) for k in range(8)]
    names = marks(svg_of(pareto_plot("p", crowd, metric="accuracy")), "name")
    boxes = [(float(n.get("x")), float(n.get("y")), 6.1 * len(n.text)) for n in names]
    for k, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[:k]:
            assert abs(y - other_y) >= 12 or x >= other_x + other_width or other_x >= x + width


def test_front_points_are_the_candidates_with_the_chosen_one_marked():
    configs = [StudentConfig(vocab_size=1000 * k) for k in (1, 2)]
    front = ParetoFront(
        (
            Candidate(configs[0], Scores(0.9, 1000, uncertainty=0.02)),
            Candidate(configs[1], Scores(0.95, 2000, latency_s=1e-4), name="trial-7"),
            Candidate(StudentConfig(), Scores(None, 3000)),
        )
    )
    first, second = front_points(front, chosen=configs[1])
    assert (first.group, first.low, first.high) == (Group.FRONT, pytest.approx(0.88), pytest.approx(0.92))
    assert (second.group, second.name, second.latency_s) == (Group.CHOSEN, "trial-7", 1e-4)


@pytest.fixture
def judged():
    rng = np.random.default_rng(5)
    sure = rng.uniform(0.5, 1, 500)
    labels = (rng.random(500) < 0.6).astype(np.int64)
    probabilities = np.where(
        (rng.random(500) < 0.5)[:, None], np.stack([sure, 1 - sure], 1), np.stack([1 - sure, sure], 1)
    )
    return labels, probabilities


def test_reliability_bins_add_up_to_the_calibration_error(judged):
    labels, probabilities = judged
    bins = reliability(labels, probabilities)
    gap = sum(one.accuracy.n * abs(one.accuracy.value - one.confidence) for one in bins) / len(labels)
    assert gap == pytest.approx(ece_statistic(labels, probabilities)(np.ones(len(labels))))
    assert sum(one.accuracy.n for one in bins) == len(labels)


def test_reliability_plot_shows_every_bin_of_both_models_with_its_interval(judged):
    bins = {"student": reliability(*judged), "teacher": reliability(judged[0], judged[1][:, ::-1].copy())}
    svg = svg_of(reliability_plot("r", bins))
    total = sum(len(group) for group in bins.values())
    assert len(marks(svg, "stroke")) == total
    assert len([one for one in marks(svg, "fill") if one.tag == "rect"]) == total
    assert {"student", "teacher"} <= set(svg.itertext())


def test_length_histogram_counts_every_function_once():
    lengths = [int(v) for v in np.random.default_rng(0).lognormal(5, 1.2, 700)] + [1, 0]
    bars = length_histogram(lengths)
    assert sum(count for *_, count in bars) == len(lengths)
    clipped = np.maximum(lengths, 1)
    for low, high, count in bars:
        assert count == ((clipped >= low - 1e-9) & (clipped < high - 1e-9)).sum()


def test_length_plot_says_how_many_are_cut():
    svg = svg_of(length_plot("l", [10, 50, 400, 401, 900], limit=400))
    assert "40.0% are longer" in list(svg.itertext())
    assert len(marks(svg, "limit")) == 1


def test_latency_plot_marks_each_median_and_rises_to_one():
    times = {"student": [3e-5, 2e-5, 4e-5], "teacher": [0.02, 0.03, 0.05]}
    svg = svg_of(latency_plot("t", times))
    assert len(marks(svg, "curve")) == 2
    said = " ".join(svg.itertext())
    assert "student, median 30 µs" in said
    assert "teacher, median 30 ms" in said
    ends = {one.get("d").rsplit(" ", 1)[-1] for one in marks(svg, "curve")}
    assert len(ends) == 1


def test_training_plot_rings_the_kept_epoch_in_the_upper_panel():
    epochs = [Epoch(k, 0.3 / k, 0.5 + 0.01 * k) for k in (1, 2, 3)]
    svg = svg_of(training_plot("c", epochs, metric="accuracy", shipped=2))
    assert len(marks(svg, "fill")) == 6
    (ring,) = marks(svg, "ring")
    said = {one.find("title").text: (one.get("cx"), one.get("cy")) for one in marks(svg, "fill")}
    assert (ring.get("cx"), ring.get("cy")) == said["epoch 2: accuracy 0.5200"]


def test_forest_plot_has_a_line_a_model_and_a_dash_for_chance():
    rows = [
        ("teacher", Measure("accuracy", 0.61, 0.59, 0.63, 900)),
        ("x" * 60, Measure("accuracy", 0.6, 0.58, 0.62, 900)),
    ]
    svg = svg_of(forest_plot("f", rows, majority=0.55))
    assert len(marks(svg, "stroke")) == 2
    assert len(marks(svg, "majority")) == 1
    assert max(len(text) for text in svg.itertext() if text.startswith("xx") and ":" not in text) == 36


def test_one_point_one_epoch_one_time_one_function_are_enough_to_draw():
    svg_of(pareto_plot("p", POINTS[:1], metric="accuracy"))
    svg_of(training_plot("c", [Epoch(1, 0.2, 0.5)], metric="f1"))
    svg_of(latency_plot("t", {"a": [1e-3]}))
    svg_of(length_plot("l", [7], limit=400))


def test_a_reference_far_away_is_told_and_not_drawn():
    one, other = Measure("accuracy", 0.95, 0.94, 0.96, 900), Measure("accuracy", 0.97, 0.96, 0.98, 900)
    svg = svg_of(forest_plot("f", [("a", one), ("b", other)], majority=0.5))
    assert not marks(svg, "majority")
    assert "far below, not drawn: always the commonest label, 0.5000" in svg.find("desc").text
    assert not marks(svg_of(pareto_plot("p", POINTS, metric="accuracy", majority=0.5)), "majority")
    assert marks(svg_of(pareto_plot("p", POINTS, metric="accuracy", majority=0.85)), "majority")
