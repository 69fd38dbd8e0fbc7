"""Edits of a function of any language, on its text: names, statements, order, loops, literals.

They make training pairs, not proofs: a dropped statement changes what a function does. Edits that keep the meaning are
in `codewren.edits`; these work without a grammar.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

from codewren.train.similarity.function_features import CANONICAL, DROPPED, KEYWORDS

NAME = re.compile(r"(?<![\w.$>:@])[A-Za-z_]\w*(?!\w|\s*[(\"'])")
SIMPLE = re.compile(r"^[ \t]+[\w.\[\]>*+-]+(?:\s*[-+*/|&]?=[^=]|\(|\.)[^{}]*$")
COUNTED_LOOP = re.compile(r"for\s*\(([^;(){}]*);([^;{}]*);([^;{}]*?)\)\s*\{")
COMPARISON = re.compile(r"(?<=[( ])(\w+(?:\[\w+\])?)\s(<=|>=|==|!=|<|>)\s(\w+(?:\[\w+\])?)(?=[) :])")
MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
RESERVED = KEYWORDS | frozenset(CANONICAL) | DROPPED | {"self", "cls", "args", "kwargs"}
SHORT_NAMES = (
    *"abcdefghijklmnpqrstuvwxyz",
    *("aa", "bb", "tmp", "val", "res", "ret", "cur", "idx", "num", "cnt", "arr", "lst", "str1", "x1", "x2", "y1"),
)


def local_names(text: str) -> list[str]:
    """Names that look like variables: never called, no members, not capitalised, and used at least twice."""
    counts = Counter(NAME.findall(text))
    called = set(re.findall(r"(\w+)\s*\(", text)) | set(re.findall(r"(?:\.|->|::)\s*(\w+)", text))
    return [
        name
        for name, count in counts.items()
        if count > 1 and name not in RESERVED and name not in called and not name[0].isupper()
    ]


def rename(text: str, rng: random.Random, names: Sequence[str], *, share: float = 1.0) -> str:
    """Give local-looking variables other names, drawn from `names`."""
    old_names = [name for name in local_names(text) if share >= 1 or rng.random() < share]
    present = set(re.findall(r"\w+", text))
    drawn = rng.sample(names, min(len(names), 3 * len(old_names) + 8))
    fresh = [name for name in dict.fromkeys(drawn) if name not in present and name not in RESERVED]
    mapping = dict(zip(old_names, fresh, strict=False))
    return NAME.sub(lambda match: mapping.get(match[0], match[0]), text)


def drop_statement(text: str, rng: random.Random) -> str:
    """Without one simple statement, where there are three or more."""
    lines = text.split("\n")
    statements = _simple_lines(lines)
    if len(statements) >= 3:
        del lines[rng.choice(statements)]
    return "\n".join(lines)


def add_statement(text: str, rng: random.Random, donor: str) -> str:
    """With one simple statement of another function."""
    lines, donor_lines = text.split("\n"), donor.split("\n")
    positions, statements = _simple_lines(lines), _simple_lines(donor_lines)
    if positions and statements:
        position = rng.choice(positions)
        lines.insert(position, _indent(lines[position]) + donor_lines[rng.choice(statements)].strip())
    return "\n".join(lines)


def swap_statements(text: str, rng: random.Random) -> str:
    """With two neighbouring simple statements in the other order."""
    lines = text.split("\n")
    simple = set(_simple_lines(lines))
    firsts = sorted(k for k in simple if k + 1 in simple and _indent(lines[k]) == _indent(lines[k + 1]))
    if firsts:
        first = rng.choice(firsts)
        lines[first], lines[first + 1] = lines[first + 1], lines[first]
    return "\n".join(lines)


def loops_as_while(text: str, rng: random.Random) -> str:
    """Counting `for` loops of the C family as `while` loops; the step stands first in the body: alike, not equal."""
    return COUNTED_LOOP.sub(
        lambda m: f"{m[1]};\nwhile ({m[2].strip() or 'true'}) {{\n{m[3]};" if rng.random() < 0.7 else m[0], text
    )


def mirror_comparisons(text: str, rng: random.Random) -> str:
    """Comparisons of two plain operands the other way round."""
    return COMPARISON.sub(
        lambda m: f"{m[3]} {MIRRORED[m[2]]} {m[1]}" if rng.random() < 0.5 and m[1] not in RESERVED else m[0], text
    )


def change_literals(text: str, rng: random.Random) -> str:
    """Some numbers of two digits and more, and some strings, changed."""
    text = re.sub(r"\b[1-9]\d+\b", lambda m: str(rng.randrange(10, 2000)) if rng.random() < 0.5 else m[0], text)
    return re.sub(
        r'"[^"\\\n]{4,}"', lambda m: '"' + rng.choice(SHORT_NAMES) + '"' if rng.random() < 0.3 else m[0], text
    )


STEPS: tuple[Callable[[str, random.Random], str], ...] = (
    drop_statement,
    swap_statements,
    loops_as_while,
    mirror_comparisons,
    change_literals,
)


def edited(text: str, rng: random.Random, names: Sequence[str], donor: str, *, strength: float = 0.5) -> str:
    """A near copy: renamed, with other words or short ones, and a few small edits, each by the chance `strength`."""
    if rng.random() < 0.8:
        drawn = SHORT_NAMES if rng.random() < 0.3 else names
        text = rename(text, rng, drawn, share=1.0 if rng.random() < 0.7 else 0.5)
    for step in STEPS:
        if rng.random() < strength:
            text = step(text, rng)
    return add_statement(text, rng, donor) if rng.random() < strength else text


def _simple_lines(lines: Sequence[str]) -> list[int]:
    """Indices of lines that hold one whole simple statement."""
    return [
        index
        for index, line in enumerate(lines)
        if index and SIMPLE.match(line) and "return" not in line and line.count("(") == line.count(")")
    ]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
