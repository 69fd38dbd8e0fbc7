"""Projects that descend from one another, or carry each other: their functions are no background for each other."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

from codewren.scan.lexical import EDITED_OVERLAP, FEWEST_WORDS, overlap
from codewren.train.similarity.project_functions import ProjectFunction
from codewren.train.similarity.source_lexer import Kind, lex

LEAST_COPIES = 3
"""One or two functions are copied from a forum; three say that there was one project."""

MOST_OF_A_NAME = 80

ProjectPairs = frozenset[frozenset[str]]


def related_projects(functions: Iterable[ProjectFunction]) -> ProjectPairs:
    """Pairs of projects with at least three functions of one name that share 70 % of their words.

    Copies mostly keep their names, so only functions of one name are compared.
    """
    by_name: defaultdict[tuple[str, str], list[ProjectFunction]] = defaultdict(list)
    for function in functions:
        if function.name:
            by_name[function.language, function.name].append(function)
    copies: Counter[frozenset[str]] = Counter()
    for alike in by_name.values():
        if 1 < len(alike) <= MOST_OF_A_NAME and len({function.project for function in alike}) > 1:
            copies.update(_copied(alike))
    return frozenset(pair for pair, count in copies.items() if count >= LEAST_COPIES)


def _copied(functions: Sequence[ProjectFunction]) -> set[frozenset[str]]:
    """Pairs of projects with a copy among functions of one name."""
    bags = [(function.project, word_bag(function)) for function in functions]
    return {
        frozenset((first, second))
        for (first, left), (second, right) in combinations(bags, 2)
        if first != second and overlap(left, right) >= EDITED_OVERLAP
    }


def word_bag(function: ProjectFunction) -> list[int]:
    """Distinct words as the scan's bags have them; empty for a function of too few."""
    tokens = lex(function.text, python=function.language == "python")
    words = Counter(token.text for token in tokens if token.kind is not Kind.OPERATOR)
    if words.total() < FEWEST_WORDS:
        return []
    return [(zlib.crc32(word.encode()) & 0xFFFFFF) << 8 | min(count, 0xFF) for word, count in words.items()]
