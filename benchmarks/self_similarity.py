"""A function and itself, edited: how often the probability stays above the alert threshold, by language.

    python benchmarks/self_similarity.py BUNDLE TREE... [--functions 2000] [--seed 0]

TREEs are projects that the model has never seen. Each function is compared with itself; with itself set in other white
space; with a comment after every other line; with all its variables renamed, to names of other functions of its
language; and with a statement of another function added. The aims: at least 99.9, 99.9, 99.9, 98 and 95 %.
"""

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tree_functions import TreeFunction, functions_of, sampled

from codewren.predict.predictor import load
from codewren.syntax.grammars import LANGUAGES
from codewren.syntax.lexers import is_keyword
from codewren.syntax.tokens import tokens

AIMS = {"itself": 99.9, "reformatted": 99.9, "commented": 99.9, "renamed": 98.0, "statement added": 95.0}
_NAME = re.compile(r"[a-z_]\w*")
_SIMPLE_STATEMENT = re.compile(r"\s+[\w.>\-\[\]]+ ?[-+*]?= ?[^{};#:]+(;?)\s*|\s+[\w.>\-]+\([^{};#:]*\)(;?)\s*")


class Material(NamedTuple):
    """What edits of one language are made of: names of variables, and lines that are one statement."""

    names: list[str]
    statements: list[str]


def main() -> None:
    """Cut, edit, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--functions", type=int, default=2000, help="of each language at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", type=int, default=0, help="texts to print of each kind that fall below")
    arguments = parser.parse_args()
    predictor = load(arguments.bundle)
    threshold = predictor.bundle.decision.alert_threshold or predictor.bundle.decision.threshold
    by_language: defaultdict[str, list[TreeFunction]] = defaultdict(list)
    for tree in arguments.trees:
        for function in functions_of(tree, LANGUAGES):
            by_language[function.language].append(function)
    print(f"{'language':12}{'functions':>10}" + "".join(f"{name:>18}" for name in AIMS))
    for language, every in sorted(by_language.items()):
        functions = sampled(every, arguments.functions, arguments.seed)
        shares = []
        for name, edit in edits(functions, random.Random(arguments.seed)).items():
            edited = [edit(function) for function in functions]
            pairs = [(function.text, other) for function, other in zip(functions, edited, strict=True)]
            positive = predictor.task.positive_index
            rows = predictor.predict_proba(pairs, languages=[language] * len(pairs))
            lost = [pair for pair, row in zip(pairs, rows, strict=True) if row[positive] <= threshold]
            shares.append(100 - 100 * len(lost) / len(pairs))
            for first, second in lost[: arguments.misses]:
                print(f"--- {name}\n{first}\n--- and\n{second}")
        verdicts = (
            f"{share:16.2f}{' <' if share < aim else '  '}" for share, aim in zip(shares, AIMS.values(), strict=True)
        )
        print(f"{language:12}{len(functions):>10}" + "".join(verdicts), flush=True)


def edits(functions: Sequence[TreeFunction], rng: random.Random) -> dict[str, Callable[[TreeFunction], str]]:
    """The edits by name."""
    names = {name for function in functions for name in variables(function)}
    statements = [line for function in functions for line in function.text.split("\n") if is_statement(line, function)]
    material = Material(sorted(names), sorted(set(statements)) or ["  total = total + 1"])
    return {
        "itself": lambda function: function.text,
        "reformatted": lambda function: reformatted(function, rng),
        "commented": commented,
        "renamed": lambda function: renamed(function, material, rng),
        "statement added": lambda function: with_statement(function, material, rng),
    }


def pieces(function: TreeFunction) -> list[str]:
    """The text cut so that every other piece is a token, and the pieces between are white space and comments."""
    cut, position = [], 0
    for token in tokens(function.text, function.language):
        if token.startswith("\n"):  # a level of nesting in Python, which is white space
            continue
        start = function.text.find(token, position)
        if start < 0:
            continue
        cut += [function.text[position:start], token]
        position = start + len(token)
    return [*cut, function.text[position:]]


def reformatted(function: TreeFunction, rng: random.Random) -> str:
    """Other white space wherever there is some: in Python twice the indentation, elsewhere any."""
    cut = pieces(function)
    for number in range(0, len(cut), 2):
        space = cut[number]
        if function.language == "python":
            cut[number] = space.replace("  ", "    ") if not space.strip() else space
        elif space and not space.strip():
            cut[number] = rng.choice((" ", "  ", "\n", "\n\t", "\n\n    "))
    return "".join(cut)


def commented(function: TreeFunction) -> str:
    """A comment at every other end of a line that is between tokens."""
    sign, cut, ends = "#" if function.language == "python" else "//", pieces(function), 0
    for number in range(2, len(cut), 2):
        if "\n" in cut[number] and not cut[number].strip() and not cut[number - 1].endswith("\\"):
            ends += 1
            cut[number] = f"  {sign} see above: the caller's case {ends}" * (ends % 2) + cut[number]
    return "".join(cut)


def variables(function: TreeFunction) -> list[str]:
    """Names that look like variables: small letters, there twice or more, neither called nor members."""
    words = [token for token in tokens(function.text, function.language) if not token.startswith("\n")]
    counts: defaultdict[str, int] = defaultdict(int)
    others = set()
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if _NAME.fullmatch(word) and not is_keyword(word, function.language):
            counts[word] += 1
            if after == "(" or before in {".", "->", "::", "?."}:
                others.add(word)
    return [word for word, count in counts.items() if count > 1 and word not in others]


def renamed(function: TreeFunction, material: Material, rng: random.Random) -> str:
    """All variables with other names."""
    old = variables(function)
    free = [name for name in material.names if name not in function.text]
    new = dict(zip(old, rng.sample(free, min(len(old), len(free))), strict=False))
    cut = pieces(function)
    cut[1::2] = [new.get(token, token) for token in cut[1::2]]
    return "".join(cut)


def is_statement(line: str, function: TreeFunction) -> bool:
    """Whether a line is one simple statement."""
    match = _SIMPLE_STATEMENT.fullmatch(line)
    closed = line.count("(") == line.count(")") and line.count("[") == line.count("]")
    return bool(match) and closed and (function.language == "python" or ";" in line)


def with_statement(function: TreeFunction, material: Material, rng: random.Random) -> str:
    """A statement of another function before one of the lines that are a statement, or before the last line."""
    lines = function.text.split("\n")
    at = [number for number, line in enumerate(lines) if is_statement(line, function)] or [len(lines) - 1]
    number = rng.choice(at)
    space = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    return "\n".join([*lines[:number], space + rng.choice(material.statements).strip(), *lines[number:]])


if __name__ == "__main__":
    main()
