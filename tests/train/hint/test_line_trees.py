"""Trees learn which lines patches change, of other projects only, and split where a search of all splits would."""

import random
from itertools import product

import numpy as np
import pytest

from codewren.bundle.hint import LINE_DEPTH, LINE_MEASURES
from codewren.measure.line_hits import hits
from codewren.train.hint import line_trees
from codewren.train.hint.examples import Examples
from codewren.train.hint.line_fit import line_scores
from codewren.train.hint.line_trees import ChangedLines, changed_lines, fit_line_trees, line_measures
from train.hint.made_packages import PACKAGES, made_function


def made_lines(count: int, seed: int = 0) -> ChangedLines:
    """Functions to which a check before the copy is added."""
    rng, examples = random.Random(seed), Examples()
    for k in range(count):
        old = made_function(rng, checked=False, lines=12)
        new = old.replace("    memcpy", "    if (len > sizeof(buf))\n        return -1;\n    memcpy")
        project = PACKAGES[k % len(PACKAGES)]
        examples.fixed.append((examples.add(old, 1, "packages", project), examples.add(new, 0, "", project)))
    return ChangedLines.of(examples)


@pytest.fixture(scope="module")
def lines() -> ChangedLines:
    return made_lines(60)


def split(values: np.ndarray, lines: ChangedLines) -> list[np.ndarray]:
    return [values[lines.functions == number] for number in range(len(lines.projects))]


def test_what_patches_change_is_found_in_functions_not_seen(lines: ChangedLines) -> None:
    trees, unseen = fit_line_trees(lines, 20, np.random.default_rng(0)), made_lines(30, seed=1)
    changed = split(unseen.is_changed, unseen)
    longest = unseen.measures[:, LINE_MEASURES.index("bytes")].astype(float)
    assert hits(split(line_scores(trees, unseen), unseen), changed, 1).mean() > 0.9
    assert hits(split(longest, unseen), changed, 1).mean() < 0.9


def test_equal_seeds_give_equal_trees(lines: ChangedLines) -> None:
    first, again, other = (fit_line_trees(lines, 5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_only_functions_with_a_choice_of_lines_teach() -> None:
    examples = Examples()
    short, long = "int f(int a)\n{\n    return a;\n}\n", made_function(random.Random(0), checked=False, lines=12)
    for old, new in ((short, short.replace("a;", "-a;")), (long, long), (long, long.replace("memcpy", "copy"))):
        examples.fixed.append((examples.add(old, 1, "packages", "p"), examples.add(new, 0, "", "p")))
    lines = ChangedLines.of(examples)
    assert lines.projects.tolist() == ["p"]
    numbers, _ = line_measures(long)
    copied = [number for number, line in enumerate(long.split("\n")) if "memcpy" in line]
    assert numbers[lines.is_changed].tolist() == copied


def test_functions_that_are_kept_keep_their_lines(lines: ChangedLines) -> None:
    members = lines.projects == PACKAGES[0]
    kept = lines.kept(members)
    assert set(kept.projects.tolist()) == {PACKAGES[0]}
    chosen = np.flatnonzero(members)
    for number, own in enumerate(split(kept.is_changed, kept)):
        assert np.array_equal(own, lines.is_changed[lines.functions == chosen[number]])


def test_a_stage_keeps_the_lines(lines: ChangedLines) -> None:
    again = ChangedLines.from_arrays(lines.to_arrays())
    assert np.array_equal(again.measures, lines.measures)
    assert again.projects.tolist() == lines.projects.tolist()


def test_the_best_question_is_that_of_a_search_through_all() -> None:
    rng = np.random.default_rng(0)
    bins, leaves = rng.integers(0, 4, (3, 50)), rng.integers(0, 2, 50)
    slopes = np.stack([rng.normal(size=50), rng.random(50)])
    gains = line_trees._gains(bins, leaves, slopes, 2)
    for row, limit in product(range(3), range(3)):
        sides = [(leaves == leaf) & ((bins[row] > limit) == side) for leaf, side in product((0, 1), (False, True))]
        sums = [slopes[:, members].sum(axis=1) for members in sides]
        expected = sum(slope**2 / (curvature + line_trees.STIFFNESS) for slope, curvature in sums)
        assert gains[row, limit] == pytest.approx(expected)
    assert (gains[:, 3:] == -1).all()


def test_lines_that_differ_in_white_space_are_not_changed() -> None:
    assert list(changed_lines(["int  a;", "b();"], ["int a;", "    b();"], [0, 1])) == []


def test_without_functions_the_trees_add_nothing() -> None:
    nothing = ChangedLines.of(Examples())
    assert not fit_line_trees(nothing, 2, np.random.default_rng(0))[:, 2 * LINE_DEPTH :].any()
