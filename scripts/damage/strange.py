"""Values and texts that programs trip over."""

import random
from typing import Any

NUMBERS = [-1, 0, 1, 2, 7, 2**15, 2**24, 2**24 + 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0]
VALUES = [*NUMBERS, 1e308, 5e-324, float("nan"), float("inf"), "", "int8", "é", "\0", "\ud800", "x" * 3000, True, None]
PIECES = [
    *("int ", "x", "y = ", "buf", "len", "(", ")", "{", "}", "[", "]", ";", "<", ">", "==", "+", "->", "::", "0", "1"),
    *("return ", "if ", "for ", "while ", "0x1F", '"', "'", "\\", "/*", "*/", "//", "#", "\n", "\t", "\r", "  ", "\0"),
    *(
        "\x7f",
        "\x85",
        "\x1c",
        "\u00a0",
        "\u2003",
        "\u3000",
        "\ufeff",
        "é",
        "e\u0301\u0323",
        "\u0301",
        "İ",
        "Σ",
        "ß",
        "ﬁ",
    ),
    *(
        "ℌ",
        "ﷺ",
        "½",
        "٣",
        "漢",
        "각",
        "▁",
        "▁▁",
        "##",
        "##a",
        "'s",
        "'LL",
        "👩\u200d👩",
        "🇩🇪",
        "\U0010ffff",
        "\U000e0001",
    ),
    *("<s>", "</s>", "<pad>", "<unk>", "a" * 120, " " * 40, "é" * 60),
]


def strange_value(rng: random.Random) -> Any:
    match rng.randrange(8):
        case 0:
            return [rng.choice(VALUES) for _ in range(rng.randrange(4))]
        case 1:
            return {str(rng.choice(NUMBERS)): rng.choice(VALUES)}
        case 2:
            return strange_text(rng, 5)
        case _:
            return rng.choice(VALUES)


def strange_text(rng: random.Random, pieces: int) -> str:
    """Up to so many pieces of code and of Unicode."""
    drawn = rng.choices(PIECES, k=rng.randrange(pieces + 1))
    if rng.random() < 0.3:
        drawn += [chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])) for _ in range(3)]
    return "".join(drawn)
