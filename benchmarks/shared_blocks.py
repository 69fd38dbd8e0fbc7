"""Blocks of tokens that two functions share though no class of a scan holds both: partial clones.

    python benchmarks/shared_blocks.py BUNDLE TREE LANGUAGE [--tokens 40] [--renamed] [--show 10]

A block is a run of so many equal tokens, with `--renamed` of equal ones once names and literals are blanked. Runs that
20 functions or more have are left out, and so are functions inside functions. What is shown is for reading.
"""

import argparse
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

from clones_against_peers import enclosing, our_classes
from tree_functions import TreeFunction, functions_of

from codewren.syntax.lexers import is_keyword
from codewren.syntax.tokens import tokens

COMMON = 20
_BLANKED = re.compile(r"[\w$\"'`]")
Pair = tuple[int, int]
"""Numbers of two functions, or of the token where a block begins in each."""


def main() -> None:
    """Find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("tree", type=Path)
    parser.add_argument("language")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--renamed", action="store_true")
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    tree, language, size = arguments.tree.resolve(), arguments.language, arguments.tokens
    functions = functions_of(tree, [language])
    start = time.process_time()
    cut = [[token for token in tokens(one.text, language) if not token.startswith("\n")] for one in functions]
    compared = [[_blank(token, language) for token in one] for one in cut] if arguments.renamed else cut
    pairs = shared_blocks(compared, size)
    seconds = time.process_time() - start
    new = _in_no_class(pairs, functions, our_classes(tree, language, arguments.bundle, all_clones=False))
    print(f"{len(functions)} functions, {len(pairs)} pairs, {len(new)} of them in no class, {seconds:.1f} s")
    for pair in random.Random(0).sample(new, min(arguments.show, len(new))):
        for number, place in zip(pair, pairs[pair], strict=True):
            one = functions[number]
            print(f"--- {one.path}:{one.first_line} {one.name}\n{' '.join(cut[number][place : place + size])}")
        print("#####")


def _blank(token: str, language: str) -> str:
    return "$" if _BLANKED.match(token) and not is_keyword(token, language) else token


def shared_blocks(functions: Sequence[Sequence[str]], size: int) -> dict[Pair, Pair]:
    """Pairs of functions that share a block of `size` tokens, and where the first block begins in each."""
    index: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for number, one in enumerate(functions):
        for begin, name in enumerate(_names(one, size)):
            index[name].setdefault(number, begin)
    pairs: dict[Pair, Pair] = {}
    for places in index.values():
        if 1 < len(places) < COMMON:
            for first, second in combinations(sorted(places), 2):
                pairs.setdefault((first, second), (places[first], places[second]))
    return pairs


def _names(one: Sequence[str], size: int) -> Iterator[int]:
    """A rolling hash of each run of `size` tokens."""
    base, modulus = 1_000_003, (1 << 61) - 1
    gone, value = pow(base, size, modulus), 0
    hashes = [hash(token) & 0xFFFFFFFF for token in one]
    for place, number in enumerate(hashes):
        value = (value * base + number) % modulus
        if place >= size:
            value = (value - hashes[place - size] * gone) % modulus
        if place >= size - 1:
            yield value


def _in_no_class(
    pairs: Iterable[Pair], functions: Sequence[TreeFunction], classes: Sequence[Sequence[tuple[str, int]]]
) -> list[Pair]:
    """Pairs whose functions lie in functions of no one class, and not one inside the other."""
    keys = [(one.path, one.first_line) for one in functions]
    around = enclosing(dict(zip(keys, functions, strict=True)))
    home: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for number, members in enumerate(classes):
        for key in members:
            home[key].add(number)
    held = [set[int]().union(*(home[other] for other in around[key])) for key in keys]
    return [
        (first, second)
        for first, second in pairs
        if not held[first] & held[second]
        and keys[first] not in around[keys[second]]
        and keys[second] not in around[keys[first]]
    ]


if __name__ == "__main__":
    main()
