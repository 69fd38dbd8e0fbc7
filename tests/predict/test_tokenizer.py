"""The native tokenizer against the training library: every id of every text."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren._native import Tokenizer as NativeTokenizer
from codewren.bundle.tokenizer_spec import BYTE_TOKENS, SPECIAL_TOKENS, TokenizerSpec, byte_alphabet
from codewren.core.errors import BundleError, InputError
from codewren.core.student_config import TokenizerKind
from codewren.predict.tokenizer import Tokenizer
from codewren.train.tokenizer_training import Encoder, Mode, encoder, train_tokenizer
from tokenizer_specs import AWKWARD, KINDS, MODES, functions_of, python_functions, small_spec

BPE, WORDPIECE, UNIGRAM, WORD = KINDS
NATIVE = Path(__file__).parents[2] / "native"
ALL = 10**9
CORPORA = ["bcb/functions", "devign/train", "devign/valid", "juliet_c/juliet_c", "reveal/train", "reveal/valid"]
CORPORA += ["unlabelled_c/functions", "unlabelled_java/functions"]


@cache
def both(spec: TokenizerSpec) -> tuple[Tokenizer, Encoder]:
    return Tokenizer(spec), Encoder(spec)


def assert_equal(spec: TokenizerSpec, texts: list[str], max_length: int = ALL) -> None:
    ours, library = both(spec)
    wanted = library.encode_batch(texts, max_length)
    for text, mine, theirs in zip(texts, ours.encode_batch(texts, max_length), wanted, strict=True):
        assert mine == theirs, text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_ids_equal_the_training_librarys_on_real_code_and_awkward_text(kind: TokenizerKind, mode: Mode) -> None:
    assert_equal(small_spec(kind, mode), [*python_functions(), *AWKWARD, " ".join(AWKWARD)])


@pytest.mark.parametrize("kind", KINDS)
def test_ids_equal_the_training_librarys_on_a_sample_of_every_corpus(kind: TokenizerKind, shared: Path) -> None:
    spec = small_spec(kind, "avatar" if kind in (WORDPIECE, WORD) else "wren")
    for name in ("devign/valid", "reveal/valid", "bcb/functions", "juliet_c/juliet_c"):
        functions = functions_of(shared / f"data/{name}.jsonl.xz")
        assert_equal(spec, Random(0).sample(functions, 60))


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_ids_equal_the_training_librarys_on_every_function(name: str, shared: Path) -> None:
    some = functions_of(shared / "data/devign/valid.jsonl.xz")[:100] + list(python_functions())
    functions = functions_of(shared / f"data/{name}.jsonl.xz")
    for kind, mode in ((BPE, "wren"), (BPE, "avatar"), (WORDPIECE, "avatar"), (UNIGRAM, "wren"), (WORD, "avatar")):
        spec = train_tokenizer(kind, 2000, some, mode=mode)
        for start in range(0, len(functions), 1000):
            assert_equal(spec, functions[start : start + 1000])


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
texts = st.lists(words | st.sampled_from(AWKWARD), max_size=8).map(" ".join) | words


@settings(max_examples=150, deadline=None)
@given(texts)
def test_ids_equal_the_training_librarys_on_any_unicode(text: str) -> None:
    for kind in KINDS:
        for mode in MODES:
            assert_equal(small_spec(kind, mode), [text])


FLAGS = [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)]


@settings(max_examples=150, deadline=None)
@given(texts)
def test_normalising_equals_the_training_librarys(text: str) -> None:
    for lowercase, nfkd, strip_accents in FLAGS:
        spec = word_spec("x", lowercase=lowercase, nfkd=nfkd, strip_accents=strip_accents)
        theirs = encoder(spec).normalizer.normalize_str(" ".join(text.split()))
        assert Tokenizer(spec).normalize(text) == theirs


def word_spec(*words: str, **flags: bool) -> TokenizerSpec:
    return TokenizerSpec(WORD, SPECIAL_TOKENS + words, **flags)  # type: ignore[arg-type]


def interesting_characters() -> list[str]:
    """Both sides of every boundary of the tables, and everything that decomposes to several characters."""
    numbers = {int(number, 16) for number in re.findall(r"0x([0-9a-f]+)", (NATIVE / "unicode/tables.h").read_text())}
    near = {number + step for number in numbers for step in (-1, 0, 1)}
    return [chr(code) for code in sorted(near) if code < 0x110000 and not 0xD800 <= code < 0xE000]


def assert_characters_equal(characters: list[str]) -> None:
    """Each character beside a letter, a digit, a sign, a space, marks and itself."""
    around = [f"a{c}b {c}1{c} !{c}!{c} e\u0323{c}\u0301 {c}{c.upper()}" for c in characters]
    batches = [" ".join(around[start : start + 50]) for start in range(0, len(around), 50)]
    for kind in KINDS:
        for mode in MODES:
            assert_equal(small_spec(kind, mode), batches)
    for flags in FLAGS:
        spec = word_spec("x", **dict(zip(("lowercase", "nfkd", "strip_accents"), flags, strict=True)))
        ours, theirs = Tokenizer(spec), encoder(spec).normalizer
        for text in batches:
            assert ours.normalize(text) == theirs.normalize_str(" ".join(text.split()))


def test_characters_at_the_edges_of_the_tables_equal_the_training_librarys() -> None:
    assert_characters_equal(interesting_characters()[::5])


@pytest.mark.slow
def test_every_character_equals_the_training_librarys() -> None:
    assert_characters_equal([chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000])


@pytest.mark.slow
def test_the_tables_are_what_their_script_writes() -> None:
    written = subprocess.run(
        [sys.executable, NATIVE / "unicode/tables.py"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert written.stdout == (NATIVE / "unicode/tables.h").read_text(encoding="utf-8")


def random_bpe(random: Random, letters: str, merges: int) -> TokenizerSpec:
    """Merges a trainer would hardly find: of any two tokens made so far."""
    vocab = [*SPECIAL_TOKENS, *sorted(byte_alphabet())]
    known = [vocab.index(letter) for letter in letters]
    flat: list[int] = []
    while len(flat) < 2 * merges:
        left, right = random.choice(known), random.choice(known)
        token = vocab[left] + vocab[right]
        if token not in vocab and len(token) <= 8:
            flat += [left, right]
            known.append(len(vocab))
            vocab.append(token)
    return TokenizerSpec(BPE, tuple(vocab), tuple(flat), add_special_tokens=False)


@pytest.mark.parametrize("seed", range(60))
def test_a_long_word_that_is_read_in_part_gives_the_tokens_of_the_whole(seed: int) -> None:
    random = Random(seed)
    spec = random_bpe(random, "abc"[: 1 + seed % 3], merges=8 + seed % 20 if seed % 3 else 4)
    whole, part = Encoder(spec), Tokenizer(spec)
    for _ in range(5):
        word = "".join(random.choices("abc", k=random.randrange(65, 600)))
        (ids,) = whole.encode_batch([word], ALL)
        for length in (1, 2, 5, 13, ALL):
            assert part.encode(word, length) == ids[:length]


def test_what_follows_a_place_can_reach_it_through_a_chain_of_merges() -> None:
    """Merges ordered so that the last letter of a word decides how all before it pair up."""
    letters = [
        chr(code) for code in range(ord("а"), ord("а") + 45)
    ]  # two bytes each, more than is remembered as a word
    vocab = [*SPECIAL_TOKENS, *sorted(byte_alphabet())]
    tokens = ["".join(byte_alphabet()[byte] for byte in letter.encode()) for letter in letters]
    merges: list[int] = []
    for left, right in [(token[0], token[1]) for token in tokens] + list(pairwise(tokens))[::-1]:
        merges += [vocab.index(left), vocab.index(right)]
        vocab.append(left + right)
    spec = TokenizerSpec(BPE, tuple(vocab), tuple(merges), lowercase=False, add_special_tokens=False)
    word = "".join(letters)
    assert Tokenizer(spec).encode(word, 1) != Tokenizer(spec).encode(word[:-1], 1)
    for text in (word, word[:-1], word * 3, word[:-1] * 3, word * 2 + word[:7]):
        (ids,) = Encoder(spec).encode_batch([text], ALL)
        for length in (1, 3, 20, ALL):
            assert Tokenizer(spec).encode(text, length) == ids[:length]


@pytest.mark.parametrize("mode", MODES)
def test_a_very_long_unigram_word_is_settled_piece_by_piece(mode: Mode) -> None:
    spec = small_spec(UNIGRAM, mode)
    code = "".join("".join(python_functions()).split())
    unknown = "漢" * 30_000
    assert_equal(spec, [code, code[:30_000] + unknown + code[:30_000], unknown, unknown + "x"])
    assert_equal(spec, [code, unknown + code], max_length=50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", ["a", "int x = 1; ", "漢", "=-"])
def test_ten_megabytes_give_the_ids_of_their_beginning(kind: TokenizerKind, line: str) -> None:
    tokenizer = Tokenizer(small_spec(kind))
    ids = tokenizer.encode(line * (10_000_000 // len(line.encode())), 400)
    assert ids == tokenizer.encode(line * 5000, 400)
    assert ids == Encoder(small_spec(kind)).encode_batch([line * 5000], 400)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_length_gives_a_prefix_within_the_special_tokens(kind: TokenizerKind) -> None:
    code = python_functions()[3]
    spec = small_spec(kind)
    for length in range(60):
        assert_equal(spec, [code], max_length=length)


@pytest.mark.parametrize("kind", KINDS)
def test_text_never_becomes_a_special_token(kind: TokenizerKind) -> None:
    spec = small_spec(kind)
    vocab = (*spec.vocab, "a<s>") if kind is UNIGRAM else spec.vocab
    spec = TokenizerSpec(kind, vocab, spec.merges, (*spec.scores, -1.0)[: len(vocab)] if spec.scores else ())
    ids = Tokenizer(spec).encode("<s> </s> <pad> <unk> <S>x</S> ▁<s>", 1000)
    assert not {0, 1, 2} & set(ids[1:-1])


def test_words_are_remembered_without_mixing_them_up() -> None:
    """More distinct words than the cache holds, twice, in two orders."""
    tokenizer, library = Tokenizer(small_spec(BPE)), Encoder(small_spec(BPE))
    batch = [" ".join(f"v{number:x}_{number % 977}" for number in range(k, 30_000, 60)) for k in range(60)]
    wanted = library.encode_batch(batch, ALL)
    assert tokenizer.encode_batch(batch, ALL) == wanted
    assert tokenizer.encode_batch(batch[::-1], ALL) == wanted[::-1]


def test_threads_share_a_tokenizer() -> None:
    tokenizer = Tokenizer(small_spec(UNIGRAM))
    codes = list(python_functions())
    wanted = tokenizer.encode_batch(codes, 400)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: Tokenizer.encode_batch(tokenizer, codes, 400), range(24)):
            assert found == wanted


def test_a_surrogate_escape_is_refused_with_its_place() -> None:
    tokenizer = Tokenizer(small_spec(WORD))
    broken = b"int \xff;".decode(errors="surrogateescape")
    for call in (lambda: tokenizer.encode(broken, 9), lambda: tokenizer.normalize(broken)):
        with pytest.raises(InputError, match=r"U\+DCFF at character 4.*errors='replace'"):
            call()
    with pytest.raises(InputError, match="at character 4"):
        tokenizer.encode_batch(["fine", broken], 9)


def native(kind: str, vocab: list[str], merges: list[int] = [], scores: list[float] = []) -> NativeTokenizer:  # noqa: B006
    return NativeTokenizer(
        kind=kind,
        vocab=vocab,
        merges=merges,
        scores=scores,
        lowercase=True,
        nfkd=False,
        strip_accents=False,
        add_prefix_space=False,
        add_special_tokens=True,
    )


BYTES = [*SPECIAL_TOKENS, *byte_alphabet()]


@pytest.mark.parametrize(
    ("kind", "vocab", "merges", "scores", "said"),
    [
        ("bytes", BYTES, [], [], "none of bpe"),
        ("word", [], [], [], "wanted 5"),
        ("word", [*SPECIAL_TOKENS], [], [], "wanted 5"),
        ("word", [*SPECIAL_TOKENS, "a", "a"], [], [], "twice"),
        ("word", [*SPECIAL_TOKENS, ""], [], [], "empty"),
        ("bpe", BYTES[:-1], [], [], "lacks the byte"),
        ("bpe", [*BYTES[:-1], "xx"], [], [], "lacks the byte"),
        ("bpe", BYTES, [4], [], "one token a merge"),
        ("bpe", BYTES, [4, 5], [], "one token a merge"),
        ("bpe", [*BYTES, "xy"], [4, 5], [], "another token"),
        ("bpe", [*BYTES, "xy"], [-1, 5], [], "made before"),
        ("bpe", [*BYTES, "xy"], [3, 5], [], "made before"),
        ("bpe", [*BYTES, "xy"], [4, 2**31 - 1], [], "made before"),
        ("bpe", [*BYTES, "xy"], [260, 4], [], "made before"),
        ("unigram", BYTES, [], [0.0], "one score"),
    ],
)
def test_the_core_refuses_ids_that_would_leave_its_tables(
    kind: str, vocab: list[str], merges: list[int], scores: list[float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        native(kind, vocab, merges, scores)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_bundle_of_a_stranger_is_refused_or_runs(data: st.DataObject) -> None:
    raw = json.loads(small_spec(data.draw(st.sampled_from(KINDS))).to_bytes())
    scalars = st.integers(-5, 2**40) | st.floats() | st.text(max_size=3) | st.none() | st.booleans()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(raw)))
        if isinstance(raw[name], list) and raw[name] and data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(raw[name]) - 1))
            raw[name][place : place + data.draw(st.integers(0, 2))] = data.draw(st.lists(scalars, max_size=2))
        else:
            raw[name] = data.draw(scalars | st.sampled_from([raw["vocab"], raw["merges"], raw["scores"], *KINDS]))
    try:
        tokenizer = Tokenizer(TokenizerSpec.from_dict(raw))
    except BundleError:
        return
    for text in (*AWKWARD, python_functions()[0]):
        assert all(0 <= token < len(tokenizer.spec.vocab) for token in tokenizer.encode(text, 300))


def test_bpe_knows_every_byte() -> None:
    spec = small_spec(BPE)
    text = "".join(map(chr, range(0x20, 0x3000)))
    assert 3 not in Tokenizer(spec).encode(text, ALL)
    assert len(spec.vocab) > BYTE_TOKENS


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, max_size=6).map("\n".join), st.integers(1, 40))
def test_ids_by_lines_are_those_of_the_whole_text(text: str, max_length: int) -> None:
    for kind in KINDS:
        for mode in MODES:
            tokenizer = both(small_spec(kind, mode))[0]
            ids, bounds, read, total = tokenizer.native.encode_lines(text, max_length)
            assert ids == tokenizer.encode(text, max_length), text
            assert (len(bounds), bounds) == (text.count("\n") + 2, sorted(bounds))
            special = len(tokenizer.encode("", ALL))
            assert read == max(0, len(ids) - special) <= total
            assert bounds[-1] <= len(ids)
            if text.isascii():
                assert total == len(tokenizer.encode(text, ALL)) - special


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_holds_the_tokens_of_its_words(kind: TokenizerKind) -> None:
    tokenizer = both(small_spec(kind, "wren"))[0]
    lines = python_functions()[0].split("\n")
    ids, bounds, _, _ = tokenizer.native.encode_lines("\n".join(lines), ALL)
    for number, (start, end) in enumerate(pairwise(bounds)):
        alone = tokenizer.native.encode_normalized(" " * (number > 0) + tokenizer.normalize(lines[number]), ALL)
        assert ids[start:end] == [one for one in alone if one not in tokenizer.native.encode("", ALL)]
