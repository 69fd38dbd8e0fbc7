"""How much a semantic class tells whoever keeps the code.

A framework asks functions of one name of every class (`init`, `apply`, `deserialize`): a model calls some of them
clones, because they call the same things for other ends. Nobody would make one of them. And long functions with one
vocabulary have few words in common: the closer a class is, the more often it is one that a reader wants to know.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from codewren.scan.finding import Location

FEW_OWNERS = 3  # types or files that have a function of one name before it looks like one that a framework asks for
CALL_LINES = 4  # of a function that only calls another: so much is left of each
CLOSENESS = 2  # power of the share of words beyond chance; with 1 long functions of one vocabulary come first

_QUALIFIER = re.compile(r"::|[.:#]")


def simple_name(name: str) -> str:
    """A function's name without what surrounds it.

    >>> [simple_name(name) for name in ("A.B.run", "ns::T::operator()", "exports.create.Literal[left.type=x]", "f")]
    ['run', 'operator()', 'Literal', 'f']
    """
    head = name.partition("[")[0]
    return _QUALIFIER.split(head)[-1] or name


def owner_counts(functions: Iterable[tuple[str, str]]) -> Mapping[str, int]:
    """In how many types or files a function of each name is, from path and qualified name; overloads count once.

    >>> dict(owner_counts([("a.py", "A.run"), ("a.py", "B.run"), ("a.py", "A.run"), ("a.py", "A.stop")]))
    {'run': 2, 'stop': 1}
    """
    owners: dict[tuple[str, str, str], None] = {}
    for path, name in functions:
        simple = simple_name(name)
        owners[path, name.removesuffix(simple), simple] = None
    return Counter(simple for *_, simple in owners)


def class_weight(shown: Sequence[Location], owners: Mapping[str, int]) -> float:
    """What of the lines that a semantic class would save counts in an order, from 0 to 1.

    Args:
        shown: its functions, the first of which the others are compared with.
        owners: in how many types or files a function of each name is.
    """
    names = Counter(simple_name(location.name) for location in shown)
    first, *others = shown
    lines = [min(location.lines, first.lines) for location in others]
    body_share = sum(max(0, count - CALL_LINES) for count in lines) / sum(lines)
    closeness = sum(location.overlap_beyond_chance for location in others) / len(others)
    novelty = sum(_novelty(simple_name(location.name), names, owners) for location in others) / len(others)
    return novelty * body_share * float(closeness**CLOSENESS)


def _novelty(name: str, names: Mapping[str, int], owners: Mapping[str, int]) -> float:
    """Little for a name that several functions of a class and many types have; 1 for one that no other has here."""
    return min(1.0, FEW_OWNERS / max(owners.get(name, 1), 1)) ** 2 if names[name] > 1 else 1.0
