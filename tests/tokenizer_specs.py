"""Small trained tokenizers and real code for the tests of both halves."""

import argparse
import configparser
import html
import inspect
import json
import lzma
import shlex
from functools import cache
from pathlib import Path
from types import ModuleType

from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.student_config import TokenizerKind
from codewren.train.tokenizer_training import Mode, train_tokenizer

KINDS = list(TokenizerKind)
MODES: list[Mode] = ["wren", "avatar"]
_MODULES: tuple[ModuleType, ...] = (argparse, configparser, html, shlex)

# What differs between Unicode versions, libraries and languages; each has once been somebody's bug.
AWKWARD = [
    "İstanbul ISPARTA ıi",  # dotted and dotless i
    "ΟΔΥΣΣΕΥΣ Σ ς",  # final sigma, which the library does not know
    "naïve e\u0301\u0323 \u0301start",  # marks, out of order, without a base
    "´acute ¨ ﷺ ﬁ ℌ ① Å",  # compatibility forms, some of which begin with a space
    "漢字 コメント 한국어 각",
    "👩‍👩‍👧 🇩🇪 \U0001f600\ufe0f",
    "a\u00a0b\u2003c\u3000d\u0085e\x1cf\u180eg\ufeffh",  # white space to some, not to others
    "nul\x00byte \x7f\x01",
    "▁under ▁▁ a▁b",
    "'s 't're 'LL it's ''ll '",
    "x = y;  // <s> </s> <unk> <pad> <mask>",
    "##define ## a##b __init__ 3.14e-10 0x1F ½ ² ٣",
    "ʼn ǰ ẞ ß ǅ ꟋꟜ 𐵐 ㋿",  # newer letters, special casing
    "",
    " ",
    "\n\t\r",
]


@cache
def python_functions() -> tuple[str, ...]:
    """Real code that is on every machine."""
    text = "\n".join(inspect.getsource(module) for module in _MODULES)
    return tuple(part for part in text.split("\n\n") if part.strip())


@cache
def small_spec(kind: TokenizerKind, mode: Mode = "wren", vocab_size: int = 700) -> TokenizerSpec:
    """A tokenizer trained on part of `python_functions`, so that some words of the rest are unknown."""
    return train_tokenizer(kind, vocab_size, [*python_functions()[:150], *AWKWARD[:3]], mode=mode)


@cache
def functions_of(path: Path) -> list[str]:
    """The column `func` of a file of ../shared/data."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["func"] for line in lines]
