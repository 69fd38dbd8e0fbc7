import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codewren.scan.grouping import LINKAGE, Pair, group


def naive_group(count: int, pairs: list[Pair]) -> set[frozenset[int]]:
    """The rule word by word: density recounted from the pairs whenever two classes meet."""
    linked = {frozenset(pair[:2]) for pair in pairs}
    classes = [{index} for index in range(count)]
    for i, j, _ in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        a = next(one for one in classes if i in one)
        b = next(one for one in classes if j in one)
        across = sum(frozenset((x, y)) in linked for x in a for y in b) if a is not b else 0
        if a is not b and across >= LINKAGE * len(a) * len(b):
            classes.remove(b)
            a |= b
    return {frozenset(one) for one in classes}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Pair]]:
    count = draw(st.integers(1, 9))
    every = list(combinations(range(count), 2))
    chosen = draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    return count, [(i, j, draw(st.sampled_from([0.6, 0.7, 0.8, 0.9]))) for i, j in chosen]


@given(graphs())
def test_classes_follow_the_rule_of_average_linkage(graph: tuple[int, list[Pair]]) -> None:
    count, pairs = graph
    classes = group(count, pairs)
    assert {frozenset(members) for members, _ in classes} == naive_group(count, pairs)
    for members, probability in classes:
        inside = [p for i, j, p in pairs if i in members and j in members]
        assert probability == pytest.approx(sum(inside) / len(inside) if inside else 1)


def test_a_chain_of_pairs_does_not_become_one_class() -> None:
    chain = [(index, index + 1, 0.9) for index in range(99)]
    assert max(len(members) for members, _ in group(100, chain)) <= 3


def test_two_cliques_joined_by_a_few_weaker_pairs_stay_two() -> None:
    one, other = range(5), range(5, 9)
    cliques = [(i, j, 0.8) for members in (one, other) for i, j in combinations(members, 2)]
    bridges = [(0, 8, 0.7), (1, 7, 0.7), (4, 5, 0.7)]
    assert sorted(sorted(members) for members, _ in group(9, [*bridges, *cliques])) == [list(one), list(other)]


def test_a_large_sparse_graph_is_partitioned() -> None:
    rng = random.Random(0)
    pairs = sorted({tuple(sorted(rng.sample(range(3000), 2))) for _ in range(30_000)})
    classes = group(3000, [(i, j, rng.random()) for i, j in pairs])
    assert sum(len(members) for members, _ in classes) == 3000


@given(graphs(), st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=4))
def test_functions_that_are_apart_never_share_a_class(
    graph: tuple[int, list[Pair]], forbidden: set[tuple[int, int]]
) -> None:
    count, pairs = graph
    apart: dict[int, list[int]] = {}
    for i, j in forbidden:
        if i != j and max(i, j) < count:
            apart.setdefault(i, []).append(j)
            apart.setdefault(j, []).append(i)
    classes = [members for members, _ in group(count, pairs, apart=apart)]
    assert sorted(member for members in classes for member in members) == list(range(count))
    assert not any(j in members for members in classes for i in members for j in apart.get(i, ()))


@given(graphs(), st.data())
def test_classes_that_exist_are_never_cut(graph: tuple[int, list[Pair]], data: st.DataObject) -> None:
    count, pairs = graph
    names = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    start = [[index for index in range(count) if names[index] == name] for name in sorted(set(names))]
    classes = [set(members) for members, _ in group(count, pairs, start=start)]
    assert all(any(set(members) <= wider for wider in classes) for members in start)
