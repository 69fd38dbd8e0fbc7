r"""A tokenizer as the `tokenizer.json` that the `tokenizers` library and transformers.js read, for ONNX files.

Both give the ids of our own. They differ in what `\w`, a digit, an accent or lower case is, so that all of it is
spelt out here in regular expressions that mean the same to both.
"""

import json
from typing import Any

from codewren.bundle.tokenizer_spec import BOS_ID, EOS_ID, SPECIAL_TOKENS, UNK_ID, TokenizerSpec
from codewren.core.student_config import TokenizerKind

Json = dict[str, Any]

_PYTHONS_WHITE_SPACE = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}"
_WORDS = rf"[{_WORD}]+|[^{_WORD}\s]+"
_WORDS_AND_DIGITS = rf"\p{{N}}|(?:(?!\p{{N}})[{_WORD}])+|(?:(?!\p{{N}})[^{_WORD}\s])+"
_MARKED_WORDS = "\u2581[^\u2581]*"
_NO_PREFIX = "\n\n"  # of no token, so that WordPiece takes whole words only


def tokenizer_json(spec: TokenizerSpec, max_length: int) -> bytes:
    """The file's bytes; the library cuts at `max_length` tokens, special ones included."""
    value: Json = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": max_length, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [],  # text never yields a special token
        "normalizer": {"type": "Sequence", "normalizers": _normalizers(spec)},
        "pre_tokenizer": _pre_tokenizer(spec),
        "post_processor": _frame(spec) if spec.add_special_tokens else None,
        "decoder": None,
        "model": _model(spec),
    }
    return json.dumps(value, ensure_ascii=False).encode()


def tokenizer_config_json(max_length: int) -> bytes:
    """The `tokenizer_config.json` that transformers.js wants beside it."""
    return json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": max_length}).encode()


def _names() -> list[str]:
    """White space is collapsed, so no text holds a line feed: a special token spelt with one matches no text."""
    return [f"\n{token}" for token in SPECIAL_TOKENS]


def _vocab(spec: TokenizerSpec) -> list[str]:
    return [*_names(), *spec.vocab[len(SPECIAL_TOKENS) :]]


def _replace(pattern: str, content: str) -> Json:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _normalizers(spec: TokenizerSpec) -> list[Json]:
    strip = _replace(f"^{_PYTHONS_WHITE_SPACE}+|{_PYTHONS_WHITE_SPACE}+$", "")
    steps = [_replace(f"{_PYTHONS_WHITE_SPACE}+", " "), strip]
    if spec.lowercase:  # a final sigma is no special case for the library, and one for JavaScript
        steps += [_replace("\u03a3", "\u03c3"), {"type": "Lowercase"}]
    if spec.nfkd:
        steps += [{"type": "NFKD"}, strip]
    if spec.strip_accents:
        steps.append(_replace(r"\p{M}", ""))
    return steps


def _split(pattern: str) -> Json:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True}


def _pre_tokenizer(spec: TokenizerSpec) -> Json:
    if spec.kind is TokenizerKind.BPE:
        prefix = spec.add_prefix_space
        return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}
    if spec.kind is TokenizerKind.UNIGRAM:
        mark = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False}
        return {"type": "Sequence", "pretokenizers": [mark, _split(_MARKED_WORDS)]}
    return _split(_WORDS if spec.kind is TokenizerKind.WORDPIECE else _WORDS_AND_DIGITS)


def _frame(spec: TokenizerSpec) -> Json:
    names = _names()
    begin, end = ({"SpecialToken": {"id": names[index], "type_id": 0}} for index in (BOS_ID, EOS_ID))
    special = {
        names[index]: {"id": names[index], "ids": [index], "tokens": [names[index]]} for index in (BOS_ID, EOS_ID)
    }
    text = {"Sequence": {"id": "A", "type_id": 0}}
    other = {"Sequence": {"id": "B", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [begin, text, end],
        "pair": [begin, text, end, other, end],
        "special_tokens": special,
    }


def _model(spec: TokenizerSpec) -> Json:
    vocab, unknown = _vocab(spec), _names()[UNK_ID]
    ids = {token: index for index, token in enumerate(vocab)}
    if spec.kind is TokenizerKind.BPE:
        merges = [[vocab[left], vocab[right]] for left, right in zip(spec.merges[::2], spec.merges[1::2], strict=True)]
        return {"type": "BPE", "unk_token": unknown, "vocab": ids, "merges": merges}
    if spec.kind is TokenizerKind.UNIGRAM:
        pieces = [list(piece) for piece in zip(vocab, spec.scores, strict=True)]
        return {"type": "Unigram", "unk_id": UNK_ID, "vocab": pieces, "byte_fallback": False}
    pieces_only = spec.kind is TokenizerKind.WORDPIECE
    return {
        "type": "WordPiece",
        "unk_token": unknown,
        "continuing_subword_prefix": "##" if pieces_only else _NO_PREFIX,
        "max_input_chars_per_word": 100 if pieces_only else 1 << 30,
        "vocab": ids,
    }
