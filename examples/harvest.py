"""A real clone task out of nothing but Python itself: its own library's functions, and the same functions rewritten.

For a demonstration on a machine that can reach no data set. Every function of the library stands in one split only,
with everything made from it. A pair is an original and a rewritten function: of the same original (a clone), or of
another one of like length, a third of the time the most alike of its module and of many others. One side of either kind
of pair is rewritten, and every original is as often in a clone as in another pair, so that neither style nor length nor
the original gives the answer away.
"""

import ast
import builtins
import json
import keyword
import lzma
import random
import re
import sys
import sysconfig
import textwrap
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from codewren.core.errors import InputError
from codewren.core.files import write_bytes, write_json
from rewrite import Function, drop_docstring, rewrite

TOKENS = re.compile(r"\w+|[^\w\s]")
SHORTEST, LONGEST = 25, 160  # tokens of a function without docstring and comments
MOST_CHARACTERS = 2400  # with comments
TEST_FOLDERS = {"test", "tests", "idle_test", "site-packages", "dist-packages"}
COMMON = 5  # functions that a name stands in before others are renamed to it
HARD = 1 / 3  # share of different functions that are chosen to be alike
WINDOW = 24  # functions of like length that a different one is chosen from

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Pairs of each split, half of them clones."""

    labelled: int = 6000
    unlabelled: int = 6000
    valid: int = 1000
    test: int = 1000


@dataclass(frozen=True, slots=True)
class Original:
    """A function of the library.

    Attributes:
        text: as it stands there, comments and all, at the left margin and without its docstring.
        origin: its file below the library's folder, and line.
        words: its distinct tokens, without comments.
        length: number of its tokens, likewise.
    """

    text: str
    origin: str
    words: frozenset[str]
    length: int

    @property
    def module(self) -> str:
        """The file it stands in."""
        return self.origin.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What was written.

    Attributes:
        folder: holds `functions.jsonl.xz`, `labelled.tsv.xz`, `unlabelled.tsv.xz` (no labels), `valid.tsv.xz`,
            `test.tsv.xz` and, written last, `harvest.json`.
        python: version of the Python that the functions are from.
        functions: originals used, by split.
        pairs: pairs, by split.
        seed: of all choices.
    """

    folder: Path
    python: str
    functions: dict[str, int]
    pairs: dict[str, int]
    seed: int


def harvest(
    folder: Path,
    *,
    sizes: Sizes = Sizes(),
    seed: int = 0,
    library: Path | None = None,
    progress: Progress | None = None,
) -> Harvest:
    """Build the task and write it; the same Python and seed give the same files.

    Args:
        folder: to write into.
        sizes: pairs of each split.
        seed: of all choices.
        library: folder of Python modules; None takes the standard library of this Python.
        progress: called with a stage, what is done and what there is to do.

    Raises:
        InputError: the library holds too few functions for these sizes, or the folder cannot be written.
    """
    rng = random.Random(seed)
    tell = progress or (lambda stage, done, total: None)
    originals = list(find_functions(library or Path(sysconfig.get_path("stdlib")), progress=tell))
    names = _common_names(originals)
    pairs = asdict(sizes)
    by_split = _split_by_module(originals, pairs, rng)
    functions: list[dict[str, str]] = []
    for split, share in by_split.items():
        maker = _PairMaker(split, share, names, rng)
        rows = maker.pairs(pairs[split], tell)
        functions += maker.functions
        _write_table(folder / f"{split}.tsv.xz", rows, labelled=split != "unlabelled")
    write_bytes(folder / "functions.jsonl.xz", lzma.compress("".join(map(_json_line, functions)).encode(), preset=1))
    used = {split: len(share) for split, share in by_split.items()}
    result = Harvest(folder, sys.version.split()[0], used, pairs, seed)
    write_json(folder / "harvest.json", {**asdict(result), "folder": folder.name})
    return result


def find_functions(library: Path, *, progress: Progress) -> Iterator[Original]:
    """Functions of a folder of modules in the order of their files, tests left out, each once whatever its names."""
    files = [path for path in sorted(library.rglob("*.py")) if not TEST_FOLDERS & set(path.relative_to(library).parts)]
    seen: set[str] = set()
    for done, path in enumerate(files, start=1):
        for function, text in _functions_of(path):
            drop_docstring(function)
            tokens = TOKENS.findall(ast.unparse(function))
            if SHORTEST <= len(tokens) <= LONGEST and (shape := _shape(function, tokens)) not in seen:
                seen.add(shape)
                origin = f"{path.relative_to(library).as_posix()}:{function.lineno}"
                yield Original(text, origin, frozenset(tokens), len(tokens))
        progress("harvest", done, len(files))


def _shape(function: Function, tokens: Sequence[str]) -> str:
    """The function whatever it calls itself and its variables: two of one shape would be a clone unawares."""
    nodes = list(ast.walk(function))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)} | {function.name}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    numbers: dict[str, str] = {}
    return " ".join(numbers.setdefault(t, f"#{len(numbers)}") if t in bound else t for t in tokens)


def _functions_of(path: Path) -> Iterator[tuple[Function, str]]:
    """Functions and methods of a module, not those inside other functions, with their texts at the left margin."""
    try:
        source = path.read_text(encoding="utf-8")
        tree = _parse(source, warn="ignore")
    except (UnicodeDecodeError, SyntaxError, ValueError):
        return  # the library holds files that are broken on purpose
    lines = source.split("\n")  # form feeds end no line here
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, Function):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            numbers = range(first, (node.end_lineno or first) + 1)
            documentation = _docstring_lines(node)
            text = textwrap.dedent("\n".join(lines[number - 1] for number in numbers if number not in documentation))
            if len(text) <= MOST_CHARACTERS and _stands_alone(text):
                yield node, text
        else:
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def _docstring_lines(function: Function) -> range:
    """Numbers of the lines that a docstring alone stands on; a function of nothing else keeps it."""
    before, after = function.body[0], function.body[1:2]
    if ast.get_docstring(function, clean=False) is None or not after or after[0].lineno == before.end_lineno:
        return range(0)
    return range(before.lineno, (before.end_lineno or before.lineno) + 1)


def _parse(source: str, *, warn: Literal["ignore", "error"]) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter(warn)
        return ast.parse(source)


def _stands_alone(text: str) -> bool:
    """Not so where a string over several lines reaches left of the function, or an escape is doubtful."""
    try:
        return len(_parse(text, warn="error").body) == 1
    except SyntaxError:
        return False


def _common_names(originals: Sequence[Original]) -> list[str]:
    """Identifiers that stand in several functions: what people call things."""
    counts = Counter(word for original in originals for word in original.words)
    return sorted(word for word, count in counts.items() if count >= COMMON and _is_plain_name(word))


def _is_plain_name(word: str) -> bool:
    plain = word.isidentifier() and word.islower() and len(word) > 1 and not word.startswith("_")
    return plain and not keyword.iskeyword(word) and not hasattr(builtins, word)


def _split_by_module(
    originals: Sequence[Original], pairs: dict[str, int], rng: random.Random
) -> dict[str, list[Original]]:
    """Whole modules to the splits, in the proportion of their pairs."""
    modules: dict[str, list[Original]] = {}
    for original in originals:
        modules.setdefault(original.module, []).append(original)
    order = sorted(modules)
    rng.shuffle(order)
    quotas = {split: count for split, count in pairs.items() if count}
    by_split: dict[str, list[Original]] = {split: [] for split in quotas}
    for module in order:
        neediest = min(quotas, key=lambda split: len(by_split[split]) / quotas[split])
        by_split[neediest] += modules[module]
    for split, share in by_split.items():
        if len(share) < max(WINDOW, quotas[split] // 8):
            raise InputError(
                f"{len(originals)} functions in {len(modules)} modules leave {len(share)} for the {quotas[split]} "
                f"pairs of {split!r}, too few; ask for fewer pairs, or install the whole standard library"
            )
    return by_split


class _PairMaker:
    """Makes the pairs of one split, and collects the functions they are made of."""

    def __init__(self, split: str, originals: list[Original], names: Sequence[str], rng: random.Random) -> None:
        self.split = split
        self.originals = sorted(originals, key=lambda original: (original.length, original.origin))
        self.lengths = [original.length for original in self.originals]
        self.modules: dict[str, list[int]] = {}
        for index, original in enumerate(self.originals):
            self.modules.setdefault(original.module, []).append(index)
        self.names = names
        self.rng = rng
        self.functions: list[dict[str, str]] = []
        self.kept: dict[str, str] = {}

    def pairs(self, count: int, tell: Progress) -> list[tuple[str, str, int]]:
        """Left id, right id and label of `count` pairs, in random order."""
        rows: list[tuple[str, str, int]] = []
        while len(rows) < count:
            anchors = self.rng.sample(
                range(len(self.originals)), min(len(self.originals), (count - len(rows) + 1) // 2)
            )
            for anchor in anchors:
                other = self._different(anchor)
                for right, label in ((anchor, 1), (other, 0)):
                    ids = self._original(anchor), self._rewritten(right)
                    rows.append((*(ids if self.rng.random() < 0.5 else ids[::-1]), label))
                tell(self.split, min(len(rows), count), count)
        rows = rows[:count]
        self.rng.shuffle(rows)
        return rows

    def _different(self, anchor: int) -> int:
        """Another function of like length: any, or now and then the most alike of many and of its own module."""
        centre, length = bisect_left(self.lengths, self.lengths[anchor]), self.lengths[anchor]
        start = max(0, min(centre - WINDOW // 2, len(self.originals) - WINDOW))
        window = [index for index in range(start, min(len(self.originals), start + WINDOW)) if index != anchor]
        if self.rng.random() >= HARD:
            return self.rng.choice(window)
        neighbours = self.modules[self.originals[anchor].module]
        window += [i for i in neighbours if i != anchor and 0.8 * length <= self.lengths[i] <= 1.25 * length]
        words = self.originals[anchor].words
        return max(window, key=lambda index: (_jaccard(words, self.originals[index].words), index))

    def _original(self, index: int) -> str:
        original = self.originals[index]
        if original.origin not in self.kept:
            self.kept[original.origin] = self._add(original.text, original.origin, "original")
        return self.kept[original.origin]

    def _rewritten(self, index: int) -> str:
        made = rewrite(self.originals[index].text, rng=self.rng, names=self.names)
        return self._add(made.text, self.originals[index].origin, "+".join(made.changes))

    def _add(self, text: str, origin: str, form: str) -> str:
        name = f"{self.split[0]}{len(self.functions)}"
        self.functions.append({"idx": name, "split": self.split, "origin": origin, "form": form, "func": text})
        return name


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)


def _json_line(row: dict[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _write_table(path: Path, rows: Sequence[tuple[str, str, int]], *, labelled: bool) -> None:
    lines = ["id1\tid2\tlabel" if labelled else "id1\tid2"]
    lines += [f"{left}\t{right}\t{label}" if labelled else f"{left}\t{right}" for left, right, label in rows]
    write_bytes(path, lzma.compress(("\n".join(lines) + "\n").encode()))
