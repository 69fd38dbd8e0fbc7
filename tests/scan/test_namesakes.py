from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.finding import CloneKind, Finding, Location
from codewren.scan.namesakes import CALL_LINES, FEW_OWNERS, class_weight, owner_counts, simple_name
from codewren.scan.result import Order

SHARES = st.floats(0, 1)
NAMES = st.sampled_from(["A.init", "B.init", "C.run", "D::run", "stop"])


def shown(names: list[str], overlap: float = 0.6) -> list[Location]:
    kinds = [None, *[CloneKind.SEMANTIC] * (len(names) - 1)]
    shares = [1.0, *[overlap] * (len(names) - 1)]
    rows = zip(names, kinds, shares, strict=True)
    return [Location(f"{i}.java", 1, 20, name, kind, share) for i, (name, kind, share) in enumerate(rows)]


def semantic(locations: list[Location], owners: dict[str, int]) -> Finding:
    first, *others = locations
    weight = class_weight(locations, owners)
    return Finding("clone", 0.98, first, "f", tuple(others), CloneKind.SEMANTIC, weight=weight)


@pytest.mark.parametrize(
    ("name", "simple"),
    [
        ("org.A.B.run", "run"),
        ("ns::T<int>::operator==", "operator=="),
        ("f", "f"),
        ("exports.create.Literal[a.type='x.y']", "Literal"),
        ("T.[Symbol.iterator]", "T.[Symbol.iterator]"),
        ("", ""),
    ],
)
def test_a_simple_name_is_what_follows_the_last_qualifier(name: str, simple: str) -> None:
    assert simple_name(name) == simple


def test_overloads_have_one_owner_and_files_without_types_own_their_functions() -> None:
    functions = [("a.go", "init"), ("b.go", "init"), ("a.java", "A.init"), ("a.java", "A.init"), ("a.java", "B.init")]
    assert owner_counts(functions) == {"init": 4}


@given(st.lists(NAMES, min_size=2, max_size=6), SHARES, st.integers(1, 300))
def test_a_weight_is_a_share(names: list[str], overlap: float, owners: int) -> None:
    assert 0 <= class_weight(shown(names, overlap), {"init": owners, "run": owners}) <= 1


@given(st.lists(NAMES, min_size=2, max_size=6), SHARES, st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_more_types_have_a_name_the_less_its_class_weighs(
    names: list[str], overlap: float, owners: tuple[int, int]
) -> None:
    few, many = ({"init": count, "run": 2} for count in sorted(owners))
    assert class_weight(shown(names, overlap), many) <= class_weight(shown(names, overlap), few)


@given(st.lists(NAMES, min_size=2, max_size=6), st.tuples(SHARES, SHARES), st.integers(1, 300))
def test_the_closer_a_class_is_the_more_it_weighs(names: list[str], overlaps: tuple[float, float], owners: int) -> None:
    loose, close = sorted(overlaps)
    counts = {"init": owners, "run": owners}
    assert class_weight(shown(names, loose), counts) <= class_weight(shown(names, close), counts)


@given(SHARES, st.integers(1, 300))
def test_one_name_in_many_types_never_outweighs_several_names(overlap: float, owners: int) -> None:
    counts = {"init": owners, "start": owners, "begin": owners}
    one_name = class_weight(shown(["A.init", "B.init", "C.init"], overlap), counts)
    several = class_weight(shown(["A.init", "B.start", "C.begin"], overlap), counts)
    assert one_name <= several
    if owners > FEW_OWNERS and several:
        assert one_name < several


def test_a_family_that_a_framework_asks_for_comes_after_a_smaller_class_of_several_names() -> None:
    owners = {"init": 40, "encode": 1, "decode": 1, "close": 2}
    family = semantic(shown([f"T{i}.init" for i in range(20)]), owners)
    pair = semantic(shown(["A.encode", "A.decode"]), owners)
    twins = semantic(shown(["A.close", "B.close"]), owners)
    assert family.saved_lines > 10 * pair.saved_lines
    for order in permutations([family, pair, twins]):
        assert sorted(order, key=Order.SAVED.key)[-1] is family
    assert Order.SAVED.key(pair) == Order.SAVED.key(twins)


def test_long_functions_of_one_vocabulary_come_after_shorter_ones_that_are_alike() -> None:
    first, other = shown(["A.plan", "A.schedule"], overlap=0.4)
    vocabulary = semantic([replace(first, end_line=200), replace(other, end_line=200)], {})
    alike = semantic(shown(["B.encode", "B.decode"], overlap=0.65), {})
    assert vocabulary.saved_lines > 2 * alike.saved_lines
    assert sorted([vocabulary, alike], key=Order.SAVED.key) == [alike, vocabulary]


@given(st.lists(NAMES, min_size=2, max_size=6), SHARES, st.tuples(st.integers(1, 99), st.integers(1, 99)))
def test_short_bodies_weigh_less_for_each_of_their_lines(
    names: list[str], overlap: float, lines: tuple[int, int]
) -> None:
    short, long = sorted(lines)
    of_short, of_long = ([replace(one, end_line=count) for one in shown(names, overlap)] for count in (short, long))
    assert class_weight(of_short, {}) <= class_weight(of_long, {})
    if short <= CALL_LINES:
        assert class_weight(of_short, {}) == 0
