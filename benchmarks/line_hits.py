"""Whether the lines that speak for a finding are those that a security patch changed.

    python benchmarks/line_hits.py [BUNDLE...] [--data ../shared/data/debian_cve] [--top 5] [--left-out FOLDER]

For each function that a Debian package patched for a CVE: its lines with a letter or digit are ranked by what they
carry, the first `--top` are taken, and it is a hit if the patch changes one of them. A changed line is one that the
difference to the fixed function deletes or replaces; where only lines are added, it is the line before and the line
behind them. Beside it: lines drawn at random (the exact expectation), the longest lines, and those with most calls.
Differences are paired by function: the interval is that of a bootstrap, p that of a sign-flipping test, both over
functions. `shift` reads each text again without the line, so that later tokens move up, in place of hiding it.
`--left-out` names a folder with a bundle PACKAGE.wren for each package, trained without it; each then explains that
package's functions.
"""

import argparse
import json
import lzma
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codewren.predict.predictor import Predictor, load

SHARED = Path(__file__).parents[2] / "shared/data/debian_cve"
BUNDLES = ("vulnerability-c-micro", "vulnerability-c-mini", "vulnerability-c-standard")
_FEWEST_LINES = 8
_DRAWS = 10_000
_CALL = re.compile(r"\w\s*\(")
Floats = npt.NDArray[np.float64]
Scores = Callable[[Sequence[str]], list[list[float]]]


class Patched(NamedTuple):
    """A function, its lines that may be ranked, and those that the patch changes, both counted from 0."""

    package: str
    text: str
    lines: tuple[int, ...]
    changed: frozenset[int]


def main() -> None:
    """Read, rank, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", default=BUNDLES)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--left-out", type=Path, metavar="FOLDER", help="bundles that have not seen a package each")
    parser.add_argument("--shift", action="store_true", help="also with later tokens moved up")
    arguments = parser.parse_args()
    functions = list(patched(arguments.data))
    if arguments.left_out:
        functions = [one for one in functions if (arguments.left_out / f"{one.package}.wren").exists()]
    texts = [one.text for one in functions]
    share = sum(len(one.changed) for one in functions) / sum(len(one.lines) for one in functions)
    print(f"{len(functions)} functions, {share:.1%} of their lines changed, top {arguments.top}")
    chance = np.array([by_chance(one, arguments.top) for one in functions])
    longest = hits(functions, [[float(len(line.strip())) for line in lines_of(text)] for text in texts], arguments.top)
    calls = hits(
        functions, [[float(len(_CALL.findall(line))) for line in lines_of(text)] for text in texts], arguments.top
    )
    print(f"{'ranking':32}{'hits':>7}{'ms':>7}   against random{'':18}against longest lines")
    for name, values in (("random", chance), ("longest lines", longest), ("most calls", calls)):
        print(f"{name:32}{values.mean():7.3f}{'':7}   {compared(values, chance)}   {compared(values, longest)}")
    if arguments.left_out:
        values = hits(functions, left_out_scores(functions, arguments.left_out), arguments.top)
        figures = f"{compared(values, chance)}   {compared(values, longest)}"
        print(f"{str(arguments.left_out)[-32:]:32}{values.mean():7.3f}{'':7}   {figures}")
    for bundle in arguments.bundles:
        predictor = load(bundle)
        predictor.threads = 1
        rankings: dict[str, Scores] = {bundle: lambda texts, predictor=predictor: explained(predictor, texts)}
        if arguments.shift:
            rankings[f"{bundle}, shift"] = lambda texts, predictor=predictor: shifted(predictor, texts)
        scores = {}
        for name, ranking in rankings.items():
            before = time.process_time()
            scores[name] = ranking(texts)
            cost_ms = 1e3 * (time.process_time() - before) / len(texts)
            values = hits(functions, scores[name], arguments.top)
            print(
                f"{name:32}{values.mean():7.3f}{cost_ms:7.2f}   {compared(values, chance)}   "
                f"{compared(values, longest)}"
            )
        if arguments.shift:
            shared = agreement(functions, *scores.values(), arguments.top)
            print(f"  hidden against shifted: {shared:.2f} of the top shared")


def patched(folder: Path) -> Iterator[Patched]:
    """Functions with a patch, and at least `_FEWEST_LINES` lines that may be ranked."""
    with lzma.open(folder / "functions.jsonl.xz", "rt") as rows:
        for row in map(json.loads, rows):
            if not row["target"] or not row["fixed"]:
                continue
            lines = lines_of(row["func"])
            telling = tuple(number for number, line in enumerate(lines) if any(map(str.isalnum, line)))
            changed = frozenset(changed_lines(lines, lines_of(row["fixed"]))) & frozenset(telling)
            if changed and len(telling) >= _FEWEST_LINES:
                yield Patched(row["package"], row["func"], telling, changed)


def lines_of(text: str) -> list[str]:
    """Lines as explanations count them."""
    return text.split("\n")


def changed_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[int]:
    """Lines that the difference deletes or replaces; around lines that are only added, the telling neighbours."""
    first, second = ([" ".join(line.split()) for line in lines] for lines in (before, after))
    telling = [number for number, line in enumerate(first) if any(map(str.isalnum, line))]
    for tag, i, j, k, m in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag == "insert" and any(any(map(str.isalnum, line)) for line in second[k:m]):
            yield from [number for number in telling if number < i][-1:]
            yield from [number for number in telling if number >= i][:1]
        elif tag in {"delete", "replace"}:
            yield from range(i, j)


def by_chance(function: Patched, top: int) -> float:
    """The probability that one of `top` lines drawn at random is changed."""
    lines, changed = len(function.lines), len(function.changed)
    return 1 - math.comb(lines - changed, top) / math.comb(lines, top)


def hits(functions: Sequence[Patched], scores: Sequence[Sequence[float]], top: int) -> Floats:
    """For each function whether a changed line is among the first; equal ones share the places that are left."""
    return np.array([_hit(one, row, top) for one, row in zip(functions, scores, strict=True)])


def _hit(function: Patched, scores: Sequence[float], top: int) -> float:
    ranked = sorted(function.lines, key=lambda line: -scores[line])
    last = scores[ranked[top - 1]]
    above = [line for line in ranked if scores[line] > last]
    if function.changed & set(above):
        return 1.0
    equal = [line for line in ranked if scores[line] == last]
    changed = len(function.changed & set(equal))
    return 1 - math.comb(len(equal) - changed, top - len(above)) / math.comb(len(equal), top - len(above))


def left_out_scores(functions: Sequence[Patched], folder: Path) -> list[list[float]]:
    """What each line carries by the bundle that has not seen its package."""
    predictors = {package: load(folder / f"{package}.wren") for package in {one.package for one in functions}}
    return [explained(predictors[one.package], [one.text])[0] for one in functions]


def explained(predictor: Any, texts: Sequence[str]) -> list[list[float]]:
    """What each line carries."""
    return [[line.score for line in one.lines] for one in predictor.explain(texts)]


def shifted(predictor: Predictor, texts: Sequence[str]) -> list[list[float]]:
    """What is lost when the text is read again without the line."""
    rows = []
    for text in texts:
        left_out = predictor._reread(text, None)
        whole, *without = left_out.log_odds
        row = [0.0] * len(lines_of(text))
        for number, odds in zip(left_out.numbers, without, strict=True):
            row[number - 1] = whole - odds
        rows.append(row)
    return rows


def agreement(functions: Sequence[Patched], first: list[list[float]], second: list[list[float]], top: int) -> float:
    """The share of the first lines of one ranking that are among those of the other."""
    shares = []
    for one, a, b in zip(functions, first, second, strict=True):
        tops = [set(sorted(one.lines, key=lambda line: -scores[line])[:top]) for scores in (a, b)]
        shares.append(len(tops[0] & tops[1]) / top)
    return float(np.mean(shares))


def compared(values: Floats, other: Floats) -> str:
    """The difference of two rates with its interval, their ratio, and p of no difference."""
    rng = np.random.default_rng(0)
    differences = values - other
    if not differences.any():
        return f"{'-':29}"
    means = np.array(
        [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(_DRAWS // 5)]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    flips = rng.choice([-1.0, 1.0], (_DRAWS, len(differences))) @ differences / len(differences)
    p = (1 + np.sum(np.abs(flips) >= abs(differences.mean()) - 1e-12)) / (1 + _DRAWS)
    return f"x{values.mean() / other.mean():.2f} {differences.mean():+.3f} [{low:+.3f}, {high:+.3f}] p {p:.4f}"


if __name__ == "__main__":
    main()
