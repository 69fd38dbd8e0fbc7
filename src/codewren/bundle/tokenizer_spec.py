"""A tokenizer as data: what `tokenizer.json` of a bundle holds (docs/bundle-format.md), checked on the way in.

A bundle comes from a stranger, so every field is verified before anything is built from it: ids in range, tokens
distinct and encodable, merges that end in a token.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Self

from codewren.core.errors import BundleError, nearest
from codewren.core.student_config import TokenizerKind

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
BOS_ID, PAD_ID, EOS_ID, UNK_ID = range(4)
BYTE_TOKENS = len(SPECIAL_TOKENS) + 256
"""Tokens of a BPE vocabulary before the first merge."""
LARGEST_VOCAB = 1 << 24
"""Characters of all tokens together; doubling a token by every merge would fill any memory."""
NESTED_KINDS = frozenset({TokenizerKind.BPE, TokenizerKind.WORD})
"""Kinds whose smaller vocabulary is a prefix of the larger one."""


def byte_alphabet() -> tuple[str, ...]:
    """The printable character that stands for each byte in a byte-level token, GPT-2's table.

    Printable Latin-1 stands for itself, the other 68 bytes for U+0100, U+0101 and so on.

    >>> byte_alphabet()[ord("a")], byte_alphabet()[ord(" ")]
    ('a', 'Ġ')
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


@dataclass(frozen=True, slots=True)
class TokenizerSpec:
    """One of the four tokenizer kinds, complete: the same ids follow from it in training and at run time.

    `vocab` is in id order and starts with `SPECIAL_TOKENS`, which text never produces. `merges` holds
    left id, right id, ... by rank (BPE only): merge k makes token `BYTE_TOKENS + k`, in the order of training.
    `scores` holds one log probability a token (Unigram only).

    Raises:
        BundleError: a field is not what the format promises.
    """

    kind: TokenizerKind
    vocab: tuple[str, ...]
    merges: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    lowercase: bool = True
    nfkd: bool = False
    strip_accents: bool = False
    add_prefix_space: bool = False
    add_special_tokens: bool = True

    def __post_init__(self) -> None:
        _check_vocab(self.vocab)
        if self.kind is TokenizerKind.BPE:
            _check_bytes(self.vocab[:BYTE_TOKENS])
            if _merged(self.vocab[:BYTE_TOKENS], self.merges) != self.vocab:
                raise BundleError(f"tokenizer: merge k of bpe must make token {BYTE_TOKENS} + k, and every other token")
        elif self.merges or self.add_prefix_space:
            raise BundleError(f"tokenizer: merges and add_prefix_space belong to bpe, not to {self.kind}")
        if self.kind is TokenizerKind.UNIGRAM:
            _check_scores(self.vocab, self.scores)
        elif self.scores:
            raise BundleError(f"tokenizer: scores belong to unigram, not to {self.kind}")

    @property
    def sha256(self) -> str:
        """Hash of `to_bytes`."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what the merges of BPE make is left out of `vocab`, half the bytes of the file."""
        plain = {name: value for name, value in asdict(self).items() if name not in _NORMALIZER}
        plain["normalizer"] = {name: getattr(self, name) for name in _NORMALIZER}
        plain["kind"] = str(self.kind)
        if self.kind is TokenizerKind.BPE:
            plain["vocab"] = self.vocab[:BYTE_TOKENS]
        return plain

    def to_bytes(self) -> bytes:
        """Return compact JSON, as a bundle stores it; equal specs give equal bytes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_dict(cls, raw: object) -> Self:
        """Read the JSON form, which may come from a stranger.

        Raises:
            BundleError: a key is missing or unknown, or a value is not what the format promises.
        """
        known = {field.name for field in fields(cls)} - set(_NORMALIZER) | {"normalizer"}
        values = _keys("tokenizer", raw, known)
        flags = _keys("tokenizer.normalizer", values.pop("normalizer"), set(_NORMALIZER))
        for name in ("vocab", "merges", "scores"):
            if not isinstance(values[name], (list, tuple)):
                raise BundleError(f"tokenizer.{name} must be a list, found {type(values[name]).__name__}")
            values[name] = tuple(values[name])
        flags |= {name: values.pop(name) for name in ("add_prefix_space", "add_special_tokens")}
        for name, value in flags.items():
            if not isinstance(value, bool):
                raise BundleError(f"tokenizer: {name} must be true or false, found {value!r:.40}")
        kind = _kind(values.pop("kind"))
        if kind is TokenizerKind.BPE:
            _check_vocab(values["vocab"])
            values["vocab"] = _merged(values["vocab"], values["merges"])
        return cls(kind=kind, **values, **flags)


_NORMALIZER = ("lowercase", "nfkd", "strip_accents")


def _keys(where: str, raw: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BundleError(f"{where} must be an object, found {type(raw).__name__}")
    # An unknown key could change the ids, so it is no more acceptable than a missing one.
    for name in raw:
        if name not in known:
            raise BundleError(f"{where}: unknown key {name!r:.40}; {nearest(str(name), known)}")
    for name in sorted(known):
        if name not in raw:
            raise BundleError(f"{where}: {name} is missing; the bundle is incomplete, export it again")
    return dict(raw)


def _kind(value: object) -> TokenizerKind:
    known = [str(kind) for kind in TokenizerKind]
    if value not in known:
        raise BundleError(f"tokenizer.kind {value!r:.40} is none of {', '.join(known)}")
    return TokenizerKind(str(value))


def _check_vocab(vocab: tuple[str, ...]) -> None:
    if set(map(type, vocab)) - {str}:
        raise BundleError("tokenizer.vocab must hold strings only")
    if vocab[:4] != SPECIAL_TOKENS:
        raise BundleError(f"tokenizer.vocab must start with {' '.join(SPECIAL_TOKENS)}, found {vocab[:4]!r:.80}")
    if len(set(vocab)) != len(vocab) or "" in vocab:
        raise BundleError("tokenizer.vocab holds an empty token, or one twice; every token needs one id")
    try:
        "".join(vocab).encode()
    except UnicodeEncodeError as error:
        raise BundleError(f"tokenizer.vocab holds text that is not Unicode: {error.reason}") from None


def _check_bytes(base: tuple[str, ...]) -> None:
    wrong = set(byte_alphabet()).symmetric_difference(base[len(SPECIAL_TOKENS) :])
    if wrong:
        raise BundleError(
            f"tokenizer.vocab of bpe must go on with the 256 bytes; {min(wrong)!r:.40} is missing or extra"
        )


def _merged(base: tuple[str, ...], merges: tuple[int, ...]) -> tuple[str, ...]:
    """The whole vocabulary: each merge joins two tokens made before it."""
    if set(map(type, merges)) - {int} or len(merges) % 2:
        raise BundleError("tokenizer.merges must hold pairs of whole numbers: left id, right id, ...")
    vocab = list(base)
    characters = 0
    for left, right in zip(merges[::2], merges[1::2], strict=True):
        if not (len(SPECIAL_TOKENS) <= left < len(vocab) and len(SPECIAL_TOKENS) <= right < len(vocab)):
            raise BundleError(f"tokenizer.merges: {left} + {right} must name tokens 4..{len(vocab) - 1}, made before")
        token = vocab[left] + vocab[right]
        characters += len(token)
        if characters > LARGEST_VOCAB:
            raise BundleError(f"tokenizer.merges make more than {LARGEST_VOCAB} characters; the bundle is damaged")
        vocab.append(token)
    return tuple(vocab)


def _check_scores(vocab: tuple[str, ...], scores: tuple[float, ...]) -> None:
    if set(map(type, scores)) - {float, int} or not all(map(isfinite, scores)):
        raise BundleError("tokenizer.scores must hold finite numbers only")
    if len(scores) != len(vocab):
        raise BundleError(f"tokenizer.scores: {len(scores)} scores for {len(vocab)} tokens")
