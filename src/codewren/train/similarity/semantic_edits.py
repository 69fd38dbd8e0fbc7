"""Near copies that do something else: an operator flipped, a constant swapped, another name called.

What tools of this kind take for clones though nobody would: hard negatives for training, and a measure of how far a
similarity sees such a change. They work on texts without a grammar, as `text_edits` do.
"""

import random
import re
from collections.abc import Callable, Sequence

FLIPPED = {
    "<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "==", "===": "!==", "!==": "===", "+": "-", "-": "+",
    "*": "+", "+=": "-=", "-=": "+=", "&&": "||", "||": "&&", "and": "or", "or": "and", "<<": ">>", ">>": "<<",
}  # fmt: skip
OPERATOR = re.compile(
    r"(?<=[\w)\]] )(" + "|".join(map(re.escape, sorted(FLIPPED, key=len, reverse=True))) + r")(?= \S)"
)
CONSTANT = re.compile(r"(?<![\w.\"'])(\d{1,9}|true|false|True|False)(?![\w.\"'])")
CALLED = re.compile(r"(?<=\.)([A-Za-z_]\w{2,})(?=\()")
OPPOSITE = {"true": "false", "false": "true", "True": "False", "False": "True"}
MOST_CHANGES = 3


def flip_operator(text: str, rng: random.Random) -> str:
    """With one binary operator turned into its opposite."""
    return _one(OPERATOR, text, rng, lambda word: FLIPPED[word])


def swap_constant(text: str, rng: random.Random) -> str:
    """With one whole number or truth value changed."""
    return _one(CONSTANT, text, rng, lambda word: OPPOSITE.get(word) or str(int(word) + rng.choice((1, 2, 10))))


def call_another(text: str, rng: random.Random, methods: Sequence[str]) -> str:
    """With one method call of another name, drawn from `methods`."""
    return _one(CALLED, text, rng, lambda word: rng.choice(methods) if methods else word)


def called_methods(text: str) -> list[str]:
    """Names of the methods that a text calls."""
    return CALLED.findall(text)


def differing(text: str, rng: random.Random, methods: Sequence[str]) -> str:
    """A near copy that does something else, by one change to three; the text itself where nothing can be changed."""
    changed = text
    for _ in range(rng.randint(1, MOST_CHANGES)):
        kind = rng.randrange(3)
        if kind == 0:
            changed = flip_operator(changed, rng)
        elif kind == 1:
            changed = swap_constant(changed, rng)
        else:
            changed = call_another(changed, rng, methods)
    return changed


def _one(pattern: re.Pattern[str], text: str, rng: random.Random, other: Callable[[str], str]) -> str:
    """One drawn match replaced; the head of the function, up to its first line's end, stays."""
    head = text.find("\n") + 1
    matches = list(pattern.finditer(text, head))
    if not matches:
        return text
    match = rng.choice(matches)
    return text[: match.start()] + other(match[0]) + text[match.end() :]
