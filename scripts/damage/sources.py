"""Damaged source texts for `run.py`: every reader of source either refuses them in one line or keeps its promises.

Read by: the decoding, the blanks, the extraction, the tokens and hashes, the literals, the suppressing comments, the
data flow (with the papers' walkers), the edits that keep the meaning, and the four tokenizers of the core.
"""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bundles import small_tokenizer
from strange import strange_text

from codewren.core.errors import InputError
from codewren.core.student_config import TokenizerKind
from codewren.dataflow import data_flow
from codewren.edits import add_dead_code, reformat, remove_comments, rename
from codewren.edits.trees import EDITABLE
from codewren.predict.tokenizer import Tokenizer
from codewren.scan.source_text import read_source
from codewren.scan.suppress import markers, silenced
from codewren.syntax.blanks import parsable
from codewren.syntax.functions import extract
from codewren.syntax.literals import literals
from codewren.syntax.tokens import shape_hash, span_hashes, text_hash, tokens

SEEDS = Path(__file__).with_name("seeds")
LONGEST = 3_000  # bytes
BRACKETS = [b"(", b"[", b"{", b"<", b")", b"]", b"}", b">"]
TROUBLE = [
    *(
        b"#if A\n",
        b"#else\n",
        b"#endif\n",
        b"#define X \\\n",
        b"MODULE_X(a)\n",
        b"class API_X Foo {",
        b"/*",
        b"*/",
        b'"""',
    ),
    *(
        b"'",
        b'"',
        b'R"x(',
        b')x"',
        b"//",
        b"\\\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc3",
    ),
    *(
        b"\t",
        b"\f",
        b"template <",
        b"operator",
        b"~",
        b"::",
        b"@A",
        b"def f(",
        b"lambda:",
        b"async ",
        b"f'{",
        b"class A:",
    ),
    *(b"else:", b"x y;", b"# -*- coding: latin-1 -*-\n", b"// codewren: ignore\n", b"# codewren: ignore[", b"case 1:"),
    *(b"goto a; a:", b"?", b"..."),
]


class Cases:
    """One outcome a case: the language, and how many of its readers refused; anything else that happens is a fault."""

    def __init__(self) -> None:
        self.seeds = {path.stem: path.read_bytes().split(b"\n\n\n") for path in sorted(SEEDS.glob("*.txt"))}
        self.tokenizers = [Tokenizer(small_tokenizer(kind, random.Random(kind))) for kind in TokenizerKind]

    def close(self) -> None:
        self.tokenizers = []

    def content(self, rng: random.Random) -> tuple[str, bytes]:
        language = rng.choice([*self.seeds])
        spoken = language if rng.random() < 0.9 else rng.choice([*self.seeds])
        content = b"\n".join(rng.choices(self.seeds[spoken], k=rng.choice([1, 1, 2, 3])))
        for _ in range(rng.choice([1, 1, 2, 4, 8])):
            content = damaged(content, rng)[:LONGEST]
        return language, content

    def run(self, rng: random.Random) -> str:
        language, content = self.content(rng)
        refused = list(readings(content, language, rng, self.tokenizers))
        for said in refused:
            if "\n" in said or len(said) > 1_000:
                raise AssertionError(f"refused with {said[:300]!r}")
        return f"{language}: refused" if "all" in refused else f"{language}: refused in part" if refused else language


def readings(content: bytes, language: str, rng: random.Random, tokenizers: list[Tokenizer]) -> Iterator[str]:
    """Read a text in every way; what the readers say that refuse it, and `all` where it is no text."""
    try:
        source, _ = read_source(content, language)
    except InputError as error:
        yield str(error)
        yield "all"
        source = content.decode("utf-8", "replace").encode()
    text = source.decode("utf-8", "replace")
    for reading in (read_functions, read_tokens, read_flow):
        try:
            reading(source, text, language)
        except InputError as error:
            yield str(error)
    for tokenizer in tokenizers:
        length = rng.choice([3, 40, 100_000])
        if len(tokenizer.encode(text, length)) > length:
            raise AssertionError("more tokens than asked for")
    if language in EDITABLE:
        edited(text, language, rng)


def read_functions(source: bytes, text: str, language: str) -> None:
    blanked = parsable(source, language)
    if len(blanked) != len(source) or blanked.count(b"\n") != source.count(b"\n"):
        raise AssertionError("blanks have moved bytes or lines")
    parsed = extract(source, language)
    ends = [0]
    for function in parsed.functions:
        name, start, body, end, first, last, opening = function
        if not (1 <= start <= body <= end <= source.count(b"\n") + 1 and 0 <= first < opening <= last <= len(source)):
            raise AssertionError(f"a function outside of its text: {function}")
        if not name or len(name) > 200 or source[:first].count(b"\n") + 1 != start:
            raise AssertionError(f"a function whose name or line is wrong: {function}")
        ends.append(last)
    if [function.start_byte for function in parsed.functions] != sorted(one.start_byte for one in parsed.functions):
        raise AssertionError("functions out of order")
    known = literals(parsed.root, language)
    if any(not first <= last <= len(source) for first, last in zip(known[::3], known[1::3], strict=True)):
        raise AssertionError("a literal outside of its text")
    spans = [(function.start_byte, function.end_byte) for function in parsed.functions]
    span_hashes(source, spans, known, language)
    silenced(markers(parsed.root, source, parsed.functions, language), len(parsed.functions), "vulnerability")


def read_tokens(source: bytes, text: str, language: str) -> None:
    shaped, hashed = shape_hash(text, language), text_hash(text, language)
    if (shaped, hashed) != (shape_hash(text, language), text_hash(text, language)):
        raise AssertionError("hashes differ from one time to the next")
    if language != "python" and Counter("".join(tokens(text, language))) - Counter(text):
        raise AssertionError("tokens hold characters that the text does not")


def read_flow(source: bytes, text: str, language: str) -> None:
    modes = ("repaired", "papers") if language in {"c", "java"} else ("repaired",)
    for mode in modes:
        flow = data_flow(text, language, mode=mode)  # type: ignore[arg-type]
        order = [node.token for node in flow.nodes]
        if any(source_of >= len(order) for node in flow.nodes for source_of in node.sources):
            raise AssertionError("a node gets its value from nowhere")
        if any(token >= len(flow.tokens) for token in order) or (mode == "repaired" and order != sorted(set(order))):
            raise AssertionError("nodes out of order")
        if any(token.start > token.end or token.end > len(source) for token in flow.tokens):
            raise AssertionError("a token outside of its text")


def edited(text: str, language: str, rng: random.Random) -> None:
    """The edits may leave a text as it is, and never fail."""
    match rng.randrange(8):
        case 0:
            rename(text, language, rng=rng, names=["alpha", "beta"])
        case 1:
            reformat(text, language, rng=rng)
        case 2:
            remove_comments(text, language)
        case 3:
            add_dead_code(text, language, rng=rng)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """One damage: bytes, lines, brackets, pieces that begin or end something, or Unicode."""
    at = rng.randrange(len(content) + 1)
    before, after = content[:at], content[at:]
    length = rng.choice([1, 1, 3, 10, 60])
    match rng.randrange(8):
        case 0:
            between, after = rng.randbytes(rng.choice([1, 2, 4])), after[length:]
        case 1:
            between, after = b"", after[length:]
        case 2:
            between = after[:length] * rng.choice([1, 2, 40])
        case 3:
            between = rng.choice(BRACKETS) * rng.choice([1, 1, 2, 30, 600])
        case 4:
            between = strange_text(rng, 6).encode("utf-8", "surrogatepass")
        case 5:
            between, after = b"", b""
        case 6:
            lines = content.split(b"\n")
            return b"\n".join(rng.sample(lines, max(1, len(lines) - rng.choice([0, 1, 2]))))
        case _:
            between = rng.choice(TROUBLE)
    return before + between + after
