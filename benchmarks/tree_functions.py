"""Functions of source trees, for the benchmarks of clones."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.scan.source_files import read_bytes, walk
from codewren.scan.source_text import source_text
from codewren.syntax.functions import extract
from codewren.syntax.tokens import tokens

LEAST_LINES = 6
_WORD = re.compile(r"[\w\"'`$]")


class TreeFunction(NamedTuple):
    """One function: its text, language, and the tree, file and lines where it stands."""

    text: str
    language: str
    tree: str
    path: str
    name: str
    first_line: int
    last_line: int


def functions_of(tree: Path, languages: Sequence[str], *, least_lines: int = LEAST_LINES) -> list[TreeFunction]:
    """All functions of some length below a folder, in order; files that are no source text are left out."""
    functions = []
    for file in sorted(walk([str(tree)], languages).files):
        try:
            source = source_text(read_bytes(file.path), file.language)
            cut = extract(source, file.language).functions
        except InputError:
            continue
        for one in cut:
            if one.end_line - one.start_line + 1 >= least_lines:
                text = source[one.start_byte : one.end_byte].decode("utf-8", "replace")
                where = (str(tree), file.path, one.name, one.start_line, one.end_line)
                functions.append(TreeFunction(text, file.language, *where))
    return functions


def sampled(functions: Sequence[TreeFunction], most: int, seed: int) -> list[TreeFunction]:
    """At most so many of them, without repeated texts."""
    distinct = list({function.text: function for function in functions}.values())
    return distinct if len(distinct) <= most else random.Random(seed).sample(distinct, most)


def shared_words(first: TreeFunction, second: TreeFunction) -> float:
    """Words that two functions share, as bags, over those of the longer one, as the scan counts them."""
    bags = (Counter(word for word in tokens(one.text, one.language) if _WORD.match(word)) for one in (first, second))
    one, other = bags
    return (one & other).total() / max(one.total(), other.total(), 1)
