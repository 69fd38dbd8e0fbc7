"""Training the four tokenizer kinds, Unigram with our own code and the others with Hugging Face `tokenizers`.

White space is collapsed before anything else. Text never yields a special token, not even where it spells one:
the library would split `<s>` out of a C string, and a stranger's code could then end the sequence or blind the model
to what follows. Source: Compressor `utils.py` (SPEC 1.8), Avatar `utils.py` (SPEC 2.7).
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from codewren.bundle.tokenizer_spec import (
    BOS_ID,
    BYTE_TOKENS,
    EOS_ID,
    NESTED_KINDS,
    SPECIAL_TOKENS,
    UNK_ID,
    TokenizerSpec,
    byte_alphabet,
)
from codewren.core.errors import BundleError, InputError
from codewren.core.files import read_json, write_bytes
from codewren.core.student_config import TokenizerKind
from codewren.predict.tokenizer import Tokenizer as NativeTokenizer
from codewren.train.tokenizers_json import Json, spec_from_tokenizers
from codewren.train.unigram import train_unigram

Mode = Literal["wren", "compressor", "avatar"]
_CACHE_VERSION = 1
"""Raise it when a kept tokenizer would be wrong. One that is only no longer what training gives stays: the students of
its run were made with it."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What happens to the text before the model of the tokenizer sees it."""

    lowercase: bool = True
    nfkd: bool = False
    strip_accents: bool = False
    add_prefix_space: bool = True
    unigram_characters: int | None = 2_000_000
    """Of more text an even part is enough: Unigram's time grows with it (minutes at 10 million), its pieces do not."""


_MODES: dict[Mode, _Text] = {
    "wren": _Text(),
    "compressor": _Text(),
    "avatar": _Text(nfkd=True, strip_accents=True, add_prefix_space=False, unigram_characters=None),
}


def train_tokenizer(
    kind: TokenizerKind,
    vocab_size: int,
    texts: Sequence[str],
    *,
    mode: Mode = "wren",
    lowercase: bool = True,
    add_special_tokens: bool = True,
    cache: Path | None = None,
) -> TokenizerSpec:
    """Train a tokenizer; the texts may not suffice for `vocab_size`, so `len(spec.vocab)` is what counts.

    Equal texts and options give an equal spec in every process.

    Args:
        kind: one of the four kinds.
        vocab_size: most tokens, special ones included.
        texts: source code, as often as it shall count.
        mode: `compressor` (BPE only) and `avatar` as the papers; `wren` is Compressor's text handling for all kinds.
        lowercase: as both papers do; false keeps the case (mode `wren` only).
        add_special_tokens: false for Avatar's vulnerability students, which see no `<s>` and `</s>`.
        cache: a folder that keeps what was trained, by the hash of everything that matters.

    Raises:
        InputError: nothing to train on, a vocabulary too small for the kind, or options that contradict each other.
    """
    kind = TokenizerKind(kind)
    text = _text_options(kind, mode, lowercase)
    _check_size(kind, vocab_size)
    collapsed = [" ".join(code.split()) for code in texts]
    if not any(collapsed):
        raise InputError("a tokenizer needs text to train on, found none; check the data set's code column")
    path = cache / f"{kind}-{vocab_size}-{_key(kind, vocab_size, text, collapsed)}.json" if cache else None
    if path and path.exists():
        spec = _kept(path)
    else:
        spec = _train(kind, vocab_size, text, collapsed)
        if path:
            write_bytes(path, spec.to_bytes())
    return replace(spec, add_special_tokens=add_special_tokens)


def characters_read(kind: TokenizerKind, texts: Sequence[str], *, mode: Mode = "wren") -> int:
    """How many characters `train_tokenizer` reads of the texts: of more than enough only a part."""
    total, most = sum(map(len, texts)), _MODES[mode].unigram_characters
    return total if most is None or kind is not TokenizerKind.UNIGRAM else min(total, most)


def cut(spec: TokenizerSpec, vocab_size: int) -> TokenizerSpec:
    """Cut a BPE or Word tokenizer to a smaller one: exactly what training at that size gives.

    A spec that is small enough already is returned as it is.

    Raises:
        InputError: the kind does not nest, or the size leaves no room for what the kind needs.
    """
    if spec.kind not in NESTED_KINDS:
        raise InputError(f"a {spec.kind} vocabulary of another size must be trained anew; only bpe and word can be cut")
    _check_size(spec.kind, vocab_size)
    merges = spec.merges[: 2 * max(0, vocab_size - BYTE_TOKENS)]
    return replace(spec, vocab=spec.vocab[:vocab_size], merges=merges)


def encoder(spec: TokenizerSpec) -> Tokenizer:
    """The library's own object for a spec, without special tokens: the oracle of every other encoder."""
    tokenizer = Tokenizer(_model(spec))
    _set_text(tokenizer, spec.kind, _Text(spec.lowercase, spec.nfkd, spec.strip_accents, spec.add_prefix_space))
    return tokenizer


class Encoder:
    """Encodes with the library: what the native core is tested against, and many times slower."""

    def __init__(self, spec: TokenizerSpec) -> None:
        self.spec = spec
        self._tokenizer = encoder(spec)

    def encode_batch(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Ids of each text, at most `max_length`, `<s>` and `</s>` included where the spec adds them."""
        room = max(0, max_length - 2) if self.spec.add_special_tokens else max_length
        collapsed = [" ".join(text.split()) for text in texts]
        # encode_batch_fast leaves the offsets out; the ids are the same.
        bodies = [encoding.ids[:room] for encoding in self._tokenizer.encode_batch_fast(collapsed)]
        if not self.spec.add_special_tokens:
            return bodies
        return [[BOS_ID, *body, EOS_ID][:max_length] for body in bodies]


def encode_batch(spec: TokenizerSpec | Encoder, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Ids of each text, as the student will see them: by the native core, or by the library if given an `Encoder`.

    Raises:
        InputError: a text is not Unicode.
    """
    if isinstance(spec, Encoder):
        return spec.encode_batch(texts, max_length)
    return NativeTokenizer(spec).encode_batch(list(texts), max_length)


def import_tokenizers_json(path: Path, *, add_special_tokens: bool = True) -> TokenizerSpec:
    """Read a file of the `tokenizers` library, such as the papers' `BPE_1000.json`.

    Args:
        path: the JSON file.
        add_special_tokens: whether its students see `<s>` and `</s>`, which the papers add outside the file.

    Raises:
        InputError: not such a file, or it asks for something a spec cannot express.
    """
    return spec_from_tokenizers(read_json(path), source=str(path), add_special_tokens=add_special_tokens)


def _text_options(kind: TokenizerKind, mode: Mode, lowercase: bool) -> _Text:
    if mode not in _MODES:
        raise InputError(f"tokenizer mode {mode!r} is none of {', '.join(_MODES)}")
    if mode == "compressor" and kind is not TokenizerKind.BPE:
        raise InputError(f"Compressor has bpe only, not {kind}; use mode 'avatar' or 'wren'")
    if not lowercase and mode != "wren":
        raise InputError(f"mode {mode!r} lower-cases, as its paper does; use mode 'wren' to keep the case")
    text = replace(_MODES[mode], lowercase=lowercase)
    return text if kind is TokenizerKind.BPE else replace(text, add_prefix_space=False)


def _check_size(kind: TokenizerKind, vocab_size: int) -> None:
    least = BYTE_TOKENS if kind is TokenizerKind.BPE else len(SPECIAL_TOKENS) + 1
    if vocab_size < least:
        raise InputError(f"vocab_size {vocab_size} is too small for {kind}, which needs {least} or more")


def _key(kind: TokenizerKind, vocab_size: int, text: _Text, texts: list[str]) -> str:
    digest = hashlib.sha256(repr((_CACHE_VERSION, str(kind), vocab_size, text, len(texts))).encode())
    for words in texts:
        digest.update(hashlib.sha256(words.encode()).digest())
    return digest.hexdigest()[:24]


def _kept(path: Path) -> TokenizerSpec:
    try:
        return TokenizerSpec.from_dict(read_json(path))
    except BundleError as error:
        raise InputError(f"{path}: {error}; delete the file and it will be trained again") from None


def _train(kind: TokenizerKind, vocab_size: int, text: _Text, texts: list[str]) -> TokenizerSpec:
    tokenizer = Tokenizer(_EMPTY[kind]())
    _set_text(tokenizer, kind, text)
    if kind is TokenizerKind.UNIGRAM:
        raw = _unigram(tokenizer, vocab_size, text, texts)
    elif kind is TokenizerKind.WORDPIECE:
        trainer = _wordpiece_trainer(_words(tokenizer, texts), vocab_size)
        tokenizer.train_from_iterator(texts, trainer=trainer, length=len(texts))
        raw = json.loads(tokenizer.to_str())
        raw["added_tokens"] = raw["added_tokens"][: len(SPECIAL_TOKENS)]
    else:
        tokenizer.train_from_iterator(texts, trainer=_trainer(kind, vocab_size), length=len(texts))
        raw = json.loads(tokenizer.to_str())
    spec = spec_from_tokenizers(raw, source="the trained tokenizer")
    # Further digits would double the file and decide nothing.
    return replace(spec, scores=tuple(round(score, 6) for score in spec.scores))


def _unigram(tokenizer: Tokenizer, vocab_size: int, text: _Text, texts: list[str]) -> Json:
    texts = texts[:: math.ceil(sum(map(len, texts)) / (text.unigram_characters or math.inf)) or 1]
    texts = _without_rare_characters(tokenizer, texts, keep=vocab_size // _ALPHABET_SHARE)
    special = [(token, 0.0) for token in SPECIAL_TOKENS]
    # Text such as "<s>" in HTML must not become a second token of that name.
    pieces = train_unigram(_words(tokenizer, texts), vocab_size - len(special), SPECIAL_TOKENS)
    tokenizer.model = models.Unigram([*special, *pieces], UNK_ID, False)
    raw: Json = json.loads(tokenizer.to_str())
    return raw


# A comment in Chinese must not fill the vocabulary with single characters (and the library never drops one of them, so
# that the result would exceed the size asked for): the most frequent characters keep at most this part of it.
_ALPHABET_SHARE = 4

_EMPTY: dict[TokenizerKind, Callable[[], models.Model]] = {
    TokenizerKind.BPE: lambda: models.BPE(unk_token="<unk>"),
    TokenizerKind.WORDPIECE: lambda: models.WordPiece(unk_token="<unk>"),
    TokenizerKind.UNIGRAM: models.Unigram,
    TokenizerKind.WORD: lambda: models.WordLevel(unk_token="<unk>"),
}


def _trainer(kind: TokenizerKind, size: int) -> trainers.Trainer:
    special = list(SPECIAL_TOKENS)
    if kind is TokenizerKind.BPE:
        alphabet = list(byte_alphabet())
        return trainers.BpeTrainer(
            vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    return trainers.WordLevelTrainer(vocab_size=size, special_tokens=special, show_progress=False)


def _wordpiece_trainer(words: Counter[str], size: int) -> trainers.Trainer:
    """A trainer that owes nothing to hash order.

    The library numbers the characters inside words as it meets them, in hash order, and equally frequent pairs are
    merged in the order of these numbers; given as special tokens they have theirs before it starts. Which of equally
    rare characters the alphabet leaves out is hash order too, so the alphabet is given as well.
    """
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    alphabet = sorted(counts, key=lambda character: (-counts[character], character))[: max(1, size // _ALPHABET_SHARE)]
    inside = {character for word in words for character in word[1:]}.intersection(alphabet)
    return trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*SPECIAL_TOKENS, *(f"##{character}" for character in sorted(inside))],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )


def _words(tokenizer: Tokenizer, texts: list[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    normalize, split = tokenizer.normalizer.normalize_str, tokenizer.pre_tokenizer.pre_tokenize_str
    for text in texts:
        words.update(word for word, _ in split(normalize(text)))
    return words


def _without_rare_characters(tokenizer: Tokenizer, texts: list[str], *, keep: int) -> list[str]:
    normalize = tokenizer.normalizer.normalize_str
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(normalize(text))
    rare = {ord(character): " " for character, _ in counts.most_common()[max(1, keep) :]}
    return [normalize(text).translate(rare) for text in texts] if rare else texts


def _set_text(tokenizer: Tokenizer, kind: TokenizerKind, text: _Text) -> None:
    steps: list[normalizers.Normalizer] = []
    if text.lowercase:
        steps.append(normalizers.Lowercase())
    if text.nfkd:
        # NFKD writes some accents as a space and a mark, so ends must be stripped again.
        steps += [normalizers.NFKD(), normalizers.Strip()]
    if text.strip_accents:
        steps.append(normalizers.StripAccents())
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = _pre_tokenizer(kind, text.add_prefix_space)


def _pre_tokenizer(kind: TokenizerKind, add_prefix_space: bool) -> pre_tokenizers.PreTokenizer:
    if kind is TokenizerKind.BPE:
        return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    if kind is TokenizerKind.WORDPIECE:
        return pre_tokenizers.Whitespace()
    if kind is TokenizerKind.UNIGRAM:
        return pre_tokenizers.Metaspace()
    return pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])


def _model(spec: TokenizerSpec) -> models.Model:
    # White space is collapsed, so no text holds a line feed: a special token spelt with one cannot match any text.
    vocab = [f"\n{token}" for token in SPECIAL_TOKENS] + list(spec.vocab[len(SPECIAL_TOKENS) :])
    ids = {token: index for index, token in enumerate(vocab)}
    if spec.kind is TokenizerKind.BPE:
        pairs = zip(spec.merges[::2], spec.merges[1::2], strict=True)
        merges = [(vocab[left], vocab[right]) for left, right in pairs]
        return models.BPE(vocab=ids, merges=merges, unk_token=vocab[UNK_ID])
    if spec.kind is TokenizerKind.WORDPIECE:
        return models.WordPiece(vocab=ids, unk_token=vocab[UNK_ID], max_input_chars_per_word=100)
    if spec.kind is TokenizerKind.UNIGRAM:
        return models.Unigram(list(zip(vocab, spec.scores, strict=True)), UNK_ID, False)
    return models.WordLevel(vocab=ids, unk_token=vocab[UNK_ID])
