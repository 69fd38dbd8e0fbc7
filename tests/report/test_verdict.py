"""The verdict sells no noise, and says what is not known."""

import re
from dataclasses import replace

import numpy as np

from codewren.measure.estimate import Measure
from codewren.measure.intervals import mcnemar
from codewren.report.card import model_card, plain
from codewren.report.facts import Role
from codewren.report.verdict import compared, verdict
from report_facts import answers, bare, figure, model, run


def test_a_difference_within_noise_is_called_so_with_the_loss_it_may_hide():
    labels, first = answers(1, 0.7)
    _, second = answers(2, 0.7)
    said = compared("a", "b", mcnemar(labels, first, second))
    assert "Within noise" in said
    assert "a loss of up to" in said


def test_a_real_difference_has_a_direction():
    labels, good = answers(1, 0.95)
    _, bad = answers(2, 0.6)
    assert compared("a", "b", mcnemar(labels, good, bad)).endswith("It is better, and that is a real difference.")
    assert compared("b", "a", mcnemar(labels, bad, good)).endswith("It is worse, and that is a real difference.")


def test_a_stricter_bound_turns_a_small_difference_into_noise():
    labels = np.zeros(100, dtype=np.int64)
    first, second = labels.copy(), labels.copy()
    second[:7] = 1
    result = mcnemar(labels, first, second)
    assert 0.01 < result.p_value < 0.05
    assert "real difference" in compared("a", "b", result)
    assert "Within noise" in compared("a", "b", result, alpha=0.01)


def test_size_speed_and_effectiveness_are_told_against_teacher_and_chance():
    size, effectiveness, against, speed = verdict(run())
    assert size == "One file of 742,339 bytes (742 kB), tokenizer and all, 122 times smaller than its teacher."
    assert "which is above what always answering the commonest label reaches (0.6000)" in effectiveness
    assert against.startswith("devign against teacher: ")
    assert speed == "25.8 µs for one item (median, one thread), 733 times faster than the teacher in the same session."


def test_no_better_than_chance_is_said():
    facts = run()
    weak = replace(facts, models=(*facts.models[:-1], model("devign", Role.OURS, 0.61)))
    assert any("not shown to be above" in line for line in verdict(weak))


def test_imbalanced_labels_are_told_by_more_than_accuracy():
    facts = run()
    rare = replace(facts.student, majority=figure("majority", 0.92), measures={
        **facts.student.measures, "mcc": Measure("mcc", 0.2, 0.1, 0.3, 400)
    })  # fmt: skip
    said = " ".join(verdict(replace(facts, models=(rare,))))
    assert "accuracy says little here: F1 " in said
    assert "MCC 0.2000 [0.1000, 0.3000]" in said


def test_what_nobody_measured_names_the_command():
    said = " ".join(verdict(bare()))
    for command in ("run codewren effectiveness", "run codewren latency"):
        assert command in said


def test_the_card_tells_verdict_quality_gaps_and_provenance():
    card = model_card(run())
    for words in (
        "# vulnerability: devign",
        "## In short",
        "122 times smaller",
        "Slices by length",
        "SHA-256",
        "| bytes",
    ):
        assert words in card
    assert "## Not measured" not in card
    assert "- energy: run codewren energy" in model_card(bare())


def test_the_card_is_not_broken_by_names():
    nasty = "a|b\n# [x](javascript:1) <script>`"
    card = model_card(run(nasty))
    assert "<script>" not in card
    assert not re.search(r"(?<!\\)\]\(", card)
    assert card.count("\n# ") == 0
    assert plain(nasty) in card
    rows = [line for line in card.splitlines() if line.startswith("| accuracy")]
    assert len(rows) == 1


def test_times_of_different_sessions_are_never_divided():
    facts = run()
    apart = replace(facts, models=(*facts.models[:-1], replace(facts.student, timed_in="another day")))
    assert verdict(apart)[-1] == "25.8 µs for one item (median, one thread)."
