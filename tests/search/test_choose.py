"""Pick rules take what they say, of equals the smallest, and refuse in words."""

from dataclasses import replace

import pytest

from codewren.core.errors import InfeasibleError, InputError
from codewren.core.pareto import Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig
from codewren.search.choose import check_rule, choose


def candidate(size, effectiveness, latency_ms=None):
    scores = Scores(effectiveness, size, None if latency_ms is None else latency_ms / 1e3)
    return Candidate(StudentConfig(vocab_size=size // 100), scores, name=f"{size}")


FRONT = ParetoFront(
    (
        candidate(100_000, 0.900, 0.30),
        candidate(200_000, 0.950, 0.10),
        candidate(500_000, 0.958, 0.40),
        candidate(3_000_000, 0.962, 0.20),
    )
)


@pytest.mark.parametrize(
    ("rule", "size"),
    [
        ("knee", 200_000),
        ("smallest-within 0.5 points", 500_000),
        ("smallest-within 2 points", 200_000),
        ("smallest-within 0 points", 3_000_000),
        ("best-under 1 MB", 500_000),
        ("best-under 499_999", 200_000),
        ("best-under 0.15 ms", 200_000),
        ("fastest-under 150kB", 100_000),
        ("fastest-under 1 points", 3_000_000),
        ("fastest-under 0.35 ms", 200_000),
    ],
)
def test_each_rule_takes_the_candidate_it_names(rule, size):
    choice = choose(FRONT, rule)
    assert choice.candidate.scores.size_bytes == size
    assert choice.reason


def test_the_steadiest_is_taken_among_those_that_are_good_enough_noise_or_not():
    flips = (0.01, 0.04, 0.02, 0.09)
    front = ParetoFront(
        tuple(replace(c, scores=replace(c.scores, flips=f)) for c, f in zip(FRONT.candidates, flips, strict=True))
    )
    assert choose(front, "steadiest-within 1 points", noise=0.2).candidate.scores.size_bytes == 500_000
    assert choose(front, "steadiest-within 10 points").candidate.scores.size_bytes == 100_000
    with pytest.raises(InputError, match="no flips to choose by"):
        choose(FRONT, "steadiest-within 1 points")
    with pytest.raises(InputError, match="unit 'MB' does not fit steadiest-within"):
        check_rule("steadiest-within 1 MB")


def test_below_noise_the_smallest_is_taken_and_the_reason_says_so():
    flat = ParetoFront(tuple(candidate(size, 0.62 + 1e-9 * size) for size in (90_000, 400_000, 3_000_000)))
    for rule in ("knee", "best-under 3 MB", "smallest-within 0 points"):
        choice = choose(flat, rule, noise=0.01)
        assert choice.candidate.scores.size_bytes == 90_000
        assert "2 larger ones differ by less than noise (1.0 points)" in choice.reason
    assert choose(flat, "best-under 3 MB").candidate.scores.size_bytes == 3_000_000


def test_noise_does_not_remove_a_faster_candidate():
    choice = choose(FRONT, "fastest-under 3 MB", noise=0.2)
    assert choice.candidate.scores.size_bytes == 200_000


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("kne", "knee"),
        ("best-under", "lacks a limit"),
        ("best-under much", "no number"),
        ("best-under 2 points", "does not fit best-under"),
        ("smallest-within 2 MB", "does not fit smallest-within"),
    ],
)
def test_a_rule_that_cannot_be_understood_is_refused(rule, says):
    with pytest.raises(InputError, match=says):
        choose(FRONT, rule)
    with pytest.raises(InputError, match=says):
        check_rule(rule)


def test_limits_nobody_keeps_and_figures_nobody_has():
    with pytest.raises(InfeasibleError, match="none of the 4 candidates is that small"):
        choose(FRONT, "best-under 10 kB")
    with pytest.raises(InfeasibleError, match="empty"):
        choose(ParetoFront(()), "knee")
    untimed = ParetoFront((candidate(1000, 0.9), candidate(2000, 0.95)))
    with pytest.raises(InputError, match="no latency"):
        choose(untimed, "fastest-under 1 MB")
    unjudged = ParetoFront((candidate(1000, None), candidate(2000, None)))
    with pytest.raises(InputError, match="no effectiveness"):
        choose(unjudged, "best-under 1 MB")


def test_a_single_candidate_needs_no_figures():
    only = ParetoFront((candidate(1000, None),))
    assert choose(only, "knee").candidate is only.candidates[0]
