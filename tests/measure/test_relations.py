"""MetaCompress's relations against what can be worked out by hand, and SciPy's divergence."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from codewren.core.errors import InputError
from codewren.measure.fields import Fields
from codewren.measure.quality import quality
from codewren.measure.relations import Relations, divergences, relations


def drawn(count, seed, classes=2):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), count)


def test_a_student_that_is_its_teacher_keeps_every_relation():
    teacher = drawn(60, 0)
    found = relations(teacher, teacher, teacher.argmax(axis=1))
    assert (found.agreement.value, found.similarity.value, found.high_confidence.value) == (1.0, 1.0, 1.0)
    assert (found.divergence.value, found.discrepancies.value, found.calibration_gap.value) == (0.0, 0.0, 0.0)


def test_each_relation_fails_alone():
    teacher = np.array([[0.45, 0.55], [0.3, 0.7], [0.05, 0.95], [0.05, 0.95]])
    student = np.array([[0.55, 0.45], [0.01, 0.99], [0.15, 0.85], [0.05, 0.95]])
    found = relations(student, teacher)
    assert found.agreement.value == 0.75  # the first
    assert found.similarity.value == 0.75  # the second
    assert (found.high_confidence.value, found.high_confidence.n) == (0.5, 2)  # the third: sure no longer
    assert found.discrepancies.value == 0.75
    assert found.calibration_gap is None


@pytest.mark.parametrize("classes", [2, 5])
def test_divergence_is_scipys_squared_distance(classes):
    first, second = drawn(50, 1, classes), drawn(50, 2, classes)
    first[0] = np.eye(classes)[0]  # zeros are allowed
    expected = [jensenshannon(a, b, base=2) ** 2 for a, b in zip(first, second, strict=True)]
    assert divergences(first, second) == pytest.approx(expected)


def test_the_calibration_gap_is_the_difference_of_both_errors():
    student, teacher, labels = drawn(200, 3), drawn(200, 4), np.random.default_rng(5).integers(0, 2, 200)
    ours, theirs = (quality(labels, one, positive=1)["ece"].value for one in (student, teacher))
    gap = relations(student, teacher, labels).calibration_gap
    assert gap.value == pytest.approx(ours - theirs)
    assert gap.low < gap.value < gap.high


def test_intervals_are_seeded_and_the_json_form_is_read_again():
    student, teacher = drawn(80, 6), drawn(80, 7)
    found = relations(student, teacher, student.argmax(axis=1))
    assert found == relations(student, teacher, student.argmax(axis=1))
    read = Relations.from_dict(Fields(found.to_dict(), "x"))
    assert [figure.value for figure in (read.agreement, read.divergence, read.calibration_gap)] == [
        found.agreement.value,
        found.divergence.value,
        found.calibration_gap.value,
    ]


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"shapes \(3, 2\) and \(4, 2\)"):
        relations(drawn(3, 0), drawn(4, 0))
