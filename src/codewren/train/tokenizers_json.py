"""Strict reading of the JSON that the `tokenizers` library writes: what a spec cannot express is an error."""

from typing import Any

from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec
from codewren.core.errors import BundleError, InputError
from codewren.core.student_config import TokenizerKind

Json = dict[str, Any]

# Settings of each model that our encoders implement; anything else in the file would give other ids.
_MODELS: dict[str, tuple[TokenizerKind, Json]] = {
    "BPE": (
        TokenizerKind.BPE,
        {
            "dropout": (None,),
            "unk_token": ("<unk>", None),
            "continuing_subword_prefix": (None, ""),
            "end_of_word_suffix": (None, ""),
            "fuse_unk": (False, True),  # every byte has a token, so there is nothing to fuse
            "byte_fallback": (False,),
            "ignore_merges": (False,),
        },
    ),
    "WordPiece": (
        TokenizerKind.WORDPIECE,
        {"unk_token": ("<unk>",), "continuing_subword_prefix": ("##",), "max_input_chars_per_word": (100,)},
    ),
    "Unigram": (TokenizerKind.UNIGRAM, {"unk_id": (3,), "byte_fallback": (False,)}),
    "WordLevel": (TokenizerKind.WORD, {"unk_token": ("<unk>",)}),
}
_PRE_TOKENIZERS: dict[TokenizerKind, list[Json]] = {
    TokenizerKind.BPE: [{"type": "ByteLevel", "use_regex": True}],
    TokenizerKind.WORDPIECE: [{"type": "Whitespace"}],
    TokenizerKind.UNIGRAM: [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}],
    TokenizerKind.WORD: [{"type": "Whitespace"}, {"type": "Digits", "individual_digits": True}],
}
_IRRELEVANT = {"add_prefix_space", "trim_offsets"}  # the first is read on its own, the second moves no id


def spec_from_tokenizers(raw: Any, *, source: str, add_special_tokens: bool = True) -> TokenizerSpec:
    """Convert a parsed tokenizer file.

    Raises:
        InputError: naming `source` and the part that cannot be expressed.
    """
    try:
        kind, vocab, merges, scores = _model(raw["model"])
        _check_rest(raw)
        flags = _normalizer(raw["normalizer"])
        prefix = _prefix_space(kind, raw["pre_tokenizer"])
        return TokenizerSpec(
            kind, vocab, merges, scores, **flags, add_prefix_space=prefix, add_special_tokens=add_special_tokens
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{source}: not a tokenizer file of the library ({error!r:.80})") from None
    except (InputError, BundleError) as error:
        raise InputError(f"{source}: {error}; a spec cannot express this tokenizer") from None


def _model(model: Json) -> tuple[TokenizerKind, tuple[str, ...], tuple[int, ...], tuple[float, ...]]:
    if model["type"] not in _MODELS:
        raise InputError(f"model {model['type']!r} is none of {', '.join(_MODELS)}")
    kind, settings = _MODELS[model["type"]]
    for name, value in model.items():
        if name not in {"type", "vocab", "merges"} and value not in settings.get(name, ()):
            raise InputError(f"model.{name} is {value!r:.40}, wanted {settings.get(name, 'no such setting')}")
    if kind is TokenizerKind.UNIGRAM:
        pieces = model["vocab"]
        return kind, tuple(piece for piece, _ in pieces), (), tuple(float(score) for _, score in pieces)
    ids: dict[str, int] = model["vocab"]
    vocab = tuple(sorted(ids, key=ids.__getitem__))
    if [ids[token] for token in vocab] != list(range(len(vocab))):
        raise InputError(f"the ids of the vocabulary are not 0..{len(vocab) - 1} without gaps")
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model.get("merges", ())]
    return kind, vocab, tuple(ids[token] for left, right in merges for token in (left, right)), ()


def _check_rest(raw: Json) -> None:
    for token in raw["added_tokens"]:
        if token["id"] >= len(SPECIAL_TOKENS) or token["content"] != SPECIAL_TOKENS[token["id"]]:
            raise InputError(f"added token {token['content']!r} with id {token['id']}")
    post = raw.get("post_processor")
    if post is not None and post["type"] != "ByteLevel":  # that one only moves offsets
        raise InputError(f"post_processor {post['type']!r}")


def _prefix_space(kind: TokenizerKind, raw: Json | None) -> bool:
    steps = _sequence(raw, "pretokenizers")
    relevant = [{name: value for name, value in step.items() if name not in _IRRELEVANT} for step in steps]
    if relevant != _PRE_TOKENIZERS[kind]:
        raise InputError(f"pre_tokenizer {relevant}, wanted {_PRE_TOKENIZERS[kind]} for {kind}")
    return kind is TokenizerKind.BPE and bool(steps[0]["add_prefix_space"])


def _sequence(step: Json | None, key: str) -> list[Json]:
    if step is None:
        return []
    return [dict(inner) for inner in step[key]] if step["type"] == "Sequence" else [dict(step)]


def _normalizer(raw: Json | None) -> dict[str, bool]:
    steps = [step["type"] for step in _sequence(raw, "normalizers")]
    flags = {"lowercase": "Lowercase" in steps, "nfkd": "NFKD" in steps, "strip_accents": "StripAccents" in steps}
    order = ["Lowercase"] * flags["lowercase"] + ["NFKD", "Strip"] * flags["nfkd"]
    order += ["StripAccents"] * flags["strip_accents"]
    # Without NFKD the text is stripped already, so a Strip anywhere changes nothing.
    names = steps if flags["nfkd"] else [step for step in steps if step != "Strip"]
    if names != order:
        raise InputError(f"normalizer {steps}, wanted the order {order}")
    return flags
