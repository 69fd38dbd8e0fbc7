"""Pareto fronts against brute force."""

from hypothesis import given
from hypothesis import strategies as st

from codewren.core.pareto import Budget, Candidate, ParetoFront, Scores
from codewren.core.student_config import StudentConfig

scores = st.builds(
    Scores,
    effectiveness=st.integers(0, 5).map(lambda x: x / 5),
    size_bytes=st.integers(1, 5),
    latency_s=st.integers(1, 3).map(float),
)


def key(s):
    return (-s.effectiveness, s.size_bytes, s.latency_s)


@given(st.lists(scores, min_size=1, max_size=12))
def test_front_keeps_exactly_what_nothing_dominates(pool):
    candidates = [Candidate(StudentConfig(vocab_size=10 + i), s) for i, s in enumerate(pool)]
    kept = {c.config for c in ParetoFront.of(candidates).candidates}
    for candidate in candidates:
        beaten = any(
            all(a <= b for a, b in zip(key(o.scores), key(candidate.scores), strict=True))
            and key(o.scores) != key(candidate.scores)
            for o in candidates
        )
        assert (candidate.config in kept) is not beaten


@given(st.lists(scores, min_size=1, max_size=6))
def test_front_survives_json(pool):
    front = ParetoFront.of([Candidate(StudentConfig(vocab_size=10 + i), s) for i, s in enumerate(pool)])
    assert ParetoFront.from_dict(front.to_dict()) == front


def test_budget_allows_up_to_its_limit_and_what_was_not_measured():
    budget = Budget(max_bytes=10, max_latency_s=1.0)
    assert budget.allows(Scores(0.5, 10))
    assert budget.allows(Scores(0.5, 10, latency_s=1.0))
    assert not budget.allows(Scores(0.5, 11))
    assert not budget.allows(Scores(0.5, 10, latency_s=1.1))
